import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { KubernetesClient } from '../../src/cluster/client.ts';
import { resources } from '../../src/cluster/resources.ts';
import { put, putAutoscaler } from '../support/shop.ts';
import { armsOf, cluster, exists, learn, openShop, read, signal, until } from './derived-arms-cluster.ts';

describe('autoscaling', () => {
  const autoscaler = z.looseObject({ spec: z.looseObject({ minReplicas: z.number(), maxReplicas: z.number() }) });
  const limits = async (namespace: string, name: string) =>
    autoscaler.parse(await cluster.client.get({ type: resources.horizontalPodAutoscaler, namespace, name }, signal))
      .spec;

  test('keeps both arms large enough during the canary and gives the limits back after it', async () => {
    const namespace = await openShop({ replicas: 4 });
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 1, maxReplicas: 6 });
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 50, signal);
    expect(await limits(namespace, 'checkout')).toMatchObject({ minReplicas: 4, maxReplicas: 6 });
    expect(await limits(namespace, 'checkout-canary')).toMatchObject({ minReplicas: 2, maxReplicas: 6 });
    await arms.prepare(snapshot, 100, signal);
    expect(await limits(namespace, 'checkout-canary')).toMatchObject({ minReplicas: 4 });

    await arms.promote(snapshot, learn, signal);
    expect((await read(resources.deployment, namespace, 'checkout')).status.readyReplicas).toBe(4);
    await arms.retire(snapshot, signal);
    expect(await limits(namespace, 'checkout')).toMatchObject({ minReplicas: 1, maxReplicas: 6 });
    expect(await exists(resources.horizontalPodAutoscaler, namespace, 'checkout-canary')).toBe(false);
  });

  test('does not send traffic back to fewer pods than the canary has grown to', async () => {
    const namespace = await openShop();
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 1, maxReplicas: 10 });
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    const grown = [{ op: 'replace', path: '/spec/replicas', value: 5 }] as const;
    await cluster.client.patchJson({ type: resources.deployment, namespace, name: 'checkout-canary' }, grown, signal);
    await until(async () => (await arms.health(snapshot, 'canary', signal)).ready === 5);
    await arms.promote(snapshot, learn, signal);
    expect((await read(resources.deployment, namespace, 'checkout')).status.readyReplicas).toBe(5);
  });

  test('copes with somebody who scales between a reading and a writing', async () => {
    const namespace = await openShop();
    const reference = { type: resources.deployment, namespace, name: 'checkout' };
    let scaled = false;
    const client: KubernetesClient = {
      ...cluster.client,
      async patchJson(patched, operations, during) {
        if (!scaled && patched.name === 'checkout' && JSON.stringify(operations).includes('/spec/replicas')) {
          scaled = true;
          await cluster.client.patchJson(reference, [{ op: 'replace', path: '/spec/replicas', value: 4 }], signal);
        }
        return cluster.client.patchJson(patched, operations, during);
      },
    };
    const arms = armsOf(namespace, { joinService: true }, { client });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    await cluster.client.patchJson(reference, [{ op: 'replace', path: '/spec/replicas', value: 2 }], signal);
    await arms.promote(snapshot, learn, signal);
    expect(scaled).toBe(true);
  });

  test('leaves a minimum alone that somebody else has set meanwhile', async () => {
    const namespace = await openShop();
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 1, maxReplicas: 6 });
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 50, signal);
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 5, maxReplicas: 6 });
    await arms.undo(snapshot, signal);
    expect(await limits(namespace, 'checkout')).toMatchObject({ minReplicas: 5 });
  });
});

describe('a disruption budget on the stable pods', () => {
  test('gets a counterpart that lets one canary pod go at a time', async () => {
    const namespace = await openShop();
    const spec = { minAvailable: 2, selector: { matchLabels: { app: 'checkout' } } };
    put(cluster, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'checkout', namespace },
      spec,
    });
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 10, signal);
    const budget = await read(resources.podDisruptionBudget, namespace, 'checkout-canary');
    expect(budget.spec).toMatchObject({ maxUnavailable: 1, selector: { matchLabels: { app: 'checkout-canary' } } });
    expect(budget.spec).not.toHaveProperty('minAvailable');
    await arms.undo(snapshot, signal);
    expect(await exists(resources.podDisruptionBudget, namespace, 'checkout-canary')).toBe(false);
  });
});
