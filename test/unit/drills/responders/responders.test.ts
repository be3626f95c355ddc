import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../../src/core/errors.ts';
import type { Moment, Responder } from '../../../../src/drills/ports.ts';
import { autoscalerResponder } from '../../../../src/drills/responders/autoscaler.ts';
import { followChanges } from '../../../../src/drills/responders/follow-changes.ts';
import { outlierResponder } from '../../../../src/drills/responders/outlier-ejection.ts';
import { createPrometheusApi } from '../../../../src/meters/prometheus/api.ts';
import { startAnsweringServer } from '../../../support/answering-server.ts';
import { createVirtualClock } from '../../../support/virtual-clock.ts';

/** What a responder tells of the steps, one a second; the last one ends it. */
async function told(
  make: (clock: ReturnType<typeof createVirtualClock>, next: () => number) => Pick<Responder, 'follow'>,
  steps: number,
) {
  const clock = createVirtualClock(0);
  const stop = new AbortController();
  const moments: Moment[] = [];
  let step = -1;
  const next = () => {
    step += 1;
    if (step >= steps - 1) stop.abort();
    return step;
  };
  const { follow } = make(clock, next);
  await clock.run(follow((moment) => moments.push(moment), stop.signal));
  return moments.map(({ at, state, text }) => [at, state, text]);
}

const away = (code: 'unreachable' | 'forbidden') =>
  new SluiceError(code, { about: 'it', problem: 'is not there.', next: '' });

describe('what is followed', () => {
  const following = (errors: readonly (Error | undefined)[]) =>
    told(
      (clock, next) => ({
        follow: (tell, signal) =>
          followChanges(
            'alert',
            {
              clock,
              async look() {
                const error = errors[next()];
                if (error) throw error;
                return [{ at: clock.now(), kind: 'alert', state: 'firing', text: 'a' }];
              },
            },
            tell,
            signal,
          ),
      }),
      errors.length + 1,
    );

  it('is missing once, and is looked at again', async () => {
    const moments = await following([away('unreachable'), away('unreachable'), undefined]);
    expect(moments.slice(0, 2)).toEqual([
      [0, 'missing', expect.stringContaining('is not there')],
      [2_000, 'firing', 'a'],
    ]);
  });

  it('is given up where it may not be looked at', async () => {
    expect(await following([undefined, away('forbidden'), undefined])).toEqual([
      [0, 'firing', 'a'],
      [1_000, 'missing', expect.stringContaining('is not there')],
    ]);
  });
});

describe('an autoscaler', () => {
  const scaler = (use: number, desired: number, running: number) => ({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'any', namespace: 'shop' },
    spec: {
      scaleTargetRef: { kind: 'Deployment', name: 'checkout' },
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 50 } } }],
    },
    status: {
      desiredReplicas: desired,
      currentReplicas: running,
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: use } } }],
    },
  });
  const scaling = (steps: readonly (readonly [use: number, desired: number, running: number, ready: number])[]) =>
    told((clock, next) => {
      let [use, desired, running, ready] = steps[0] ?? [0, 0, 0, 0];
      const client = {
        async list() {
          [use, desired, running, ready] = steps[Math.min(next(), steps.length - 1)] ?? [0, 0, 0, 0];
          return [scaler(use, desired, running)];
        },
        get: async () => ({
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: 'checkout' },
          status: { readyReplicas: ready },
        }),
      };
      return autoscalerResponder(client, { namespace: 'shop', workload: 'checkout' }, clock);
    }, steps.length + 1);

  it('crosses its target, decides, and has ready pods', async () => {
    const moments = await scaling([
      [50, 2, 2, 2],
      // Within the tolerance, nothing is decided.
      [55, 2, 2, 2],
      [80, 2, 2, 2],
      [80, 4, 2, 2],
      [80, 4, 4, 3],
      [50, 4, 4, 4],
      [50, 2, 4, 4],
    ]);
    expect(moments).toEqual([
      [2_000, 'crossed', 'cpu is at 80 % of its request, and 50 % is the target'],
      [3_000, 'decided', 'desired replicas 2 -> 4'],
      [5_000, 'ready', '4 pods are ready'],
    ]);
  });

  it('of another workload is none', async () => {
    const client = { list: async () => [scaler(1, 1, 1)], get: () => Promise.reject(new Error('not asked')) };
    const clock = createVirtualClock(0);
    const stop = new AbortController();
    const moments: Moment[] = [];
    const { follow } = autoscalerResponder(client, { namespace: 'shop', workload: 'other' }, clock);
    clock.at(1_500, () => stop.abort());
    await clock.run(follow((moment) => moments.push(moment), stop.signal));
    expect(moments).toMatchObject([{ state: 'missing', text: expect.stringContaining('shop/other') }]);
  });
});

describe('outlier ejection', () => {
  it('opens, is half open, and closes', async () => {
    const values = ['0', '2', '1', '0'];
    const clock = createVirtualClock(0);
    const stop = new AbortController();
    const moments: Moment[] = [];
    await using server = await startAnsweringServer(() => {
      const value = values.shift() ?? '0';
      return {
        body: { status: 'success', data: { resultType: 'vector', result: [{ metric: {}, value: [0, value] }] } },
      };
    });
    const api = createPrometheusApi({ address: server.address }, { env: {} });
    const { follow } = outlierResponder('checkout', api, { ...clock, sleep: async () => undefined });
    await follow((moment) => {
      moments.push(moment);
      if (moment.state === 'closed') stop.abort();
    }, stop.signal);
    expect(moments.map(({ state, text }) => [state, text])).toEqual([
      ['opened', '2 hosts are ejected, 0 before'],
      ['half-open', '1 hosts are ejected, 2 before'],
      ['closed', '0 hosts are ejected, 1 before'],
    ]);
  });
});
