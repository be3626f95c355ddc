import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { rollout } from '../../src/canary/rollout.ts';
import type { KubernetesClient } from '../../src/cluster/client.ts';
import { permissionTo } from '../../src/cluster/permissions.ts';
import { isReady, pod } from '../../src/cluster/pods.ts';
import { resources } from '../../src/cluster/resources.ts';
import { listSlices, podsInSlices } from '../../src/workloads/endpoints.ts';
import { reachOf } from '../../src/workloads/reach.ts';
import { putReadyShop } from '../support/derived-shop.ts';
import { type EmbeddedCluster, startEmbeddedCluster } from '../support/embedded-cluster.ts';
import { image, openShop, options, worldOf } from '../support/hostile-shop.ts';
import { put } from '../support/shop.ts';

/** EndpointSlices that stay behind the pods: proxies know pods from them alone. */
let cluster: EmbeddedCluster;
beforeAll(async () => {
  cluster = await startEmbeddedCluster({ [image('0')]: {}, [image('1')]: {}, [image('2')]: {} });
});
afterAll(() => cluster.stop());
afterEach(() => cluster.controllers.holdEndpointSlices()());

const signal = new AbortController().signal;
const patiently = { timeout: 20_000 };
const stable = { kind: 'Deployment', name: 'checkout', pods: 'app=checkout', service: 'checkout' } as const;

async function removeSlices(namespace: string, service: string): Promise<void> {
  for (const { metadata } of await listSlices(cluster.client, namespace, service, signal))
    await cluster.client.remove({ type: resources.endpointSlice, namespace, name: metadata.name }, signal);
}

/** How many ready pods a Service leads to. */
async function listed(namespace: string, service: string): Promise<number> {
  const pods = await cluster.client.list(resources.pod, namespace, {}, signal);
  const ready = pods.map((object) => pod.parse(object)).filter(isReady);
  return podsInSlices(await listSlices(cluster.client, namespace, service, signal), ready).length;
}

/**
 * A client that loses the EndpointSlices of the Services when a promotion is made. They come again after so many more looks at them;
 * `routed` tells how many of the stable pods they list whenever the route is written from then on.
 */
function losing(namespace: string, services: readonly string[], looks: number) {
  const { client, controllers } = cluster;
  const routed: number[] = [];
  let left = Number.POSITIVE_INFINITY;
  let release: (() => void) | undefined;
  const lossy: KubernetesClient = {
    ...client,
    async patchJson(...given) {
      const [reference] = given;
      if (reference.type.kind === 'VirtualService' && left !== Number.POSITIVE_INFINITY)
        routed.push(await listed(namespace, 'checkout'));
      const answer = await client.patchJson(...given);
      if (left === Number.POSITIVE_INFINITY && JSON.stringify(given).includes('\\"phase\\":\\"returning\\"')) {
        release = controllers.holdEndpointSlices();
        for (const service of services) await removeSlices(namespace, service);
        left = looks;
      }
      return answer;
    },
    async list(...given) {
      if (given[0].kind === 'EndpointSlice' && left !== Number.POSITIVE_INFINITY) {
        left -= 1;
        if (left === 0) release?.();
      }
      return client.list(...given);
    },
  };
  return { client: lossy, routed };
}

/** The clock of these shops runs a thousand times as fast. */
const long = 600_000_000;
const patient = { ...options, timeout: long, confirmTimeout: long, readyTimeout: long, undoTimeout: long };

describe('EndpointSlices that are lost when a promotion is made', () => {
  test.each([
    ['of the stable Service', ['checkout']],
    ['of both Services', ['checkout', 'checkout-canary']],
  ])('%s: the route goes back when they list the stable pods again', { timeout: 120_000 }, async (what, services) => {
    const namespace = `late-${services.length}`;
    await openShop(cluster, namespace);
    const { client, routed } = losing(namespace, services, 12);
    const outcome = await rollout(worldOf(cluster, namespace, client), patient, signal);
    expect(outcome, what).toMatchObject({ verdict: 'promoted' });
    // The way back, and the ownership of the weights that is given up.
    expect(routed).toHaveLength(2);
    for (const pods of routed) expect(pods).toBeGreaterThanOrEqual(2);
  });
});

describe('which pods a Service leads to', () => {
  const labels = { 'kubernetes.io/service-name': 'by-hand' };
  const slice = (namespace: string, endpoints: readonly object[]) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'by-hand-1', namespace, labels },
    addressType: 'IPv4',
    endpoints,
    ports: [],
  });

  test('is read from its EndpointSlices at that moment', async () => {
    const namespace = 'late-look';
    await putReadyShop(cluster, namespace, { replicas: 2, image: image('1') });
    const seen = () => reachOf({ client: cluster.client, namespace }, stable, signal);
    const all = { desired: 2, ready: 2, service: `Service ${namespace}/checkout`, reachable: 2 };
    await expect.poll(seen, patiently).toEqual(all);
    const release = cluster.controllers.holdEndpointSlices();
    await removeSlices(namespace, 'checkout');
    expect(await seen()).toEqual({ ...all, reachable: 0 });
    release();
    await expect.poll(seen, patiently).toEqual(all);
  });

  test('is told by addresses where somebody writes the slices', async () => {
    const namespace = 'late-by-hand';
    await putReadyShop(cluster, namespace, { replicas: 2, image: image('1') });
    await expect.poll(() => listed(namespace, 'checkout'), patiently).toBe(2);
    const [first] = await cluster.client.list(resources.pod, namespace, { labelSelector: 'app=checkout' }, signal);
    const { status } = z.looseObject({ status: z.looseObject({ podIP: z.string() }) }).parse(first);
    const spec = { ports: [{ port: 80 }] };
    put(cluster, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'by-hand', namespace }, spec });
    const byHand = () => reachOf({ client: cluster.client, namespace }, { ...stable, service: 'by-hand' }, signal);
    put(cluster, slice(namespace, [{ addresses: ['192.0.2.1'] }]));
    expect(await byHand()).toMatchObject({ ready: 2, service: `Service ${namespace}/by-hand`, reachable: 0 });
    // All pods of this cluster have one address.
    put(cluster, slice(namespace, [{ addresses: [status.podIP] }]));
    expect(await byHand()).toMatchObject({ ready: 2, reachable: 2 });
  });

  test('is not known without the right to list them, or without a Service, and the answer says what to do', async () => {
    const namespace = 'late-rights';
    await putReadyShop(cluster, namespace, { replicas: 2, image: image('1') });
    const client = cluster.clientWith([
      permissionTo(['get'], resources.deployment, namespace),
      permissionTo(['list'], resources.pod, namespace),
    ]);
    expect(await reachOf({ client, namespace }, stable, signal)).toMatchObject({
      ready: 2,
      unseen: `the EndpointSlices of Service ${namespace}/checkout may not be read. Add to the Role of these credentials: {apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: [list]}`,
    });
    expect(await reachOf({ client, namespace }, { ...stable, service: undefined }, signal)).toMatchObject({
      ready: 2,
      unseen: `no Service is known that leads to the pods of Deployment ${namespace}/checkout`,
    });
  });
});
