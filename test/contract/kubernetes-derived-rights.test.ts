import { describe, expect, test } from 'vitest';
import { put, putAutoscaler } from '../support/shop.ts';
import { armsOf, cluster, learn, newConfig, openConfiguredShop, signal, until } from './derived-arms-cluster.ts';

describe('the rights', () => {
  test('are enough for a whole release, and all of them are used', async () => {
    const namespace = await openConfiguredShop();
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 1, maxReplicas: 6 });
    const budget = { minAvailable: 2, selector: { matchLabels: { app: 'checkout' } } };
    const named = { metadata: { name: 'checkout', namespace } };
    put(cluster, { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', ...named, spec: budget });
    put(cluster, {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      ...named,
      spec: { host: 'checkout' },
    });
    const release = { config: newConfig(namespace), istio: {} };
    const { permissions } = armsOf(namespace, release);
    const client = cluster.clientWith(permissions);
    const end = new AbortController();
    for (const conclude of ['undo', 'retire'] as const) {
      const arms = armsOf(namespace, release, { client, lifetime: end.signal });
      const snapshot = await arms.inspect(signal);
      await arms.prepare(snapshot, 100, signal);
      await arms.promote(snapshot, learn, signal);
      await arms.verify(snapshot, signal);
      // As a later run does, which knows the snapshot by its record.
      const next = armsOf(namespace, release, { client, lifetime: end.signal });
      await next[conclude](structuredClone(snapshot), signal);
    }
    end.abort();
    await until(async () => cluster.askedByLimited().has('watch pods'));
    const asked = cluster.askedByLimited();
    const granted = permissions.flatMap(({ verbs, resource }) => verbs.map((verb) => `${verb} ${resource}`));
    // Server-side apply needs the right to create what is not there, though it asks to patch.
    const unused = granted.filter((right) => !right.startsWith('create ') && !asked.has(right));
    // What pods in trouble wrote last is read where there are any.
    expect(unused).toEqual(['get pods', 'list events']);
  });
});
