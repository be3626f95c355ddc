import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JaegerServer, putSpans, start } from '../../lab/observability/jaeger.ts';
import { start as startOpenSearch } from '../../lab/observability/opensearch.ts';
import type { Server } from '../../lab/observability/server.ts';
import { reach } from '../../src/remote/connection.ts';
import { type JaegerQuery, jaegerSource } from '../../src/sources/jaeger/jaeger.ts';
import { itNeedsAnAnswer, lookOf } from './source-cases.ts';

const minute = 60_000;
const now = Date.now();
const clock = { now: () => now, sleep: () => Promise.reject(new Error('nothing sleeps')) };
const window = { from: now - minute, to: now };

function sourceOf(address: string, more: Partial<JaegerQuery> = {}) {
  const query = { service: 'checkout', lag: 0, staleAfter: 5 * minute };
  return jaegerSource({ ...query, ...more }, reach('Jaeger', { address }, { env: {} }), { clock });
}

/** One request a second before now: each tenth failed, and each fifth took half a second. */
const requests = Array.from({ length: 120 }, (_, index) => ({
  service: 'checkout',
  operation: index % 2 === 0 ? 'POST /orders' : 'GET /orders',
  at: now - 500 - index * 1_000,
  duration: index % 5 === 0 ? 500 : 20,
  isError: index % 10 === 0,
}));

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

describe.for(stores)('requests of a real Jaeger with its traces in $name', ({ name, open }) => {
  let opened: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    opened = await open();
    await putSpans(opened.jaeger, [
      ...requests,
      // More than one search gives.
      ...Array.from({ length: 1_200 }, (_, index) => ({
        service: 'busy',
        operation: 'GET /',
        at: now - 500 - index * 40,
        duration: 5,
        isError: index % 100 === 0,
      })),
      { service: 'old', operation: 'GET /', at: now - 60 * minute, duration: 5 },
    ]);
  });
  afterAll(() => Promise.all([opened.jaeger, ...opened.others].map((server) => server.stop())));

  const source = (more: Partial<JaegerQuery> = {}) => sourceOf(opened.jaeger.address, more);
  const preflight = (more: Partial<JaegerQuery> = {}) => source(more).preflight(AbortSignal.timeout(20_000));

  it.each<[string, Partial<JaegerQuery>, number, number]>([
    ['failed', {}, 60, 6],
    ['were slow', { slowerThan: 400 }, 60, 12],
    ['failed of one operation', { operation: 'POST /orders' }, 30, 6],
    ['failed of more than one answer holds', { service: 'busy' }, 1_200, 12],
  ])('are counted that %s', async (_, query, total, bad) => {
    expect(await preflight(query)).toMatchObject({ evidence: expect.stringContaining('traced') });
    expect(await lookOf(source(query), window)).toEqual({ kind: 'counts', total, bad });
  });

  it.each<[string, Partial<JaegerQuery>, RegExp]>([
    ['a service that does not exist', { service: 'chekcout' }, /checkout/],
    ['an operation that does not exist', { operation: 'POST /order' }, /POST \/orders/],
    ['traces that are old', { service: 'old' }, /no trace/],
  ])('%s is found before the first look, and is no count', async (_, query, words) => {
    await expect(preflight(query)).rejects.toThrow(words);
    expect(await lookOf(source(query), window)).toMatchObject({ kind: 'missing' });
  });

  // What it has in memory is lost in a new start.
  itNeedsAnAnswer({ source: (address) => sourceOf(address), server: () => opened.jaeger, window }, (answer) =>
    expect(answer).toEqual({ kind: 'counts', total: 60, bad: 6 }),
  );

  it('a new start is no success', async () => {
    expect(await lookOf(source(), window)).toMatchObject(
      name === 'memory' ? { kind: 'missing' } : { kind: 'counts', total: 60, bad: 6 },
    );
  });
});
