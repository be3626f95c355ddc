import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createInventoryStore, type Inventory, isOfInventory } from '../../../src/apply/inventory.ts';
import { resources } from '../../../src/cluster/resources.ts';
import { type KubernetesObject, kubernetesObject } from '../../../src/cluster/schema.ts';
import { createSeal } from '../../../src/ledger/seal.ts';

const signal = new AbortController().signal;
const seal = createSeal('the credentials of all runs of this release');
const deployment = { type: resources.deployment, namespace: 'shop', name: 'checkout' };

const applying: Inventory = {
  schema: 1,
  id: 'run',
  startedBy: 'alice',
  startedAt: 1,
  phase: 'applying',
  digest: 'd',
  objects: [deployment],
  created: [{ type: resources.persistentVolumeClaim, namespace: 'shop', name: 'data' }],
  prune: [deployment],
};

/** Keeps ConfigMap and Secret, for whoever may write them. */
function openCluster() {
  const stored = new Map<string, KubernetesObject>();
  const client: Parameters<typeof createInventoryStore>[0] = {
    find: async ({ type }) => stored.get(type.kind),
    async apply(_, manifest) {
      const written = kubernetesObject.parse(manifest);
      stored.set(manifest.kind, written);
      return written;
    },
    async remove({ type }) {
      stored.delete(type.kind);
    },
  };
  const storeOf = (by = seal) => createInventoryStore(client, 'shop', 'checkout', by);
  const edit = (kind: 'ConfigMap' | 'Secret', data: Record<string, string>) => {
    const found = stored.get(kind);
    if (!found) throw new Error(`there is no ${kind}`);
    stored.set(kind, { ...found, data: { ...Object(found.data), ...data } });
  };
  return { storeOf, edit, stored };
}

const found = kubernetesObject.parse({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'checkout' } });
const snapshot = {
  former: { digest: '', objects: [] },
  entries: [{ reference: deployment, found, leavesReplicas: false }],
};
const packed = (entries: readonly object[]) =>
  gzipSync(JSON.stringify({ former: { digest: '', objects: [] }, entries })).toString('base64');
const binding = {
  type: { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', plural: 'clusterrolebindings' },
  namespace: '',
  name: 'pwn',
};

async function stopped() {
  const cluster = openCluster();
  const store = cluster.storeOf();
  await store.saveSnapshot(snapshot, signal);
  await store.save(applying, signal);
  return cluster;
}

describe('an inventory', () => {
  it('of a run that was stopped is known by the next one with these credentials', async () => {
    const next = (await stopped()).storeOf();
    expect(await next.load(signal)).toEqual(applying);
    expect(next.isConfirmed()).toBe(true);
    expect(await next.loadSnapshot(signal)).toEqual(snapshot);
  });

  it('that somebody else has written decides about nothing', async () => {
    const { storeOf, edit } = await stopped();
    edit('ConfigMap', { inventory: JSON.stringify({ ...applying, prune: [binding], created: [binding] }) });
    const next = storeOf();
    const { prune, created } = (await next.load(signal)) ?? {};
    expect({ prune, created, confirmed: next.isConfirmed() }).toEqual({ confirmed: false });
    expect(() => next.requireConfirmed()).toThrow(
      /^ConfigMap shop\/sluice-inventory-checkout: .*Nothing of it is acted upon/,
    );
    await expect(next.loadSnapshot(signal)).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('of other credentials is not confirmed', async () => {
    const next = (await stopped()).storeOf(createSeal('those of somebody else'));
    await next.load(signal);
    expect(next.isConfirmed()).toBe(false);
  });

  it.each([
    ['other objects', { snapshot: packed([{ reference: binding, found, leavesReplicas: false }]) }],
    ['no gzip', { snapshot: 'bm90IGd6aXA=' }],
    ['nothing', { snapshot: '' }],
  ])('names the Secret that goes with it: %s is refused by name', async (_, data) => {
    const { storeOf, edit } = await stopped();
    edit('Secret', data);
    const next = storeOf();
    await next.load(signal);
    await expect(next.loadSnapshot(signal)).rejects.toMatchObject({
      code: 'unsupported',
      about: 'Secret shop/sluice-inventory-checkout',
      next: expect.stringContaining('"mode: discard-record"'),
    });
  });

  it('knows the Secret of a run that died before it could name it', async () => {
    const { storeOf } = await stopped();
    const second = storeOf();
    await second.load(signal);
    await second.saveSnapshot({ ...snapshot, entries: [] }, signal);
    const third = storeOf();
    await third.load(signal);
    expect((await third.loadSnapshot(signal))?.entries).toEqual([]);
  });

  it.each([
    ['no JSON', '{'],
    ['another form', '{"schema":1}'],
    ['too deep', `${'['.repeat(200_000)}`],
  ])('that can’t be read is an error with its name: %s', async (_, inventory) => {
    const { storeOf, edit } = await stopped();
    edit('ConfigMap', { inventory });
    await expect(storeOf().load(signal)).rejects.toMatchObject({
      code: 'unsupported',
      about: 'ConfigMap shop/sluice-inventory-checkout',
    });
  });

  it.each(['{', JSON.stringify(applying)])(
    'is given up whatever it says, with what it named: %s',
    async (inventory) => {
      const { storeOf, edit, stored } = await stopped();
      edit('ConfigMap', { inventory });
      const named = await storeOf().discard({ id: 'next', startedBy: 'bob' }, signal);
      expect(named).toEqual(inventory === '{' ? [] : ['Deployment shop/checkout']);
      expect(stored.has('Secret')).toBe(false);
      expect(await storeOf().load(signal)).toMatchObject({ phase: 'ended', objects: [] });
    },
  );
});

describe('an object', () => {
  const labelled = (labels: Record<string, string>) =>
    kubernetesObject.parse({ ...found, metadata: { name: 'checkout', labels } });
  const name = { 'sluice.dev/inventory': 'checkout' };
  const place = { name: 'checkout', namespace: 'staging' };

  it.each([
    ['staging', name, true],
    ['prod', name, false],
    ['', name, false],
    ['prod', { ...name, 'sluice.dev/inventory-namespace': 'staging' }, true],
    ['', { ...name, 'sluice.dev/inventory-namespace': 'prod' }, false],
    ['staging', {}, false],
  ])('in namespace "%s" with labels %j is of the inventory in staging: %s', (namespace, labels, isOurs) => {
    expect(isOfInventory(place, { namespace }, labelled(labels))).toBe(isOurs);
  });
});
