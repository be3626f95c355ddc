import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { elasticsearchSource } from '../../../../src/sources/elasticsearch/elasticsearch.ts';
import type { ElasticsearchQuery } from '../../../../src/sources/elasticsearch/search.ts';
import { type JsonServer, startJsonServer, stoppedClock } from '../../../support/json-server.ts';
import { elasticsearchDouble, NOW } from '../../../support/source-doubles.ts';

const signal = new AbortController().signal;
const double = elasticsearchDouble({ recent: 40, total: 1_200, bad: 7 });
let server: JsonServer;

beforeAll(async () => {
  server = await startJsonServer();
});
beforeEach(() => {
  server.requests.length = 0;
  server.answer(double());
});
afterAll(() => server.stop());

function sourceOf(change: Partial<ElasticsearchQuery> = {}, headers: Record<string, string> = {}) {
  const query = {
    index: 'logs-*',
    query: 'log.level:error',
    total: 'service.name:shop',
    timeField: '@timestamp',
    lag: 30_000,
    staleAfter: 300_000,
    ...change,
  };
  return elasticsearchSource(query, server.reach('Elasticsearch', { headers }), { clock: stoppedClock(NOW) });
}

const window = { from: NOW - 90_000, to: NOW - 30_000 };

describe('a look', () => {
  test('counts the documents of a half-open window in one search by GET', async () => {
    expect(await sourceOf({}, { authorization: 'ApiKey abc' }).look(window, signal)).toEqual({
      kind: 'counts',
      total: 1_200,
      bad: 7,
    });
    const [asked, ...more] = server.requests;
    expect(more).toEqual([]);
    expect(asked?.path).toBe('/logs-*/_search');
    expect(asked?.headers.authorization).toBe('ApiKey abc');
    expect(asked?.parameters.get('source_content_type')).toBe('application/json');
    const range = (from: number, to: number) => ({
      range: { '@timestamp': { gte: from, lt: to, format: 'epoch_millis' } },
    });
    const total = { query_string: { query: 'service.name:shop' } };
    const bad = { query_string: { query: 'log.level:error' } };
    const filter = (...clauses: object[]) => ({ filter: { bool: { filter: clauses } } });
    expect(JSON.parse(asked?.parameters.get('source') ?? '')).toEqual({
      size: 0,
      track_total_hits: true,
      query: { bool: { filter: [range(window.to - 300_000, NOW)] } },
      aggs: {
        recent: filter(range(window.to - 300_000, NOW), total),
        total: filter(range(window.from, window.to), total),
        bad: filter(range(window.from, window.to), total, bad),
      },
    });
  });

  test.each<[string, object, string]>([
    ['a shard that failed', { _shards: { total: 3, successful: 2, skipped: 0, failed: 1 } }, '1 of 3 shards'],
    ['a shard that nobody holds', { _shards: { total: 3, successful: 2, skipped: 0, failed: 0 } }, '1 of 3 shards'],
    ['no index', { _shards: { total: 0, successful: 0, skipped: 0, failed: 0 }, aggregations: undefined }, 'no index'],
    ['a search that timed out', { timed_out: true }, 'time limit'],
    ['a search that ended early', { terminated_early: true }, 'ended early'],
    ['a lower bound', { hits: { total: { value: 10_000, relation: 'gte' } } }, 'lower bound'],
    ['a remote cluster that was skipped', { _clusters: { total: 2, successful: 1, skipped: 1 } }, 'remote clusters'],
    [
      'a remote cluster that answered in part',
      { _clusters: { total: 2, successful: 1, skipped: 0, running: 0, partial: 1, failed: 0 } },
      'remote clusters',
    ],
    ['no counts', { aggregations: { recent: { doc_count: 1 } } }, 'lacks the counts'],
    [
      'more bad ones than there are',
      { aggregations: { recent: { doc_count: 1 }, total: { doc_count: 1 }, bad: { doc_count: 2 } } },
      'contradict',
    ],
  ])('with %s is missing', async (_, change, reason) => {
    server.answer(double(change));
    expect(await sourceOf().look(window, signal)).toEqual({
      kind: 'missing',
      reason: expect.stringContaining(reason),
    });
  });

  test('without fresh documents is missing, though nothing bad is found', async () => {
    server.answer(elasticsearchDouble({ recent: 0, total: 0, bad: 0 })());
    expect(await sourceOf().look(window, signal)).toEqual({
      kind: 'missing',
      reason: 'no document of "total" arrived in the last 5m',
    });
  });

  test('tells what the server says against the query', async () => {
    const reason = 'Failed to parse query [log.level:]';
    const body = { error: { root_cause: [{ type: 'query_shard_exception', reason }], reason: 'all shards failed' } };
    server.answer(() => ({ status: 400, body: { ...body, status: 400 } }));
    await expect(sourceOf().look(window, signal)).rejects.toMatchObject({
      code: 'bad-query',
      about: 'query log.level:error on logs-*',
      problem: expect.stringContaining(reason),
    });
  });

  test('with a query that no address can hold names the way out', async () => {
    await expect(sourceOf({ query: 'a:b OR '.repeat(600) }).look(window, signal)).rejects.toMatchObject({
      code: 'bad-query',
      next: expect.stringContaining('filtered alias'),
    });
    expect(server.requests).toEqual([]);
  });
});

describe('the preflight', () => {
  test('shows fresh documents, and how many match', async () => {
    expect(await sourceOf().preflight(signal)).toEqual({
      evidence: '40 documents of logs-* in the last 5m; of 1,200 in 24h, 7 match',
      warnings: [],
    });
  });

  test('does not take a pattern without an index for a success', async () => {
    server.answer((request) => {
      if (!request.path.endsWith('/_field_caps')) return double()(request);
      expect(request.parameters.get('allow_no_indices')).toBe('false');
      const error = { type: 'index_not_found_exception', reason: 'no such index [log-shop*]' };
      return { status: 404, body: { error: { root_cause: [error], ...error }, status: 404 } };
    });
    await expect(sourceOf({ index: 'log-shop*' }).preflight(signal)).rejects.toMatchObject({
      code: 'not-found',
      about: 'index log-shop*',
      next: 'Check its name. There are logs-shop-prod.',
    });
  });

  test('refuses an empty list of indices', async () => {
    server.answer((request) =>
      request.path.endsWith('/_field_caps') ? { body: { indices: [], fields: {} } } : double()(request),
    );
    await expect(sourceOf().preflight(signal)).rejects.toMatchObject({ code: 'not-found' });
  });

  test.each<[string, Partial<ElasticsearchQuery>, string]>([
    ['a time field that does not exist', { timeField: 'created' }, 'Fields of type date are @timestamp'],
    ['a time field that is no time', { timeField: 'log.level' }, 'is mapped as keyword'],
    ['a field of a query string that does not exist', { query: 'NOT log.levl:info' }, '"log.level" is near'],
    ['a field of a clause that does not exist', { query: { term: { 'log.levl': 'error' } } }, '"log.level" is near'],
    ['a field of the total that does not exist', { total: '_exists_:service.nam' }, '"service.name" is near'],
  ])('refuses %s', async (_, change, said) => {
    await expect(sourceOf(change).preflight(signal)).rejects.toMatchObject({
      code: 'bad-query',
      message: expect.stringContaining(said),
    });
  });

  test('says when documents no longer arrive', async () => {
    const stopped = elasticsearchDouble({ recent: 0, total: 5, bad: 0 })();
    server.answer((request) => {
      const isNewest = request.parameters.get('source')?.includes('newest') ?? false;
      if (!isNewest) return stopped(request);
      return elasticsearchDouble({ recent: 0, total: 5, bad: 0 })({
        aggregations: { newest: { value: NOW - 3 * 3_600_000 } },
      })(request);
    });
    await expect(sourceOf().preflight(signal)).rejects.toMatchObject({
      code: 'bad-query',
      problem: expect.stringContaining('the newest one is 3h old'),
    });
  });

  test('warns of a query for a whole value in an analysed text, and of one that matched nothing', async () => {
    server.answer(elasticsearchDouble({ recent: 40, total: 1_200, bad: 0 })());
    const { warnings } = await sourceOf({ query: { term: { message: 'Payment failed' } } }).preflight(signal);
    expect(warnings).toEqual([
      expect.stringContaining('message is an analysed text'),
      expect.stringContaining('matched nothing in the last 24 hours'),
    ]);
  });

  test('warns of indices that have no time field', async () => {
    server.answer((request) => {
      if (!request.path.endsWith('/_field_caps')) return double()(request);
      const date = { type: 'date', metadata_field: false, searchable: true, aggregatable: true, indices: ['a'] };
      const unmapped = { ...date, type: 'unmapped', searchable: false, indices: ['b'] };
      const keyword = { keyword: { ...date, indices: null } };
      return {
        body: {
          indices: ['a', 'b'],
          fields: { '@timestamp': { date, unmapped }, 'log.level': keyword, 'service.name': keyword },
        },
      };
    });
    const { warnings } = await sourceOf().preflight(signal);
    expect(warnings).toEqual([expect.stringContaining('1 of 2 indices have no field @timestamp')]);
  });
});
