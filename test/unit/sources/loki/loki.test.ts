import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { lokiLinesSource, lokiMetricSource } from '../../../../src/sources/loki/loki.ts';
import { logSelector, streamSelectors } from '../../../../src/sources/loki/streams.ts';
import { type JsonServer, startJsonServer, stoppedClock } from '../../../support/json-server.ts';
import { lokiDouble, NOW } from '../../../support/source-doubles.ts';

const signal = new AbortController().signal;
const world = { clock: stoppedClock(NOW) };
const times = { lag: 30_000, staleAfter: 300_000 };
const window = { from: NOW - 90_000, to: NOW - 30_000 };
const errors = '{app="shop"} |= "error"';
const selector = '{app="shop"}';
let server: JsonServer;

beforeAll(async () => {
  server = await startJsonServer();
});
beforeEach(() => {
  server.requests.length = 0;
});
afterAll(() => server.stop());

const lines = (query = errors, total?: string) =>
  lokiLinesSource({ query, ...(total !== undefined && { total }), ...times }, server.reach('Loki'), world);
const metric = (query: string) => lokiMetricSource({ query, ...times }, server.reach('Loki'), world);

describe('a look at lines', () => {
  test('counts them by an instant query at the end of the window', async () => {
    server.answer(
      lokiDouble([
        ['[300000ms]', '900'],
        ['error', '7'],
        [selector, '180'],
      ])(),
    );
    expect(await lines().look(window, signal)).toEqual({ kind: 'counts', total: 180, bad: 7 });
    expect(server.requests.map(({ parameters }) => Object.fromEntries(parameters))).toEqual(
      expect.arrayContaining([
        { query: `sum(count_over_time(${errors}\n[60000ms]))`, time: `${window.to}000000` },
        { query: `sum(count_over_time(${selector}\n[60000ms]))`, time: `${window.to}000000` },
        { query: `sum(count_over_time(${selector}\n[300000ms]))`, time: `${window.to}000000` },
      ]),
    );
  });

  test('takes an empty answer for 0 where other lines arrive, and for nothing where none do', async () => {
    server.answer(
      lokiDouble([
        ['[300000ms]', '900'],
        ['error', undefined],
        [selector, '180'],
      ])(),
    );
    expect(await lines().look(window, signal)).toMatchObject({ kind: 'counts', total: 180, bad: 0 });
    server.answer(lokiDouble([])());
    expect(await lines().look(window, signal)).toEqual({
      kind: 'missing',
      reason: 'no line arrived in the last 5m',
    });
  });

  test('that are no part of the total is missing', async () => {
    server.answer(
      lokiDouble([
        ['[300000ms]', '900'],
        ['error', '7'],
        ['info', '5'],
      ])(),
    );
    expect(await lines(errors, '{app="shop"} |= "info"').look(window, signal)).toMatchObject({
      kind: 'missing',
      reason: expect.stringContaining('no part of "total"'),
    });
  });

  test.each<[string, object, string]>([
    ['a warning', { warnings: ['query was cut: some ingesters did not answer'] }, 'some ingesters did not answer'],
    ['lines', { data: { resultType: 'streams', result: [] } }, 'lines of logs'],
    [
      'several series',
      { data: { resultType: 'vector', result: [1, 2].map((n) => ({ metric: { n: `${n}` }, value: [1, '1'] })) } },
      'no count',
    ],
    ['a fraction', { data: { resultType: 'vector', result: [{ metric: {}, value: [1, '0.5'] }] } }, 'no count'],
  ])('with %s in the answer is missing', async (_, change, reason) => {
    server.answer(lokiDouble([])(change));
    expect(await lines().look(window, signal)).toMatchObject({
      kind: 'missing',
      reason: expect.stringContaining(reason),
    });
  });

  test.each([
    ['parse error at line 1, col 5: syntax error: unexpected IDENTIFIER', 'Correct what the message names.'],
    ['no org id', 'X-Scope-OrgID'],
    ['maximum of series (500) reached for a single query', 'Correct what the message names.'],
  ])('that Loki refuses in plain text (%s) says so', async (body, next) => {
    server.answer(() => ({ status: body === 'no org id' ? 401 : 400, body }));
    await expect(lines().look(window, signal)).rejects.toMatchObject({
      problem: expect.stringContaining(body),
      next: expect.stringContaining(next),
    });
  });
});

describe('the preflight', () => {
  test('shows streams and lines', async () => {
    server.answer(
      lokiDouble([
        ['error', '7'],
        [selector, '180'],
      ])(),
    );
    expect(await lines().preflight(signal)).toEqual({
      evidence: '1 streams of {app="shop"}, 180 lines in the last 5m, of which 7 match',
    });
  });

  test.each([
    ['{ap="shop"} |= "error"', 'It has no label "ap"; "app" is near.'],
    ['{app="shp"} |= "error"', 'values of "app" are shop (near)'],
    ['{app="zzzzzz"} |= "error"', 'values of "app" are shop, cart'],
  ])('of %s names what there is', async (query, next) => {
    server.answer(lokiDouble([])());
    await expect(lines(query).preflight(signal)).rejects.toMatchObject({
      code: 'not-found',
      next: expect.stringContaining(next),
    });
  });

  test('of a tenant without any stream names the tenant', async () => {
    server.answer(() => ({ body: { status: 'success' } }));
    await expect(lines().preflight(signal)).rejects.toMatchObject({
      next: expect.stringContaining('X-Scope-OrgID'),
    });
  });

  test('of a metric query that is empty now says what would make it 0', async () => {
    server.answer(lokiDouble([])());
    const query = 'sum(rate({app="shop"} |= "error" [1m]))';
    expect((await metric(query).preflight(signal)).warnings).toEqual([expect.stringContaining('or vector(0)')]);
  });
});

describe('a look at a number', () => {
  const query = 'sum(rate({app="shop"} |= "error" [1m])) or vector(0)';

  test('is the value at the end of the window', async () => {
    server.answer(
      lokiDouble([
        ['count_over_time', '900'],
        ['rate', '0.25'],
      ])(),
    );
    expect(await metric(query).look(window, signal)).toEqual({
      kind: 'values',
      values: [{ of: '', value: 0.25, at: window.to }],
    });
  });

  test('is missing where no line arrives, whatever the query makes of that', async () => {
    server.answer(lokiDouble([['rate', '0']])());
    expect(await metric(query).look(window, signal)).toMatchObject({ kind: 'missing' });
  });

  test('is missing where the answer is empty', async () => {
    server.answer(lokiDouble([['count_over_time', '900']])());
    expect(await metric(query).look(window, signal)).toMatchObject({
      kind: 'missing',
      reason: expect.stringContaining('or vector(0)'),
    });
  });
});

describe('the selectors of a query', () => {
  test.each([
    ['{app="shop"} |= "error"', ['{app="shop"}']],
    ['{app="{x}"} | line_format "{{.a}}"', ['{app="{x}"}']],
    ['sum(rate({a="b"}[1m])) / sum(rate({c=`}`}[1m])) # {d="e"}', ['{a="b"}', '{c=`}`}']],
  ])('%s', (query, selectors) => {
    expect(streamSelectors(query)).toEqual(selectors);
  });

  test.each(['error', 'vector(0)', ''])('"%s" has none', (query) => {
    expect(() => streamSelectors(query)).toThrow('selects no streams');
  });

  test('a query for a number is none for lines', () => {
    expect(() => logSelector('count_over_time({app="shop"}[1m])')).toThrow('is no query for lines');
  });
});
