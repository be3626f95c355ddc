import { describe, expect, test } from 'vitest';
import { resources } from '../../src/cluster/resources.ts';
import { SluiceError } from '../../src/core/errors.ts';
import { parseImages } from '../../src/workloads/images.ts';
import { put } from '../support/shop.ts';
import { armsOf, cluster, exists, openShop, read, signal, until } from './derived-arms-cluster.ts';

describe('prepare', () => {
  test('makes the canary with the new image, sized for its weight, and waits for its pods', async () => {
    const namespace = await openShop({ podSpec: { terminationGracePeriodSeconds: 7 } });
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 50, signal);

    const canary = await read(resources.deployment, namespace, 'checkout-canary');
    expect(canary.spec.replicas).toBe(2);
    expect(canary.status.readyReplicas).toBe(2);
    expect(canary.spec.template?.spec).toMatchObject({
      containers: [{ image: 'registry.example/checkout:2' }],
      terminationGracePeriodSeconds: 7,
    });
    expect(canary.metadata.labels).toMatchObject({
      'app.kubernetes.io/managed-by': 'sluice',
      'sluice.dev/rollout': 'checkout',
    });
    expect(await arms.health(snapshot, 'canary', signal)).toEqual({ desired: 2, ready: 2, problems: [] });
  });

  test('gives the canary its own Service, and no other Service picks its pods', async () => {
    const namespace = await openShop();
    put(cluster, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'every-tier', namespace },
      spec: { selector: { app: 'checkout' }, ports: [{ port: 80 }] },
    });
    const arms = armsOf(namespace, { service: 'checkout' });
    await arms.prepare(await arms.inspect(signal), 100, signal);

    const endpoints = async (name: string) => {
      const labelSelector = `kubernetes.io/service-name=${name}`;
      const slices = await cluster.client.list(resources.endpointSlice, namespace, { labelSelector }, signal);
      return slices.flatMap((slice) => JSON.stringify(slice.endpoints).match(/checkout-(canary-)?/g) ?? []);
    };
    expect(new Set(await endpoints('checkout'))).toEqual(new Set(['checkout-']));
    expect(new Set(await endpoints('every-tier'))).toEqual(new Set(['checkout-']));
    expect(new Set(await endpoints('checkout-canary'))).toEqual(new Set(['checkout-canary-']));
  });

  test('never makes the canary smaller', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    await arms.prepare(snapshot, 10, signal);
    expect((await read(resources.deployment, namespace, 'checkout-canary')).spec.replicas).toBe(3);
  });

  test('ends at once, with the reason, when the pods can not come up', async () => {
    const namespace = await openShop();
    const crashing = armsOf(namespace, { images: parseImages('registry.example/checkout:crash') });
    await expect(crashing.prepare(await crashing.inspect(signal), 10, signal)).rejects.toMatchObject({
      code: 'not-ready',
      about: expect.stringMatching(/Pod .*checkout-canary-.*, container app/),
      problem: expect.stringMatching(/CrashLoopBackOff \(exit code 1\)|Restarted/),
      next: expect.stringContaining(`kubectl -n ${namespace} logs`),
    });
    const missing = armsOf(namespace, { images: parseImages('registry.example/checkout:gone') });
    await expect(missing.prepare(await missing.inspect(signal), 10, signal)).rejects.toMatchObject({
      code: 'not-ready',
      problem: expect.stringMatching(/ImagePull.*registry\.example\/checkout:gone/),
    });
  });

  test.each([
    ['never-ready', 'ContainersNotReady', /^was not ready within 60 s\. 0 of 1 pods are ready\.$/],
    [
      'late',
      'Service Unavailable',
      /pods are ready\. Pod checkout-canary-\S+: ImagePullBackOff \(.*: 503 Service Unavailable\)\.$/,
    ],
  ])('says at the deadline how far the pods were, and what they waited for: %s', async (tag, shown, problem) => {
    const namespace = await openShop();
    const arms = armsOf(namespace, { images: parseImages(`registry.example/checkout:${tag}`) });
    const snapshot = await arms.inspect(signal);
    const deadline = new AbortController();
    const prepared = arms.prepare(snapshot, 10, deadline.signal);
    const canary = { labelSelector: 'sluice.dev/arm=canary' };
    const podsShow = async () => JSON.stringify(await cluster.client.list(resources.pod, namespace, canary, signal));
    await until(async () => (await podsShow()).includes(shown));
    await until(async () => (await arms.health(snapshot, 'canary', signal)).desired === 1);
    const detail = { about: snapshot.canary, problem: 'was not ready within 60 s.', next: 'Look.' };
    setTimeout(() => deadline.abort(new SluiceError('not-ready', detail)), 50);
    await expect(prepared).rejects.toMatchObject({ code: 'not-ready', problem: expect.stringMatching(problem) });
  });

  test('stops with the reason of its signal', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace, { images: parseImages('registry.example/checkout:never-ready') });
    const snapshot = await arms.inspect(signal);
    const stop = new AbortController();
    const prepared = arms.prepare(snapshot, 10, stop.signal);
    await until(() => exists(resources.deployment, namespace, 'checkout-canary'));
    stop.abort(new Error('cancelled'));
    await expect(prepared).rejects.toThrow('cancelled');
  });
});

describe('a pod that goes wrong while the canary is watched', () => {
  test('is a problem at once', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 10, signal);
    const [pod] = await cluster.client.list(
      resources.pod,
      namespace,
      { labelSelector: 'sluice.dev/arm=canary' },
      signal,
    );
    cluster.controllers.crash(namespace, pod?.metadata.name ?? '', { outOfMemory: true });
    await until(async () => (await arms.health(snapshot, 'canary', signal)).problems.length > 0);
    expect((await arms.health(snapshot, 'canary', signal)).problems).toMatchObject([
      { pod: pod?.metadata.name, container: 'app', reason: 'OOMKilled' },
    ]);
  });

  test('is watched and not polled: looking costs no request', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 10, signal);
    await arms.health(snapshot, 'canary', signal);
    const audited = cluster.api.audit.length;
    for (let look = 0; look < 20; look += 1) await arms.health(snapshot, 'canary', signal);
    expect(cluster.api.audit.length).toBe(audited);
  });
});
