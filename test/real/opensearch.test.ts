import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeIndex, putDocuments, putIndex, start } from '../../lab/observability/opensearch.ts';
import type { Server } from '../../lab/observability/server.ts';
import { ask } from './asking.ts';

const minute = 60_000;
const now = Date.now();
const properties = {
  '@timestamp': { type: 'date' },
  level: { type: 'keyword' },
  message: { type: 'text' },
  arm: { type: 'keyword' },
};

/** One document a second before now, of which each tenth is an error of the canary. */
const documents = Array.from({ length: 300 }, (_, index) => ({
  '@timestamp': new Date(now - index * 1_000).toISOString(),
  level: index % 10 === 0 ? 'error' : 'info',
  message: index % 10 === 0 ? 'Payment refused by the bank' : 'Order taken',
  arm: index % 10 === 0 ? 'canary' : 'stable',
}));

describe('OpenSearch answers as its API says', () => {
  let server: Server;
  beforeAll(async () => {
    server = await start();
    await putIndex(server.address, 'logs-shop', properties);
    await putDocuments(server.address, 'logs-shop', documents);
    await putIndex(server.address, 'empty', properties);
    // Of the same pattern, and with another type of a field.
    await putIndex(server.address, 'mixed-one', properties);
    await putDocuments(server.address, 'mixed-one', documents.slice(0, 10));
    await putIndex(server.address, 'mixed-two', { ...properties, level: { type: 'integer' } });
    await putDocuments(server.address, 'mixed-two', [{ '@timestamp': new Date(now).toISOString(), level: 3 }]);
    await putIndex(server.address, 'closed-logs', properties);
    await closeIndex(server.address, 'closed-logs');
  });
  afterAll(() => server?.stop());

  const search = (index: string, body: object, parameters: Readonly<Record<string, string>> = {}) =>
    ask(server.address, `/${index}/_search`, {
      source: JSON.stringify(body),
      source_content_type: 'application/json',
      ...parameters,
    });
  const range = (from: number, to: number) => ({
    range: { '@timestamp': { gte: from, lt: to, format: 'epoch_millis' } },
  });
  const filter = (...clauses: object[]) => ({ bool: { filter: clauses } });

  it('says what it is', async () => {
    const { json } = await ask(server.address, '/');
    expect(json).toMatchObject({ version: { distribution: 'opensearch', number: '2.19.6' }, cluster_name: 'lab' });
  });

  it('counts what a query in the address finds in a half-open time', async () => {
    const body = { size: 0, track_total_hits: true, query: range(now - minute, now) };
    // The one at the very end is left out, the one at the very beginning is not.
    expect(await search('logs-shop', body)).toMatchObject({
      status: 200,
      json: {
        timed_out: false,
        _shards: { total: 1, successful: 1, skipped: 0, failed: 0 },
        hits: { total: { value: 60, relation: 'eq' }, hits: [] },
      },
    });
  });

  it('counts in several filters at once', async () => {
    const aggs = {
      total: { filter: range(now - minute, now) },
      bad: { filter: filter(range(now - minute, now), { query_string: { query: 'level:error AND arm:canary' } }) },
    };
    expect(await search('logs-shop', { size: 0, aggs })).toMatchObject({
      json: { aggregations: { total: { doc_count: 60 }, bad: { doc_count: 6 } } },
    });
  });

  it('counts ten thousand hits at most unless it is asked for all', async () => {
    await putIndex(server.address, 'many', properties);
    await putDocuments(
      server.address,
      'many',
      Array.from({ length: 10_500 }, () => ({ level: 'info' })),
    );
    expect(await search('many', { size: 0 })).toMatchObject({
      json: { hits: { total: { value: 10_000, relation: 'gte' } } },
    });
    expect(await search('many', { size: 0, track_total_hits: true })).toMatchObject({
      json: { hits: { total: { value: 10_500, relation: 'eq' } } },
    });
  });

  it('an index that is empty has no documents', async () => {
    expect(await search('empty', { size: 0 })).toMatchObject({
      status: 200,
      json: { _shards: { total: 1, successful: 1 }, hits: { total: { value: 0 } } },
    });
  });

  it('an index that does not exist is an error', async () => {
    expect(await search('nothing', {})).toMatchObject({
      status: 404,
      json: { error: { type: 'index_not_found_exception', reason: 'no such index [nothing]' }, status: 404 },
    });
  });

  it('a pattern that no index has is a success of no shards unless it is told otherwise', async () => {
    expect(await search('nothing-*', {})).toMatchObject({
      status: 200,
      json: { _shards: { total: 0, failed: 0 }, hits: { total: { value: 0 } } },
    });
    expect(await search('nothing-*', {}, { allow_no_indices: 'false' })).toMatchObject({ status: 404 });
  });

  it('an index that is closed is an error, and a pattern leaves it out', async () => {
    expect(await search('closed-logs', {})).toMatchObject({
      status: 400,
      json: { error: { type: 'index_closed_exception' } },
    });
    expect(await search('closed-*', {})).toMatchObject({ status: 200, json: { _shards: { total: 0 } } });
  });

  it('shards that fail are named in an answer of success', async () => {
    const body = { size: 0, track_total_hits: true, query: { term: { level: 'error' } } };
    const { status, json } = await search('mixed-*', body);
    expect({ status, json }).toMatchObject({
      status: 200,
      json: {
        _shards: { total: 2, successful: 1, failed: 1, failures: [{ index: 'mixed-two' }] },
        hits: { total: { value: 1 } },
      },
    });
    expect(await search('mixed-*', body, { allow_partial_search_results: 'false' })).toMatchObject({ status: 400 });
  });

  it.each([
    ['a field that no document has', { term: { levle: 'error' } }],
    ['words of a text as one value', { term: { message: 'Payment refused' } }],
    ['a value in another case', { term: { level: 'ERROR' } }],
  ])('finds nothing, and says nothing, for %s', async (_, query) => {
    expect(await search('logs-shop', { size: 0, query })).toMatchObject({
      status: 200,
      json: { _shards: { failed: 0 }, hits: { total: { value: 0 } } },
    });
  });

  it.each([
    ['a clause that does not exist', { query: { trem: { level: 'error' } } }, 'parsing_exception'],
    [
      'a query string that can not be read',
      { query: { query_string: { query: 'level:(error' } } },
      'query_shard_exception',
    ],
    ['a time that can not be read', { query: { range: { '@timestamp': { gte: 'soon' } } } }, 'parse_exception'],
  ])('refuses %s', async (_, body, type) => {
    const { status, text } = await search('logs-shop', body);
    expect({ status, text }).toEqual({ status: 400, text: expect.stringContaining(type) });
  });

  it('refuses an address of more than 4 KiB', async () => {
    const { status, json } = await search('logs-shop', { query: { query_string: { query: 'x'.repeat(4_096) } } });
    expect({ status, json }).toMatchObject({ status: 400, json: { error: { type: 'too_long_http_line_exception' } } });
  });

  it('tells the types of fields, and which index lacks one', async () => {
    const { json } = await ask(server.address, '/mixed-*,logs-shop/_field_caps', {
      fields: '@timestamp,level,nothing',
      include_unmapped: 'true',
    });
    expect(json).toMatchObject({
      indices: ['logs-shop', 'mixed-one', 'mixed-two'],
      fields: {
        '@timestamp': { date: { searchable: true } },
        level: { keyword: { indices: ['logs-shop', 'mixed-one'] }, integer: { indices: ['mixed-two'] } },
      },
    });
    expect(json).not.toHaveProperty('fields.nothing');
  });

  it('lists what there is', async () => {
    const { json } = await ask(server.address, '/_resolve/index/*');
    expect(json).toMatchObject({
      indices: expect.arrayContaining([expect.objectContaining({ name: 'logs-shop', attributes: ['open'] })]),
      aliases: [],
      data_streams: [],
    });
  });

  it('keeps its documents when it is started again', async () => {
    await server.restart();
    expect(await search('logs-shop', { size: 0, track_total_hits: true })).toMatchObject({
      json: { hits: { total: { value: 300 } } },
    });
  });
});
