import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeIndex, putDocuments, putIndex, start } from '../../lab/observability/opensearch.ts';
import type { Server } from '../../lab/observability/server.ts';
import { reach } from '../../src/remote/connection.ts';
import { elasticsearchSource } from '../../src/sources/elasticsearch/elasticsearch.ts';
import type { ElasticsearchQuery } from '../../src/sources/elasticsearch/search.ts';
import { itNeedsAnAnswer, lookOf } from './source-cases.ts';

const minute = 60_000;
const now = Date.now();
const clock = { now: () => now, sleep: () => Promise.reject(new Error('nothing sleeps')) };
const window = { from: now - minute, to: now };
const properties = {
  '@timestamp': { type: 'date' },
  level: { type: 'keyword' },
  message: { type: 'text' },
  app: { type: 'keyword' },
};

function sourceOf(address: string, more: Partial<ElasticsearchQuery> = {}) {
  const query = { index: 'logs-shop', query: 'level:error', timeField: '@timestamp', lag: 0, staleAfter: 5 * minute };
  return elasticsearchSource({ ...query, ...more }, reach('Elasticsearch', { address }, { env: {} }), { clock });
}

describe('documents of a real OpenSearch', () => {
  let server: Server;
  beforeAll(async () => {
    server = await start();
    const { address } = server;
    await putIndex(address, 'logs-shop', properties);
    // One a second: each tenth is an error, each fifth of another app.
    const documents = Array.from({ length: 300 }, (_, index) => ({
      '@timestamp': new Date(now - index * 1_000).toISOString(),
      level: index % 10 === 0 ? 'error' : 'info',
      message: 'Payment refused by the bank',
      app: index % 5 === 0 ? 'checkout' : 'pay',
    }));
    await putDocuments(address, 'logs-shop', documents);
    await putIndex(address, 'many', properties);
    await putDocuments(
      address,
      'many',
      Array.from({ length: 10_500 }, () => ({ '@timestamp': new Date(now - 1_000).toISOString(), level: 'info' })),
    );
    await putIndex(address, 'empty', properties);
    await putIndex(address, 'old', properties);
    await putDocuments(address, 'old', [{ '@timestamp': new Date(now - 60 * minute).toISOString(), level: 'error' }]);
    await putIndex(address, 'mixed-one', properties);
    await putDocuments(address, 'mixed-one', documents.slice(0, 10));
    await putIndex(address, 'mixed-two', { ...properties, level: { type: 'integer' } });
    await putDocuments(address, 'mixed-two', [{ '@timestamp': new Date(now - 1_000).toISOString(), level: 3 }]);
    await putIndex(address, 'closed', properties);
    await closeIndex(address, 'closed');
  });
  afterAll(() => server?.stop());

  const look = (more: Partial<ElasticsearchQuery> = {}, asked = window) =>
    lookOf(sourceOf(server.address, more), asked);
  const preflight = (more: Partial<ElasticsearchQuery> = {}) =>
    sourceOf(server.address, more).preflight(AbortSignal.timeout(20_000));

  it('are counted in a half-open window', async () => {
    expect(await look()).toEqual({ kind: 'counts', total: 60, bad: 6 });
    expect(await look({}, { from: now - 2 * minute, to: now - minute })).toEqual({ kind: 'counts', total: 60, bad: 6 });
    expect(await look({ index: 'many' })).toEqual({ kind: 'counts', total: 10_500, bad: 0 });
  });

  it.each<[string, Partial<ElasticsearchQuery>, number, number]>([
    ['a query string', { query: 'level:error AND NOT app:pay', total: 'app:checkout' }, 12, 6],
    ['a clause', { query: { term: { level: 'error' } }, total: { term: { app: 'checkout' } } }, 12, 6],
    ['words of a text', { query: 'message:"refused by"' }, 60, 60],
    ['a pattern of indices', { index: 'logs-*' }, 60, 6],
    ['several indices', { index: 'logs-shop,empty' }, 60, 6],
  ])('are counted by %s', async (_, query, total, bad) => {
    expect(await preflight(query)).toMatchObject({ evidence: expect.stringContaining('documents') });
    expect(await look(query)).toEqual({ kind: 'counts', total, bad });
  });

  it.each<[string, Partial<ElasticsearchQuery>, RegExp]>([
    ['an index that does not exist', { index: 'logs-shpo' }, /logs-shop/],
    ['a pattern that no index has', { index: 'nothing-*' }, /does not exist/],
    ['an index that is empty', { index: 'empty' }, /there is none/],
    ['an index whose documents are old', { index: 'old' }, /1h old/],
    ['a time field that does not exist', { timeField: 'time' }, /@timestamp/],
    ['a time field that is none', { timeField: 'level' }, /keyword/],
    ['a field that does not exist', { query: 'levle:error' }, /level/],
    ['a query that can not be read', { query: 'level:(error' }, /refused/],
  ])('%s is found before the first look', async (_, query, words) => {
    await expect(preflight(query)).rejects.toThrow(words);
    expect(await look(query)).not.toMatchObject({ kind: 'sightings' });
  });

  it.each<[string, Partial<ElasticsearchQuery>]>([
    ['an index that does not exist', { index: 'nothing' }],
    ['a pattern that no index has', { index: 'nothing-*' }],
    ['an index that is closed', { index: 'closed' }],
    ['an index that is empty', { index: 'empty' }],
    ['old documents alone', { index: 'old' }],
    ['a shard that fails', { index: 'mixed-*', query: { term: { level: 'error' } } }],
    ['a query that can not be read', { query: 'level:(error' }],
    ['a query that is too long for an address', { query: `level:${'x'.repeat(4_000)}` }],
  ])('%s is no count', async (_, query) => {
    const answer = await look(query);
    expect(answer instanceof Error ? answer.name : answer.kind).toMatch(/^(SluiceError|missing)$/);
  });

  itNeedsAnAnswer({ source: (address) => sourceOf(address), server: () => server, window }, (answer) =>
    expect(answer).toEqual({ kind: 'counts', total: 60, bad: 6 }),
  );
});
