import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { KubernetesClient } from '../../../src/cluster/client.ts';
import { type KubernetesObject, kubernetesObject } from '../../../src/cluster/schema.ts';
import { createArmView } from '../../../src/workloads/arm-view.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const begin = Date.UTC(2026, 0, 1);
const noRoom =
  'pods "checkout-2" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2';

function objectOf(kind: string, name: string, more: object): KubernetesObject {
  const metadata = { name, namespace: 'shop', uid: name, generation: 2 };
  return kubernetesObject.parse({ apiVersion: kind === 'Pod' ? 'v1' : 'apps/v1', kind, metadata, ...more });
}

function podOf(name: string, ready: boolean, { waiting, endsAt }: { waiting?: object; endsAt?: number } = {}) {
  return objectOf('Pod', name, {
    metadata: {
      name,
      namespace: 'shop',
      uid: name,
      ...(endsAt !== undefined && { deletionTimestamp: new Date(endsAt).toISOString() }),
    },
    spec: { containers: [{ name: 'app', image: 'shop:2' }] },
    status: {
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: [{ name: 'app', state: waiting ? { waiting } : { running: {} } }],
    },
  });
}

type Kind = 'Deployment' | 'StatefulSet';

/** What the cluster holds at a time, and what its warnings are. */
interface Moment {
  readonly at: number;
  /** Why no pod can be created. */
  readonly refusal?: string;
  readonly pods: readonly KubernetesObject[];
}

/** Looks at an arm of one pod until it is ready, while the cluster goes through these moments (seconds from the beginning). */
async function untilReady(kind: Kind, moments: readonly Moment[], imageTimeout?: number) {
  const clock = createVirtualClock(begin);
  const lifetime = new AbortController();
  let present: Moment = { at: 0, pods: [] };
  const wakes = new Set<() => void>();
  for (const moment of moments) {
    clock.at(begin + moment.at * 1_000, () => {
      present = moment;
      for (const wake of wakes) wake();
    });
  }
  const workload = () =>
    objectOf(kind, 'checkout', {
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'checkout' } },
        template: {
          metadata: { labels: { app: 'checkout' } },
          spec: { containers: [{ name: 'app', image: 'shop:2' }] },
        },
      },
      status: {
        observedGeneration: 2,
        conditions:
          kind === 'Deployment' && present.refusal !== undefined
            ? [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: present.refusal }]
            : [],
      },
    });
  const client: Pick<KubernetesClient, 'reflect' | 'list'> = {
    async *reflect(type, _, __, signal) {
      while (!signal.aborted) {
        const changed = Promise.withResolvers<void>();
        wakes.add(changed.resolve);
        yield { type: 'LISTED', objects: type.kind === 'Pod' ? [...present.pods] : [workload()] };
        await Promise.race([changed.promise, once(signal, 'abort')]);
      }
    },
    async list() {
      if (present.refusal === undefined) return [];
      const lastTimestamp = new Date(clock.now()).toISOString();
      return [objectOf('Event', 'e', { message: present.refusal, lastTimestamp })];
    },
  };
  const view = createArmView({
    client,
    namespace: 'shop',
    target: { kind, name: 'checkout', pods: 'app=checkout' },
    clock,
    lifetime: lifetime.signal,
    imageTimeout,
  });
  const deadline = new AbortController();
  clock.at(begin + 120_000, () => deadline.abort(new Error('the deadline')));
  const ready = view.until(({ health }) => (health.ready === 1 ? 'ready' : undefined), deadline.signal);
  const ended = await clock.run(ready.catch((error: unknown) => String(error)));
  lifetime.abort();
  return { ended, seconds: (clock.now() - begin) / 1_000 };
}

const ready = podOf('checkout-2', true);

describe.each(['Deployment', 'StatefulSet'] as const)('the pods of a %s that can not be created', (kind) => {
  const former = podOf('checkout-1', false, { endsAt: begin + 60_000 });

  test('do not fail a release while the quota is full for a moment', async () => {
    const { ended } = await untilReady(kind, [
      { at: 0, refusal: noRoom, pods: [] },
      { at: 15, pods: [ready] },
    ]);
    expect(ended).toBe('ready');
  });

  test('fail it once the quota has been full for 20 s', async () => {
    const { ended, seconds } = await untilReady(kind, [{ at: 0, refusal: noRoom, pods: [] }]);
    expect(ended).toMatch(/FailedCreate.*exceeded quota: small/);
    expect(seconds).toBe(20);
  });

  test('get the room of pods that end, however long these may take for it', async () => {
    const slow = [
      { at: 0, refusal: noRoom, pods: [former] },
      { at: 55, refusal: noRoom, pods: [] },
    ];
    expect(await untilReady(kind, [...slow, { at: 70, pods: [ready] }])).toMatchObject({ ended: 'ready' });
    const { ended, seconds } = await untilReady(kind, slow);
    expect(ended).toContain('exceeded quota: small');
    expect(seconds).toBeLessThanOrEqual(76);
  });

  test('are waited for until the deadline where the API server or a webhook does not answer', async () => {
    const refusal = 'Internal error occurred: failed calling webhook "rules.example": connection refused';
    expect(await untilReady(kind, [{ at: 0, refusal, pods: [] }])).toMatchObject({
      ended: expect.stringContaining('the deadline'),
      seconds: 120,
    });
  });
});

test('a pod that should have ended long ago gives no room', async () => {
  const stuck = podOf('checkout-1', false, { endsAt: begin - 60_000 });
  const { ended, seconds } = await untilReady('Deployment', [{ at: 0, refusal: noRoom, pods: [stuck] }]);
  expect(ended).toContain('exceeded quota: small');
  expect(seconds).toBe(20);
});

describe('an image that is not found', () => {
  const missing = podOf('checkout-2', false, { waiting: { reason: 'ErrImagePull', message: 'shop:2: not found' } });

  test('may come within 30 s', async () => {
    const moments = [
      { at: 0, pods: [missing] },
      { at: 25, pods: [ready] },
    ];
    expect(await untilReady('Deployment', moments)).toMatchObject({ ended: 'ready' });
  });

  test('fails a release after 30 s', async () => {
    const { ended, seconds } = await untilReady('Deployment', [{ at: 0, pods: [missing] }]);
    expect(ended).toContain('ErrImagePull (shop:2: not found)');
    expect(seconds).toBe(30);
  });

  test('is waited for as long as was said, but no shorter', async () => {
    expect(await untilReady('Deployment', [{ at: 0, pods: [missing] }], 100_000)).toMatchObject({ seconds: 100 });
    expect(await untilReady('Deployment', [{ at: 0, pods: [missing] }], 5_000)).toMatchObject({ seconds: 30 });
  });
});
