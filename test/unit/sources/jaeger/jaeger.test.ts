import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type JaegerQuery, jaegerSource } from '../../../../src/sources/jaeger/jaeger.ts';
import { type JsonServer, startJsonServer, stoppedClock } from '../../../support/json-server.ts';
import { jaegerDouble, NOW, type TracedRequest } from '../../../support/source-doubles.ts';

const signal = new AbortController().signal;
const window = { from: NOW - 90_000, to: NOW - 30_000 };
let server: JsonServer;

beforeAll(async () => {
  server = await startJsonServer();
});
beforeEach(() => {
  server.requests.length = 0;
});
afterAll(() => server.stop());

const sourceOf = (change: Partial<JaegerQuery> = {}) =>
  jaegerSource({ service: 'shop', lag: 30_000, staleAfter: 300_000, ...change }, server.reach('Jaeger'), {
    clock: stoppedClock(NOW),
  });

/** So many requests, one after the other in the window. */
function requests(sum: number, change: (id: number) => Partial<TracedRequest> = () => ({})): TracedRequest[] {
  const step = (window.to - window.from) / sum;
  return Array.from({ length: sum }, (_, id) => ({ id, start: Math.floor(window.from + id * step), ...change(id) }));
}

const searches = () => server.requests.filter(({ path }) => path.endsWith('/traces')).length;

describe.each(['current', 'legacy'] as const)('the %s API', (version) => {
  test('counts requests of the service and those with an error, not the calls within', async () => {
    const failed = requests(40, (id) => (id < 3 ? { error: true } : {}));
    server.answer(jaegerDouble(failed, version));
    expect(await sourceOf().look(window, signal)).toEqual({ kind: 'counts', total: 40, bad: 3 });
  });

  test('counts an operation, and what took longer than a bound', async () => {
    const mixed = requests(20, (id) => ({
      duration: id < 4 ? 900 : 100,
      operation: id % 2 === 0 ? 'POST /orders' : 'GET /orders',
    }));
    server.answer(jaegerDouble(mixed, version));
    const source = sourceOf({ operation: 'POST /orders', slowerThan: 500 });
    expect(await source.look(window, signal)).toEqual({ kind: 'counts', total: 10, bad: 2 });
  });

  test('leaves out what begins at the end of the window', async () => {
    const edges = [window.from - 1, window.from, window.to - 1, window.to].map((start, id) => ({ id, start }));
    server.answer(jaegerDouble(edges, version));
    expect(await sourceOf().look(window, signal)).toMatchObject({ total: 2 });
  });

  test('without a trace is missing, not 0', async () => {
    server.answer(jaegerDouble([], version));
    expect(await sourceOf().look(window, signal)).toEqual({
      kind: 'missing',
      reason: 'Jaeger has no trace of requests of shop in this time',
    });
  });

  test('searches halves of a window with more traces than one answer holds', async () => {
    server.answer(
      jaegerDouble(
        requests(700, (id) => ({ error: id % 100 === 0 })),
        version,
      ),
    );
    expect(await sourceOf().look(window, signal)).toEqual({ kind: 'counts', total: 700, bad: 7 });
    expect(searches()).toBe(3);
  });

  test('refuses a storage that drops traces below the limit', async () => {
    const drops = jaegerDouble(requests(60), version);
    server.answer((request) => {
      const limit = Number(request.parameters.get('limit') ?? request.parameters.get('query.num_traces'));
      return limit > 60 ? drops(request) : jaegerDouble(requests(60), version, Math.ceil(limit / 11))(request);
    });
    await expect(sourceOf().preflight(signal)).rejects.toMatchObject({
      code: 'unsupported',
      next: expect.stringContaining('operation'),
    });
  });

  test.each<[Partial<JaegerQuery>, string]>([
    [{ service: 'shp' }, '"shop" is near.'],
    [{ service: 'payment' }, 'There are shop, cart.'],
    [{ operation: 'POST /order' }, '"POST /orders" is near.'],
  ])('does not know %j', async (change, next) => {
    server.answer(jaegerDouble(requests(5), version));
    await expect(sourceOf(change).preflight(signal)).rejects.toMatchObject({ code: 'not-found', next });
  });

  test('shows fresh requests, and says that they are sampled', async () => {
    server.answer(
      jaegerDouble(
        requests(5, (id) => ({ error: id === 0 })),
        version,
      ),
    );
    expect(await sourceOf().preflight(signal)).toEqual({
      evidence: '5 traced requests of shop in the last 5m, of which 1 failed',
      warnings: [expect.stringContaining('sampled')],
    });
  });

  test('does not go on where no spans arrive', async () => {
    server.answer(jaegerDouble([], version));
    await expect(sourceOf().preflight(signal)).rejects.toMatchObject({ code: 'bad-query' });
  });
});

test.each<[boolean | string, number]>([
  [true, 1],
  ['true', 1],
  ['connection refused', 1],
  [false, 0],
  ['false', 0],
])('the tag error as %j', async (error, bad) => {
  server.answer(jaegerDouble([{ id: 1, start: window.from, error }], 'legacy'));
  expect(await sourceOf().look(window, signal)).toMatchObject({ total: 1, bad });
});

test('more traces at once than a bounded number of searches can tell apart are missing', async () => {
  const burst = requests(510, () => ({ start: window.from + 1 }));
  server.answer(jaegerDouble(burst, 'current'));
  expect(await sourceOf().look(window, signal)).toMatchObject({
    kind: 'missing',
    reason: expect.stringContaining('too many traces'),
  });
  expect(searches()).toBe(16);
});

test('a refusal that looks like an empty answer is none', async () => {
  const whole = jaegerDouble(requests(5), 'current');
  server.answer((request) =>
    request.path === '/api/v3/traces'
      ? { status: 404, body: { error: { httpCode: 404, message: 'page not found' } } }
      : whole(request),
  );
  await expect(sourceOf().look(window, signal)).rejects.toMatchObject({ code: 'not-found' });
});
