import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JaegerServer, putSpans, type Span, start } from '../../lab/observability/jaeger.ts';
import { start as startOpenSearch } from '../../lab/observability/opensearch.ts';
import type { Server } from '../../lab/observability/server.ts';
import { ask } from './asking.ts';

const minute = 60_000;
const now = Date.now();
const shared = '0af7651916cd43dd8448eb211c80319c';

/** One trace a second before now; each tenth failed, and each fifth took half a second. */
const spans: Span[] = Array.from({ length: 50 }, (_, index) => ({
  service: 'checkout',
  operation: 'POST /orders',
  at: now - minute - index * 1_000,
  duration: index % 5 === 0 ? 500 : 20,
  isError: index % 10 === 0,
  tags: { 'http.response.status_code': index % 10 === 0 ? 500 : 201 },
  resource: { 'service.version': index < 25 ? 'v2' : 'v1' },
}));

/** Where the traces are kept makes a difference. */
const stores: readonly { name: string; open: () => Promise<{ jaeger: JaegerServer; others: Server[] }> }[] = [
  { name: 'memory', open: async () => ({ jaeger: await start(), others: [] }) },
  {
    name: 'OpenSearch',
    async open() {
      const opensearch = await startOpenSearch();
      return { jaeger: await start({ opensearch: opensearch.address }), others: [opensearch] };
    },
  },
];

describe.for(stores)('Jaeger with its traces in $name answers as its API says', ({ name, open }) => {
  let opened: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    opened = await open();
    await putSpans(opened.jaeger, [
      ...spans,
      { service: 'gateway', operation: 'GET /', trace: shared, at: now - minute, duration: 90 },
      { service: 'pay', operation: 'POST /payments', trace: shared, at: now - minute, duration: 60, isError: true },
    ]);
  });
  afterAll(() => Promise.all([opened.jaeger, ...opened.others].map((server) => server.stop())));

  const query = (path: string, parameters: Readonly<Record<string, string>> = {}) =>
    ask(opened.jaeger.address, path, parameters);
  const micros = (milliseconds: number) => `${Math.round(milliseconds * 1_000)}`;
  const lastTenMinutes = { start: micros(now - 10 * minute), end: micros(now) };
  const traces = async (parameters: Readonly<Record<string, string>>) => {
    const { status, json } = await query('/api/traces', { ...lastTenMinutes, limit: '1000', ...parameters });
    expect(status).toBe(200);
    return json;
  };
  const numberOf = async (parameters: Readonly<Record<string, string>>) => {
    const answer = await traces(parameters);
    return answer !== null && typeof answer === 'object' && 'data' in answer && Array.isArray(answer.data)
      ? answer.data.length
      : answer;
  };

  it('lists services and their operations', async () => {
    expect(await query('/api/services')).toMatchObject({
      status: 200,
      json: { data: expect.arrayContaining(['checkout', 'gateway', 'pay']), total: 3, errors: null },
    });
    expect(await query('/api/services/checkout/operations')).toMatchObject({ json: { data: ['POST /orders'] } });
    // In OpenSearch, Jaeger keeps the names of operations alone.
    expect(await query('/api/operations', { service: 'checkout' })).toMatchObject({
      json: { data: [{ name: 'POST /orders', spanKind: name === 'memory' ? 'server' : '' }] },
    });
  });

  it('gives whole traces, with times in microseconds and processes aside', async () => {
    expect(await traces({ service: 'pay' })).toMatchObject({
      data: [
        {
          traceID: shared,
          spans: expect.arrayContaining([
            expect.objectContaining({
              operationName: 'POST /payments',
              startTime: (now - minute) * 1_000,
              duration: 60_000,
              tags: expect.arrayContaining([{ key: 'error', type: 'bool', value: true }]),
              processID: expect.stringMatching(/^p\d$/),
            }),
            expect.objectContaining({ operationName: 'GET /', duration: 90_000 }),
          ]),
          processes: { p1: { serviceName: expect.any(String) }, p2: { serviceName: expect.any(String) } },
        },
      ],
      errors: null,
    });
  });

  it('finds by time, operation and duration', async () => {
    expect(await numberOf({ service: 'checkout' })).toBe(50);
    expect(await numberOf({ service: 'checkout', operation: 'POST /orders' })).toBe(50);
    expect(await numberOf({ service: 'checkout', operation: 'GET /nothing' })).toBe(0);
    expect(await numberOf({ service: 'checkout', minDuration: '400ms' })).toBe(10);
    const [start, end] = [micros(now - minute - 9_500), micros(now - minute + 500)];
    expect(await numberOf({ service: 'checkout', start, end })).toBe(10);
  });

  it('gives a hundred traces unless it is asked for more, and does not say that there are more', async () => {
    const answer = await query('/api/traces', { ...lastTenMinutes, service: 'checkout', limit: '7' });
    expect(answer).toMatchObject({ status: 200, json: { data: { length: 7 }, errors: null } });
    expect(Object.keys(Object(answer.json)).toSorted()).toEqual(['data', 'errors', 'limit', 'offset', 'total']);
    expect(answer).toMatchObject({ json: { total: 0, limit: 0 } });
  });

  it('a service that does not exist has no traces and no operations, which is no error', async () => {
    expect(await query('/api/traces', { ...lastTenMinutes, service: 'nothing' })).toMatchObject({
      status: 200,
      json: { data: [], errors: null },
    });
    expect(await query('/api/services/nothing/operations')).toMatchObject({ status: 200 });
  });

  it('a trace that does not exist is an error', async () => {
    expect(await query('/api/traces/00000000000000000000000000000001')).toMatchObject({
      status: 404,
      json: { errors: [{ code: 404, msg: 'trace not found' }] },
    });
  });

  it.each([
    ['no service', {}, /service/],
    ['a time that is no number', { service: 'checkout', start: 'soon' }, /start/],
    ['tags that are no texts', { service: 'checkout', tags: '{"error":true}' }, /tags/],
    ['a duration without a unit', { service: 'checkout', minDuration: '400' }, /minDuration/],
  ])('refuses %s', async (_, parameters, words) => {
    expect(await query('/api/traces', parameters)).toMatchObject({
      status: 400,
      json: { data: null, errors: [{ code: 400, msg: expect.stringMatching(words) }] },
    });
  });

  it('finds spans that failed by their tag only where the store keeps tags as texts', async () => {
    const found = await numberOf({ service: 'checkout', tags: '{"error":"true"}' });
    expect(found).toBe(name === 'memory' ? 0 : 5);
  });

  it('what it does not know is its page', async () => {
    const { status, text } = await query('/jaeger/api/services');
    expect({ status, text }).toEqual({ status: 200, text: expect.stringContaining('<') });
  });
});

describe('a Jaeger without a trace', () => {
  it('has no service', async () => {
    const jaeger = await start();
    try {
      expect(await ask(jaeger.address, '/api/services')).toMatchObject({
        status: 200,
        json: { total: 0, errors: null },
      });
    } finally {
      await jaeger.stop();
    }
  });
});
