import { describe, expect, test } from 'vitest';
import { resources } from '../../src/cluster/resources.ts';
import { parseImages } from '../../src/workloads/images.ts';
import { put } from '../support/shop.ts';
import { armsOf, cluster, contents, exists, learn, openShop, read, signal } from './derived-arms-cluster.ts';

describe('promote', () => {
  test('makes the stable workload the new version and sends the route back', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    expect(await arms.promote(snapshot, learn, signal)).toEqual({ routeBackToStable: true });
    const stable = await read(resources.deployment, namespace, 'checkout');
    expect(stable.spec.template?.spec.containers).toMatchObject([{ image: 'registry.example/checkout:2' }]);
    const digest = cluster.byDigest('registry.example/checkout:2').split('@')[1];
    expect(await arms.verify(snapshot, signal)).toEqual({
      digest,
      evidence: `3 of 3 pods are ready and run ${digest}`,
    });

    await arms.retire(snapshot, signal);
    expect(await exists(resources.deployment, namespace, 'checkout-canary')).toBe(false);
    expect(await exists(resources.service, namespace, 'checkout-canary')).toBe(false);
  });

  test('does not write over an image that somebody else has deployed meanwhile', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    const reference = { type: resources.deployment, namespace, name: 'checkout' };
    const image = {
      op: 'replace',
      path: '/spec/template/spec/containers/0/image',
      value: 'registry.example/checkout:hotfix',
    } as const;
    await cluster.client.patchJson(reference, [image], signal);

    await expect(arms.promote(snapshot, learn, signal)).rejects.toMatchObject({
      code: 'conflict',
      about: `Deployment ${namespace}/checkout`,
    });
    await arms.undo(snapshot, signal);
    expect((await read(resources.deployment, namespace, 'checkout')).spec.template?.spec.containers).toMatchObject([
      { image: 'registry.example/checkout:hotfix' },
    ]);
  });

  test('is not proven by pods of another version', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 10, signal);
    await expect(arms.verify(snapshot, signal)).rejects.toMatchObject({
      code: 'not-ready',
      problem: expect.stringContaining('its pod template was changed by somebody else'),
    });
  });
});

describe('undo', () => {
  test('leaves nothing behind', async () => {
    const namespace = await openShop();
    const before = await contents(namespace);
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 50, signal);
    await arms.undo(snapshot, signal);
    expect(await contents(namespace)).toEqual(before);
  });

  test('takes a promotion back, by a run that was asked for something else', async () => {
    const namespace = await openShop();
    const before = await contents(namespace);
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    await arms.promote(snapshot, learn, signal);
    await armsOf(namespace, { images: parseImages('registry.example/checkout:3') }).undo(snapshot, signal);
    expect(await contents(namespace)).toEqual(before);
  });

  test('leaves an object alone that somebody else made under the same name', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    put(cluster, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'checkout-canary', namespace }, spec: {} });
    await arms.undo(snapshot, signal);
    expect(await exists(resources.service, namespace, 'checkout-canary')).toBe(true);
  });
});

describe('taking a promotion back while the canary keeps the requests', () => {
  test('makes the stable workload what was found, proves it, and leaves the canary as it is', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    await arms.promote(snapshot, learn, signal);
    await expect(arms.verifyUndone(snapshot, AbortSignal.timeout(200))).rejects.toThrow();

    await arms.undoPromotion(snapshot, signal);
    await arms.undoPromotion(snapshot, signal);
    const { spec, status } = await read(resources.deployment, namespace, 'checkout');
    expect(spec.template?.spec.containers).toMatchObject([{ image: 'registry.example/checkout:1' }]);
    expect(status.readyReplicas).toBe(3);
    expect(await exists(resources.deployment, namespace, 'checkout-canary')).toBe(true);
    const proof = await arms.verifyUndone(snapshot, signal);
    expect(proof?.digest).toBe(cluster.byDigest('registry.example/checkout:1').split('@')[1]);
    expect(await arms.health(snapshot, 'canary', signal)).toMatchObject({ ready: 3, desired: 3 });
    await arms.undo(snapshot, signal);
  });
});
