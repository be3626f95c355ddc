import { describe, expect, test } from 'vitest';
import { resources } from '../../src/cluster/resources.ts';
import { parseConfigManifests } from '../../src/workloads/config-copies.ts';
import { put } from '../support/shop.ts';
import {
  armsOf,
  cluster,
  contents,
  learn,
  newConfig,
  openConfiguredShop,
  read,
  signal,
} from './derived-arms-cluster.ts';

describe('config that changes with the release', () => {
  test('reaches only the canary until the promotion, and comes back with an undo', async () => {
    const namespace = await openConfiguredShop();
    const before = await contents(namespace);
    const arms = armsOf(namespace, { images: new Map(), config: newConfig(namespace) });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    const canary = await read(resources.deployment, namespace, 'checkout-canary');
    expect(canary.spec.template?.spec.containers).toMatchObject([
      {
        envFrom: [{ configMapRef: { name: 'settings-canary' } }],
        env: [{ valueFrom: { secretKeyRef: { name: 'token-canary', key: 'token' } } }],
      },
    ]);
    expect((await read(resources.configMap, namespace, 'settings')).data).toEqual({ colour: 'blue' });
    expect((await read(resources.configMap, namespace, 'settings-canary')).data).toEqual({
      colour: 'green',
      size: 'large',
    });
    expect((await read(resources.secret, namespace, 'token-canary')).data).toEqual({ token: btoa('new-word') });

    await arms.promote(snapshot, learn, signal);
    expect((await read(resources.configMap, namespace, 'settings')).data).toEqual({ colour: 'green', size: 'large' });
    expect((await read(resources.secret, namespace, 'token')).data).toEqual({ token: btoa('new-word') });
    const stable = await read(resources.deployment, namespace, 'checkout');
    expect(stable.spec.template?.metadata?.annotations).toHaveProperty(['sluice.dev/config-checksum']);

    await arms.undo(snapshot, signal);
    expect(await contents(namespace)).toEqual(before);
  });

  test('is what the release leaves when it is promoted, without copies', async () => {
    const namespace = await openConfiguredShop();
    const arms = armsOf(namespace, { images: new Map(), config: newConfig(namespace) });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    await arms.promote(snapshot, learn, signal);
    await arms.retire(snapshot, signal);
    expect((await read(resources.secret, namespace, 'token')).data).toEqual({ token: btoa('new-word') });
    const left = await cluster.client.list(resources.secret, namespace, {}, signal);
    expect(left.map(({ metadata }) => metadata.name)).toEqual(['token']);
  });

  test('never puts what a Secret holds into the snapshot, a preview or an annotation', async () => {
    const namespace = await openConfiguredShop();
    const arms = armsOf(namespace, { images: new Map(), config: newConfig(namespace) });
    const snapshot = await arms.inspect(signal);
    const told = JSON.stringify([snapshot, arms.preview(snapshot, 100)]);
    for (const word of ['old-word', 'new-word', btoa('old-word'), btoa('new-word')]) expect(told).not.toContain(word);
    expect(told).toContain('(new value)');
    expect(told).toContain('green');
  });

  test('that somebody else has changed meanwhile is not overwritten', async () => {
    const namespace = await openConfiguredShop();
    const arms = armsOf(namespace, { images: new Map(), config: newConfig(namespace) });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    put(cluster, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings', namespace },
      data: { colour: 'red' },
    });
    await expect(arms.promote(snapshot, learn, signal)).rejects.toMatchObject({
      code: 'conflict',
      about: `ConfigMap ${namespace}/settings`,
    });
    await arms.undo(snapshot, signal);
    expect((await read(resources.configMap, namespace, 'settings')).data).toEqual({ colour: 'red' });
  });

  test('is refused where the workload does not use it, and where it does not exist', async () => {
    const namespace = await openConfiguredShop();
    const other = parseConfigManifests(
      '{apiVersion: v1, kind: ConfigMap, metadata: {name: other}, data: {}}',
      namespace,
    );
    await expect(armsOf(namespace, { config: other }).inspect(signal)).rejects.toMatchObject({
      code: 'invalid-input',
      next: expect.stringContaining('ConfigMap/settings, Secret/token'),
    });
    await cluster.client.remove({ type: resources.configMap, namespace, name: 'settings' }, signal);
    await expect(armsOf(namespace, { config: newConfig(namespace) }).inspect(signal)).rejects.toMatchObject({
      code: 'not-found',
      about: `ConfigMap ${namespace}/settings`,
    });
  });
});
