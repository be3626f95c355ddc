import { describe, expect, test } from 'vitest';
import { resources } from '../../src/cluster/resources.ts';
import { put } from '../support/shop.ts';
import { armsOf, cluster, exists, learn, openShop, read, signal, until } from './derived-arms-cluster.ts';

describe("Istio's traffic policy", () => {
  test('of the stable host and subset holds for the canary too', async () => {
    const namespace = await openShop();
    const subsets = [
      { name: 'v1', labels: { app: 'checkout' }, trafficPolicy: { outlierDetection: { consecutive5xxErrors: 9 } } },
    ];
    const trafficPolicy = {
      connectionPool: { http: { http2MaxRequests: 5 } },
      outlierDetection: { consecutive5xxErrors: 1 },
    };
    put(cluster, {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'checkout', namespace },
      spec: { host: 'checkout', trafficPolicy, subsets },
    });
    const arms = armsOf(namespace, { istio: { subset: 'v1' } });
    await arms.prepare(await arms.inspect(signal), 10, signal);
    expect((await read(resources.destinationRule, namespace, 'checkout-canary')).spec).toEqual({
      host: `checkout-canary.${namespace}.svc.cluster.local`,
      trafficPolicy: {
        connectionPool: { http: { http2MaxRequests: 5 } },
        outlierDetection: { consecutive5xxErrors: 9 },
      },
    });
  });
});

describe('without a mesh', () => {
  test('the stable Service picks the canary and the router sizes it', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace, { joinService: true });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 50, signal);
    const reference = { type: resources.deployment, namespace, name: 'checkout-canary' };
    expect((await read(resources.deployment, namespace, 'checkout-canary')).spec.replicas).toBe(0);
    expect(await exists(resources.service, namespace, 'checkout-canary')).toBe(false);

    await cluster.client.patchJson(reference, [{ op: 'replace', path: '/spec/replicas', value: 2 }], signal);
    await until(async () => (await arms.health(snapshot, 'canary', signal)).ready === 2);
    expect(await arms.health(snapshot, 'stable', signal)).toEqual({ desired: 3, ready: 3, problems: [] });
    await arms.prepare(snapshot, 100, signal);
    expect((await read(resources.deployment, namespace, 'checkout-canary')).spec.replicas).toBe(2);
  });

  test('promotion gives the stable workload its pods back before the canary loses its own', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace, { joinService: true });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    const scale = (name: string, value: number) =>
      cluster.client.patchJson(
        { type: resources.deployment, namespace, name },
        [{ op: 'replace', path: '/spec/replicas', value }],
        signal,
      );
    await scale('checkout-canary', 3);
    await scale('checkout', 0);
    await arms.promote(snapshot, learn, signal);
    expect((await read(resources.deployment, namespace, 'checkout')).status.readyReplicas).toBe(3);
    expect((await read(resources.deployment, namespace, 'checkout-canary')).spec.replicas).toBe(3);
  });
});
