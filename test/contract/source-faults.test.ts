import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { Source } from '../../src/gates/ports.ts';
import { createPrometheusApi } from '../../src/meters/prometheus/api.ts';
import { promqlSource } from '../../src/sources/promql.ts';
import { ratioSource } from '../../src/sources/ratio.ts';
import { requestsSource } from '../../src/sources/requests.ts';
import type { SourceWorld } from '../../src/sources/world.ts';
import { type Answer, startAnswering } from '../support/answering-server.ts';

type Make = (address: string, world: SourceWorld) => Source;

const sources: Readonly<Record<string, Make>> = {
  promql: (address, world) => promqlSource('max(queue)', createPrometheusApi({ address }, world), world),
  requests: (address, world) =>
    requestsSource(
      {
        metrics: { kind: 'traefik' },
        names: {
          namespace: 'shop',
          stable: { workload: '', service: 'cart' },
          canary: { workload: '', service: 'cart' },
        },
        arm: 'stable',
      },
      createPrometheusApi({ address }, world),
      world,
    ),
  ratio: (address, world) =>
    ratioSource(
      { total: 'requests_total', part: { bad: 'errors_total' } },
      createPrometheusApi({ address }, world),
      world,
    ),
};

/** What any server may answer in place of data. */
const faults: Readonly<Record<string, Answer>> = {
  'refuses the credentials': { status: 401, body: 'Unauthorized' },
  'forbids it': { status: 403, body: { error: 'forbidden' } },
  'is not the server': { status: 404, body: '404 page not found' },
  'answers nothing': { body: '' },
  'answers an empty object': { body: {} },
  'answers an empty list': { body: [] },
  'answers a page': { body: '<html><title>Log in</title></html>' },
  'is cut off': { body: '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"va' },
  'answers another shape': { body: { status: 'success', data: { resultType: 'vector', result: 'none' } } },
  'answers that it failed': { body: { status: 'error', errorType: 'timeout', error: 'query timed out' } },
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function ask(make: Make, answer: Answer, signal: AbortSignal) {
  const server = await startAnswering(() => answer);
  closing.push(server.stop);
  return lookAt(make(server.address, { env: {}, clock: systemClock }), signal);
}

async function lookAt(source: Source, signal: AbortSignal): Promise<unknown> {
  const to = systemClock.now();
  return source.look({ from: to - 60_000, to }, signal);
}

describe.each(Object.entries(sources))('%s', (_, make) => {
  it.each(Object.entries(faults))('knows nothing of a server that %s', async (_name, answer) => {
    const never = new AbortController().signal;
    const look = await ask(make, answer, never).catch((error: unknown) => ({ kind: 'missing', error }));
    expect(look).toMatchObject({ kind: 'missing' });
  });

  it('knows nothing of a server that never answers', async () => {
    const stop = new AbortController();
    const server = await startAnswering(() => {
      stop.abort(new Error('the deadline is over'));
      return 'never';
    });
    closing.push(server.stop);
    const looking = lookAt(make(server.address, { env: {}, clock: systemClock }), stop.signal);
    await expect(looking).rejects.toThrow('the deadline is over');
  });

  it('knows nothing of a server that is away', async () => {
    const server = await startAnswering(() => 'never');
    await server.stop();
    const stop = AbortSignal.timeout(300);
    await expect(lookAt(make(server.address, { env: {}, clock: systemClock }), stop)).rejects.toThrow();
  });
});
