import { formatDuration } from '../../core/duration.ts';
import { SluiceError } from '../../core/errors.ts';
import { count } from '../../core/wording.ts';
import type { Source } from '../../gates/ports.ts';
import type { Look } from '../../judge/looks/look.ts';
import type { RemoteServer } from '../../remote/connection.ts';
import { createJsonApi, type JsonApi } from '../json-api.ts';
import type { SourceWorld } from '../world.ts';
import { requireMapping } from './mapping.ts';
import { countDocuments, describeQuery, type ElasticsearchQuery, newestDocument } from './search.ts';

/** Milliseconds in which a query that is not mistyped has usually matched something. */
const DAY = 86_400_000;

/**
 * Documents of Elasticsearch or OpenSearch that match a query, out of all of a window.
 * An answer in which a shard, a remote cluster or an index is missing is no answer.
 */
export function elasticsearchSource(
  query: ElasticsearchQuery,
  server: RemoteServer,
  { clock }: Pick<SourceWorld, 'clock'>,
): Source {
  const api = createJsonApi(server, {
    product: 'Elasticsearch',
    credentials:
      'Check the API key ("Authorization: ApiKey …" in the headers) or the user name and password, and the right "read" and "view_index_metadata" on the index.',
    address:
      'Check the address and its path prefix. Elasticsearch from 7 on and OpenSearch answer in the form that is needed.',
  });
  const asked = describeQuery(query);
  const { lag, staleAfter } = query;

  return {
    kind: 'elasticsearch',
    asked: `${asked} (${api.name})`,
    permissions: api.permissions,
    lag,

    async preflight(signal) {
      const warnings = await requireMapping(api, query, signal);
      const to = clock.now() - lag;
      const found = await countDocuments(api, query, { from: to - DAY, to }, signal);
      if (typeof found === 'string') throw partial(asked, found);
      if (found.recent === 0) throw await stale(api, query, clock.now(), signal);
      return {
        evidence: `${count(found.recent)} documents of ${query.index} in the last ${formatDuration(staleAfter)}; of ${count(found.total)} in 24h, ${count(found.bad)} match`,
        warnings: [
          ...warnings,
          ...(found.bad === 0
            ? [
                `${asked} matched nothing in the last 24 hours. Check that it can match: values of keyword fields and their case count.`,
              ]
            : []),
        ],
      };
    },

    async look(window, signal): Promise<Look> {
      const found = await countDocuments(api, query, window, signal);
      if (typeof found === 'string') return { kind: 'missing', reason: found };
      const { recent, total, bad } = found;
      if (recent === 0)
        return {
          kind: 'missing',
          reason: `no document${query.total === undefined ? '' : ' of "total"'} arrived in the last ${formatDuration(staleAfter)}`,
        };
      if (bad > total) return { kind: 'missing', reason: `the counts contradict each other: ${bad} of ${total}` };
      return { kind: 'counts', total, bad };
    },
  };
}

function partial(about: string, reason: string): SluiceError {
  return new SluiceError('unreachable', {
    about,
    problem: `could not be answered in full: ${reason}.`,
    next: 'Wait until the cluster is whole again, or name an index that is.',
  });
}

async function stale(api: JsonApi, query: ElasticsearchQuery, now: number, signal: AbortSignal): Promise<SluiceError> {
  const newest = await newestDocument(api, query, signal);
  const what = query.total === undefined ? query.index : `${query.index} that "total" matches`;
  const age = newest === undefined ? undefined : Math.round((now - newest) / 1_000) * 1_000;
  const known =
    age === undefined
      ? 'there is none'
      : age < 0
        ? `the newest one lies ${formatDuration(-age)} in the future`
        : `the newest one is ${formatDuration(age)} old, by the clock of this runner`;
  return new SluiceError('bad-query', {
    about: describeQuery(query),
    problem: `has no document of ${what} in the last ${formatDuration(query.staleAfter)}: ${known}.`,
    next: 'Check that logs arrive, the clocks, "time-field" and "lag"; raise "stale-after" where documents are rare.',
  });
}
