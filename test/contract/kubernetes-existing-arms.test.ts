import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { Arms } from '../../src/canary/ports.ts';
import { resources } from '../../src/cluster/resources.ts';
import { type ArmsOptions, type ExistingWorkloads, existingArms } from '../../src/workloads/arms/arms.ts';
import { parseWorkloadInput } from '../../src/workloads/workload.ts';
import { untilReady } from '../support/derived-shop.ts';
import {
  Crash,
  createQuickClock,
  dyingClient,
  type EmbeddedCluster,
  startEmbeddedCluster,
} from '../support/embedded-cluster.ts';
import { putAutoscaler, putShop } from '../support/shop.ts';

const clock = createQuickClock(50);
let cluster: EmbeddedCluster;
beforeAll(async () => {
  cluster = await startEmbeddedCluster({ 'registry.example/checkout:1': {}, 'registry.example/checkout:2': {} });
});
afterAll(() => cluster.stop());

const signal = new AbortController().signal;
const learn = async () => undefined;

let count = 0;
/** Deployments `checkout` (three pods) and `checkout-next` (as many as given) with a Service each. */
async function openShop(canaryReplicas: number): Promise<string> {
  count += 1;
  const namespace = `existing-${count}`;
  putShop(cluster, namespace);
  const image = 'registry.example/checkout:2';
  putShop(cluster, namespace, {
    name: 'checkout-next',
    image,
    replicas: canaryReplicas,
    labels: { app: 'checkout-next' },
  });
  await untilReady(cluster, namespace, { kind: 'Deployment', name: 'checkout', replicas: 3 });
  await untilReady(cluster, namespace, { kind: 'Deployment', name: 'checkout-next', replicas: canaryReplicas });
  return namespace;
}

function armsOf(namespace: string, given: Partial<ExistingWorkloads> = {}, options: Partial<ArmsOptions> = {}): Arms {
  const { client, lifetime } = cluster;
  return existingArms(
    { client, namespace, clock, rollout: 'checkout', drain: 10, lifetime, ...options },
    {
      stable: parseWorkloadInput('deployment/checkout', 'stable'),
      canary: parseWorkloadInput('deployment/checkout-next', 'canary'),
      joinService: false,
      returns: false,
      gitops: 'refuse',
      ...given,
    },
  );
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const deployment = z.looseObject({
  spec: z.looseObject({ replicas: z.number() }),
  status: z.looseObject({ readyReplicas: z.number().default(0) }),
});

async function read(namespace: string, name: string) {
  return deployment.parse(await cluster.client.get({ type: resources.deployment, namespace, name }, signal));
}
const readyOf = async (namespace: string, name: string) => (await read(namespace, name)).status.readyReplicas;
const replicasOf = async (namespace: string, name: string) => (await read(namespace, name)).spec.replicas;

async function minimumOf(namespace: string, name: string): Promise<unknown> {
  const { spec } = await cluster.client.get({ type: resources.horizontalPodAutoscaler, namespace, name }, signal);
  return z.looseObject({ minReplicas: z.number() }).parse(spec).minReplicas;
}

describe('arms that belong to an operator', () => {
  const owned = async (name: string) => {
    const namespace = await openShop(1);
    const owner = { apiVersion: 'acme.example/v1', kind: 'Shop', name: 'main', uid: 'u', controller: true };
    const reference = { type: resources.deployment, namespace, name };
    await cluster.client.patchMerge(reference, { metadata: { ownerReferences: [owner] } }, signal);
    return namespace;
  };

  test('are told of, as the operator may set the number of pods back', async () => {
    const { warnings } = await armsOf(await owned('checkout-next')).inspect(signal);
    expect(warnings).toEqual([expect.stringContaining('belongs to Shop main')]);
  });

  test.each(['checkout', 'checkout-next'])('are refused where pods are counted: %s', async (name) => {
    const arms = armsOf(await owned(name), { joinService: true });
    await expect(arms.inspect(signal)).rejects.toMatchObject({
      code: 'unsupported',
      problem: expect.stringContaining('belongs to Shop main'),
    });
  });
});

describe('inspect', () => {
  test('tells both workloads and the revision of the canary', async () => {
    const namespace = await openShop(1);
    const snapshot = await armsOf(namespace).inspect(signal);
    expect(snapshot).toMatchObject({
      stable: `Deployment ${namespace}/checkout`,
      canary: `Deployment ${namespace}/checkout-next`,
      revision: expect.stringMatching(/^template-/),
    });
  });

  test('refuses one workload as both arms, and a canary that can never be large enough', async () => {
    const namespace = await openShop(1);
    const same = { canary: parseWorkloadInput('app=checkout', 'canary') };
    putShop(cluster, namespace, { metadata: { labels: { app: 'checkout' } } });
    await expect(armsOf(namespace, same).inspect(signal)).rejects.toMatchObject({
      code: 'invalid-input',
      problem: 'is both the stable and the canary workload.',
    });
    putAutoscaler(cluster, namespace, 'checkout-next', { minReplicas: 1, maxReplicas: 2 });
    await expect(armsOf(namespace).inspect(signal)).rejects.toMatchObject({
      code: 'unsupported',
      next: 'Raise its maxReplicas to at least 3.',
    });
  });
});

describe('prepare', () => {
  test('scales the canary up for its weight and never down', async () => {
    const namespace = await openShop(0);
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 50, signal);
    expect(await readyOf(namespace, 'checkout-next')).toBe(2);
    await arms.prepare(snapshot, 10, signal);
    expect(await replicasOf(namespace, 'checkout-next')).toBe(2);
    expect(await arms.promote(snapshot, learn, signal)).toEqual({ routeBackToStable: false });
    expect(await arms.health(snapshot, 'canary', signal)).toEqual({ desired: 3, ready: 3, problems: [] });
    expect(await arms.verify(snapshot, signal)).toMatchObject({
      digest: cluster.byDigest('registry.example/checkout:2').split('@')[1],
    });
  });

  test('leaves pods to an autoscaler by raising its minimum, and gives that back', async () => {
    const namespace = await openShop(1);
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 1, maxReplicas: 5 });
    putAutoscaler(cluster, namespace, 'checkout-next', { minReplicas: 1, maxReplicas: 5 });
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 50, signal);
    expect(await minimumOf(namespace, 'checkout-next')).toBe(2);
    expect(await minimumOf(namespace, 'checkout')).toBe(3);
    expect(await readyOf(namespace, 'checkout-next')).toBe(2);
    await arms.undo(snapshot, signal);
    expect(await minimumOf(namespace, 'checkout-next')).toBe(1);
    expect(await minimumOf(namespace, 'checkout')).toBe(1);
  });

  test('scales nothing where the router counts pods', async () => {
    const namespace = await openShop(0);
    const arms = armsOf(namespace, { joinService: true });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    expect(await replicasOf(namespace, 'checkout-next')).toBe(0);
    expect(arms.preview(snapshot, 100)).toEqual([]);
  });
});

describe('a stable workload that somebody else deploys', () => {
  const image = 'registry.example/checkout:2';
  const deploy = (namespace: string) => putShop(cluster, namespace, { image });

  test('gets the route back when it runs what the canary was judged with', async () => {
    const namespace = await openShop(1);
    const arms = armsOf(namespace, { returns: true });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    await arms.relinquish(snapshot, signal);
    let over = false;
    const promoted = arms.promote(snapshot, learn, signal).finally(() => {
      over = true;
    });
    // Several looks later it is still waited for.
    await clock.sleep(5_000, signal);
    expect(over).toBe(false);
    deploy(namespace);
    expect(await promoted).toEqual({ routeBackToStable: true });
    expect(await readyOf(namespace, 'checkout')).toBe(3);
    expect(await arms.verify(snapshot, signal)).toMatchObject({ digest: cluster.byDigest(image).split('@')[1] });
  });

  test('is not taken for the new version by its name', async () => {
    const namespace = await openShop(1);
    const arms = armsOf(namespace, { returns: true });
    const { revision } = await arms.inspect(signal);
    putShop(cluster, namespace, {
      name: 'checkout-next',
      image: 'registry.example/checkout:1',
      replicas: 1,
      labels: { app: 'checkout-next' },
    });
    expect((await arms.inspect(signal)).revision).not.toBe(revision);
  });

  test('can be written by whom it belongs to, and what was raised is given back all the same', async () => {
    const namespace = await openShop(1);
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 1, maxReplicas: 5 });
    const arms = armsOf(namespace, { returns: true });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    await arms.relinquish(snapshot, signal);
    expect(await minimumOf(namespace, 'checkout')).toBe(3);
    const autoscaler = { type: resources.horizontalPodAutoscaler, namespace, name: 'checkout' };
    const managers = (await cluster.client.get(autoscaler, signal)).metadata.managedFields?.map(
      ({ manager }) => manager,
    );
    expect(managers).not.toContain('sluice');
    await arms.undo(snapshot, signal);
    expect(await minimumOf(namespace, 'checkout')).toBe(1);
  });
});

describe('undo', () => {
  test('gives the scaling back as found, and leaves what somebody else has scaled since', async () => {
    const namespace = await openShop(1);
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    await arms.undo(snapshot, signal);
    expect(await replicasOf(namespace, 'checkout-next')).toBe(1);

    await arms.prepare(snapshot, 100, signal);
    putShop(cluster, namespace, {
      name: 'checkout-next',
      image: 'registry.example/checkout:2',
      replicas: 4,
      labels: { app: 'checkout-next' },
    });
    await arms.undo(snapshot, signal);
    expect(await replicasOf(namespace, 'checkout-next')).toBe(4);
  });

  test.each(['prepare', 'promote', 'undo', 'retire'] as const)(
    '%s ends in the same state after a crash at any request',
    async (act) => {
      async function play(death: number) {
        const namespace = await openShop(1);
        putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 1, maxReplicas: 5 });
        const snapshot = await armsOf(namespace).inspect(signal);
        const run = (arms: Arms): Promise<unknown> => {
          if (act === 'prepare') return arms.prepare(snapshot, 100, signal);
          return act === 'promote' ? arms.promote(snapshot, learn, signal) : arms[act](snapshot, signal);
        };
        if (act !== 'prepare') await armsOf(namespace).prepare(snapshot, 100, signal);
        const died = await run(armsOf(namespace, {}, { client: dyingClient(cluster.client, death) })).then(
          () => false,
          (error) => error instanceof Crash || Promise.reject(error),
        );
        await run(armsOf(namespace));
        return { died, state: [await replicasOf(namespace, 'checkout-next'), await minimumOf(namespace, 'checkout')] };
      }
      const { state } = await play(Number.POSITIVE_INFINITY);
      const runs = await Promise.all(Array.from({ length: 12 }, (_, index) => play(index + 1)));
      for (const run of runs) expect(run.state).toEqual(state);
      expect(runs.at(-1)?.died).toBe(false);
    },
  );
});

describe('the rights', () => {
  test('are enough, and all of them are used', async () => {
    const namespace = await openShop(0);
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 1, maxReplicas: 5 });
    const given = { canary: parseWorkloadInput('track=next', 'canary') };
    const metadata = { labels: { track: 'next' } };
    putShop(cluster, namespace, {
      name: 'checkout-next',
      image: 'registry.example/checkout:2',
      replicas: 0,
      labels: { app: 'checkout-next' },
      metadata,
    });
    const { permissions } = armsOf(namespace, given);
    const end = new AbortController();
    const arms = armsOf(namespace, given, { client: cluster.clientWith(permissions), lifetime: end.signal });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    await arms.promote(snapshot, learn, signal);
    await arms.verify(snapshot, signal);
    await arms.undo(snapshot, signal);
    end.abort();
    await until(async () => cluster.askedByLimited().has('watch pods'));
    const asked = cluster.askedByLimited();
    const granted = permissions.flatMap(({ verbs, resource }) => verbs.map((verb) => `${verb} ${resource}`));
    const unused = granted.filter((right) => !asked.has(right));
    expect(unused).toEqual([
      // Looked at where a selector could mean one, and written where it does.
      'get statefulsets',
      'watch statefulsets',
      'patch statefulsets',
      // What pods in trouble wrote last is read where there are any.
      'get pods',
      'list events',
      // Of a StatefulSet that can't make its pods.
      'list events',
    ]);
  });
});
