import * as z from 'zod';
import { SluiceError } from '../../core/errors.ts';
import { inAddress } from '../../core/text.ts';
import { count } from '../../core/wording.ts';
import type { Window } from '../../judge/looks/look.ts';
import type { JsonApi } from '../json-api.ts';

/** A query string of Lucene, or a clause of the query DSL. */
export type ElasticsearchClause = string | Readonly<Record<string, unknown>>;

/** What is counted where. Times are milliseconds. */
export interface ElasticsearchQuery {
  /** Names, patterns or aliases of indices, separated by commas. */
  readonly index: string;
  readonly query: ElasticsearchClause;
  /** All documents that the query is a part of; by default all of the index. */
  readonly total?: ElasticsearchClause;
  readonly timeField: string;
  /** Milliseconds until a document can surely be found. */
  readonly lag: number;
  /** Milliseconds without any document after which it is not known whether documents still arrive. */
  readonly staleAfter: number;
}

/** How many documents a window has. */
export interface Counted {
  readonly total: number;
  readonly bad: number;
  /** Documents of the last `staleAfter` milliseconds. */
  readonly recent: number;
}

const whole = z.int().min(0);
const bucket = z.object({ doc_count: whole });
/** https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-search; OpenSearch answers in the same form. */
const searchAnswer = z.object({
  timed_out: z.boolean(),
  terminated_early: z.boolean().nullish(),
  _shards: z.object({ total: whole, successful: whole, failed: whole }),
  _clusters: z
    .object({
      skipped: whole.default(0),
      partial: whole.default(0),
      failed: whole.default(0),
      running: whole.default(0),
    })
    .nullish(),
  hits: z.object({ total: z.object({ value: whole, relation: z.string() }) }),
  aggregations: z.record(z.string(), z.unknown()).nullish(),
});
const counts = z.object({ recent: bucket, total: bucket, bad: bucket });
const newest = z.object({ newest: z.object({ value: z.number().nullable() }) });

/** Bytes of a request line that a server takes (`http.max_initial_line_length`: 4 KiB), without the method and the protocol. */
const LONGEST_PATH = 4_000;

/** Counts of a window, or why they are not known. @throws SluiceError as `JsonApi` */
export async function countDocuments(
  api: JsonApi,
  query: ElasticsearchQuery,
  window: Window,
  signal: AbortSignal,
): Promise<Counted | string> {
  const { timeField, lag, staleAfter } = query;
  const until = window.to + lag;
  const total = clauseOf(query.total);
  const within = (range: object, ...clauses: object[]) => ({ filter: { bool: { filter: [range, ...clauses] } } });
  const inWindow = rangeOf(timeField, window.from, window.to);
  const found = await search(
    api,
    query,
    {
      query: { bool: { filter: [rangeOf(timeField, Math.min(window.from, window.to - staleAfter), until)] } },
      aggs: {
        recent: within(rangeOf(timeField, window.to - staleAfter, until), total),
        total: within(inWindow, total),
        bad: within(inWindow, total, clauseOf(query.query)),
      },
    },
    signal,
  );
  if (typeof found === 'string') return found;
  const counted = counts.safeParse(found.aggregations).data;
  if (!counted) return 'the answer lacks the counts that were asked for';
  return { recent: counted.recent.doc_count, total: counted.total.doc_count, bad: counted.bad.doc_count };
}

/** The time of the newest document of all times, in milliseconds; undefined where that can't be told. */
export async function newestDocument(api: JsonApi, query: ElasticsearchQuery, signal: AbortSignal) {
  const aggs = { newest: { max: { field: query.timeField } } };
  const found = await search(api, query, { query: clauseOf(query.total), aggs }, signal);
  if (typeof found === 'string') return undefined;
  return newest.safeParse(found.aggregations).data?.newest.value ?? undefined;
}

/** @returns an answer that is whole, or why it is not. */
async function search(api: JsonApi, query: ElasticsearchQuery, body: object, signal: AbortSignal) {
  const parameters = {
    source: JSON.stringify({ size: 0, track_total_hits: true, ...body }),
    source_content_type: 'application/json',
  };
  const path = `/${indexPath(query.index)}/_search`;
  const about = describeQuery(query);
  if (path.length + new URLSearchParams(parameters).toString().length > LONGEST_PATH) {
    throw new SluiceError('bad-query', {
      about,
      problem: `makes an address of more than ${count(LONGEST_PATH)} characters, which ${api.name} does not take.`,
      next: 'Shorten the query, or put it into a filtered alias and name that as the index.',
    });
  }
  const answer = await api.get({ path, parameters, shape: searchAnswer, about }, signal);
  return whyNotWhole(answer) ?? answer;
}

/** Shards that are `skipped` hold no document of the time: they count as successful. */
function whyNotWhole(answer: z.infer<typeof searchAnswer>): string | undefined {
  const { _shards: shards, _clusters: clusters, hits } = answer;
  if (shards.total === 0) return 'no index was searched: the index exists no more, or none that matches its pattern';
  if (shards.failed > 0 || shards.successful < shards.total)
    return `${count(shards.total - shards.successful)} of ${count(shards.total)} shards did not answer`;
  const lost = clusters ? clusters.skipped + clusters.partial + clusters.failed + clusters.running : 0;
  if (lost > 0) return `${count(lost)} of the remote clusters did not answer in full`;
  if (answer.timed_out) return 'the search ended at its time limit, before all documents were seen';
  if (answer.terminated_early) return 'the search ended early, before all documents were seen';
  if (hits.total.relation !== 'eq') return 'the number of documents is a lower bound, not a count';
  return undefined;
}

/** Half-open, in milliseconds since the epoch. */
function rangeOf(field: string, from: number, to: number): object {
  return { range: { [field]: { gte: Math.floor(from), lt: Math.floor(to), format: 'epoch_millis' } } };
}

function clauseOf(clause: ElasticsearchClause | undefined): object {
  if (clause === undefined) return { match_all: {} };
  return typeof clause === 'string' ? { query_string: { query: clause } } : clause;
}

/** An index expression as a part of a path: commas separate names. */
export function indexPath(index: string): string {
  return index.split(',').map(inAddress).join(',');
}

export function describeQuery({ index, query }: Pick<ElasticsearchQuery, 'index' | 'query'>): string {
  return `query ${typeof query === 'string' ? query : JSON.stringify(query)} on ${index}`;
}
