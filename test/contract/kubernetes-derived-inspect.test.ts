import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { deployments } from '../../lab/embedded/api-server/resources.ts';
import { resources } from '../../src/cluster/resources.ts';
import { parseImages } from '../../src/workloads/images.ts';
import { parseWorkloadInput } from '../../src/workloads/workload.ts';
import { put, putShop } from '../support/shop.ts';
import { armsOf, cluster, contents, openShop, read, signal, until, writesSince } from './derived-arms-cluster.ts';

describe('inspect', () => {
  test('writes nothing and tells what identifies the release', async () => {
    const namespace = await openShop();
    const before = await contents(namespace);
    const audited = cluster.api.audit.length;
    const image = `${cluster.byDigest('registry.example/checkout:2')}`;
    const snapshot = await armsOf(namespace, { images: parseImages(image) }).inspect(signal);
    expect(snapshot).toMatchObject({
      stable: `Deployment ${namespace}/checkout`,
      canary: `Deployment ${namespace}/checkout-canary`,
      revision: image.split('@')[1],
    });
    expect(writesSince(audited)).toEqual([]);
    expect(await contents(namespace)).toEqual(before);
  });

  test('identifies an image without a digest by the resulting pod template, the same one each time', async () => {
    const namespace = await openShop();
    const [first, second, other] = await Promise.all([
      armsOf(namespace).inspect(signal),
      armsOf(namespace).inspect(signal),
      armsOf(namespace, { images: parseImages('registry.example/checkout:3') }).inspect(signal),
    ]);
    expect(first.revision).toMatch(/^template-[0-9a-f]{16}$/);
    expect(second.revision).toBe(first.revision);
    expect(other.revision).not.toBe(first.revision);
  });

  test('names the workloads that exist when the one asked for does not, and what a first release needs', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace, { workload: parseWorkloadInput('deployment/chekout', 'workload') });
    await expect(arms.inspect(signal)).rejects.toMatchObject({
      code: 'not-found',
      about: `Deployment ${namespace}/chekout`,
      next: expect.stringMatching(/deployment\/checkout.*first release.*without a canary/),
    });
  });

  test('finds the workload by its labels, and names the candidates when several have them', async () => {
    const namespace = await openShop({ metadata: { labels: { part: 'web' } } });
    const arms = armsOf(namespace, { workload: parseWorkloadInput('part=web', 'workload') });
    expect((await arms.inspect(signal)).stable).toBe(`Deployment ${namespace}/checkout`);

    putShop(cluster, namespace, { name: 'basket', labels: { app: 'basket' }, metadata: { labels: { part: 'web' } } });
    await expect(arms.inspect(signal)).rejects.toMatchObject({
      code: 'not-found',
      problem: expect.stringContaining('deployment/basket, deployment/checkout'),
    });
  });

  test('refuses a release that changes nothing', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace, { images: parseImages('registry.example/checkout:1') });
    await expect(arms.inspect(signal)).rejects.toMatchObject({
      code: 'invalid-input',
      problem: expect.stringContaining('nothing to release'),
    });
  });

  test('names the containers when the one asked for is none of them', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace, { images: parseImages('web=registry.example/checkout:2') });
    await expect(arms.inspect(signal)).rejects.toMatchObject({ code: 'invalid-input', next: 'It has app.' });
  });

  test('refuses a stable workload that does not serve', async () => {
    const namespace = await openShop({ replicas: 0 });
    await expect(armsOf(namespace).inspect(signal)).rejects.toMatchObject({
      code: 'not-ready',
      problem: expect.stringContaining('0 of 0 pods are ready'),
    });
  });

  test('never takes over an object that somebody else made', async () => {
    const namespace = await openShop();
    put(cluster, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'checkout-canary', namespace }, spec: {} });
    await expect(armsOf(namespace).inspect(signal)).rejects.toMatchObject({
      code: 'conflict',
      about: `Service ${namespace}/checkout-canary`,
      problem: expect.stringContaining('not made by this rollout'),
    });
  });

  test('asks for the Service where several select the stable pods', async () => {
    const namespace = await openShop();
    put(cluster, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'checkout-metrics', namespace },
      spec: { selector: { app: 'checkout' }, ports: [{ port: 9090 }] },
    });
    await expect(armsOf(namespace).inspect(signal)).rejects.toMatchObject({
      code: 'invalid-input',
      about: 'input "service"',
      problem: expect.stringContaining('checkout, checkout-metrics'),
    });
    const snapshot = await armsOf(namespace, { service: 'checkout' }).inspect(signal);
    expect(JSON.stringify(snapshot.data)).toContain('"service":"checkout-canary"');
  });

  test('refuses a workload that a GitOps controller would set back, unless it was told not to', async () => {
    const namespace = await openShop();
    const key = { resource: deployments, namespace, name: 'checkout' };
    const applied = cluster.api.registry.get(key);
    cluster.api.registry.remove(key, {});
    const { resourceVersion: _, uid: __, ...metadata } = applied.metadata;
    cluster.api.registry.create(deployments, namespace, { ...applied, metadata }, { manager: 'argocd-controller' });
    await until(async () => (await read(resources.deployment, namespace, 'checkout')).status.readyReplicas === 3);
    await expect(armsOf(namespace).inspect(signal)).rejects.toMatchObject({
      code: 'unsupported',
      problem:
        'is applied by Argo CD (field manager "argocd-controller"), which would set the image and the config back.',
      next: expect.stringMatching(
        /"mode: shift"; commit the new image and let Argo CD synchronise; "mode: finish"[\s\S]*\n {2}mode: shift/,
      ),
    });
    await armsOf(namespace, { gitops: 'ignore-rule-present' }).inspect(signal);
  });

  test('refuses what a copy can not do: volume claims, a paused rollout', async () => {
    const paused = await openShop();
    await cluster.client.patchMerge(
      { type: resources.deployment, namespace: paused, name: 'checkout' },
      { spec: { paused: true } },
      signal,
    );
    await expect(armsOf(paused).inspect(signal)).rejects.toMatchObject({
      code: 'unsupported',
      problem: expect.stringContaining('paused'),
    });

    const volumes = await openShop({
      kind: 'StatefulSet',
      spec: { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }] },
    });
    const arms = armsOf(volumes, { workload: parseWorkloadInput('statefulset/checkout', 'workload') });
    await expect(arms.inspect(signal)).rejects.toMatchObject({
      code: 'unsupported',
      problem: expect.stringContaining('volume claim templates'),
    });
  });
});

describe('the preview', () => {
  test('is what is written', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    const planned = arms.preview(snapshot, 100);
    expect(planned.map(({ action, object }) => `${action} ${object}`)).toEqual([
      `create Service ${namespace}/checkout-canary`,
      `create Deployment ${namespace}/checkout-canary`,
      `update Deployment ${namespace}/checkout`,
    ]);
    expect(planned.at(-1)).toMatchObject({
      before: { spec: { template: { spec: { containers: [{ name: 'app', image: 'registry.example/checkout:1' }] } } } },
      after: { spec: { template: { spec: { containers: [{ name: 'app', image: 'registry.example/checkout:2' }] } } } },
    });
    await arms.prepare(snapshot, 100, signal);
    for (const { object: name, after } of planned.slice(0, 2)) {
      const type = name.startsWith('Service') ? resources.service : resources.deployment;
      expect(await read(type, namespace, 'checkout-canary')).toMatchObject(z.looseObject({}).parse(after));
    }
  });
});
