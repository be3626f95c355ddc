import { describe, expect, it } from 'vitest';
import { createInventoryStore, INVENTORY_LABEL, type SnapshotEntry } from '../../../src/apply/inventory.ts';
import { type UndoOptions, undoChanges } from '../../../src/apply/undo.ts';
import { resources } from '../../../src/cluster/resources.ts';
import { kubernetesObject } from '../../../src/cluster/schema.ts';

const signal = new AbortController().signal;
const job = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' };

function object(kind: string, name: string, more: object = {}, metadata: object = {}) {
  const apiVersion = kind === 'Deployment' ? 'apps/v1' : kind === 'Job' ? 'batch/v1' : 'v1';
  return kubernetesObject.parse({
    apiVersion,
    kind,
    metadata: { name, namespace: 'shop', uid: name, resourceVersion: '1', ...metadata },
    ...more,
  });
}
type Stored = ReturnType<typeof object>;

/** Objects by their names, and what was written to them. */
function cluster(...objects: readonly Stored[]) {
  const stored = new Map(objects.map((stored) => [stored.metadata.name, stored]));
  const writes: string[] = [];
  const put = (verb: string, manifest: unknown) => {
    const written = kubernetesObject.parse(manifest);
    writes.push(`${verb} ${written.metadata.name}`);
    stored.set(written.metadata.name, written);
    return written;
  };
  const client: UndoOptions['client'] = {
    find: async ({ name }) => stored.get(name),
    create: async (_, manifest) => put('create', manifest),
    replace: async (_, manifest) => put('replace', manifest),
    patchJson: async ({ name }, operations) => {
      const found = stored.get(name);
      if (!found) throw new Error(`there is no ${name}`);
      for (const operation of operations) {
        if (operation.path === '/metadata/managedFields' && 'value' in operation) {
          stored.set(
            name,
            kubernetesObject.parse({ ...found, metadata: { ...found.metadata, managedFields: operation.value } }),
          );
        }
      }
      return found;
    },
    remove: async ({ name }) => {
      writes.push(`remove ${name}`);
      stored.delete(name);
    },
  };
  return { client, stored, writes };
}

function undo({ client }: ReturnType<typeof cluster>, entries: readonly SnapshotEntry[]) {
  const snapshot = { former: { digest: '', objects: [] }, entries: [...entries] };
  return undoChanges({ client, snapshot, name: 'shop', namespace: 'shop', restored: () => undefined }, signal);
}

/** Keeps the one Secret that is written. */
function secretStore(): Parameters<typeof createInventoryStore>[0] {
  let kept: Stored | undefined;
  return {
    find: async () => kept,
    apply: async (_, manifest) => {
      kept = kubernetesObject.parse(manifest);
      return kept;
    },
    remove: async () => undefined,
  };
}

const entry = (type: SnapshotEntry['reference']['type'], name: string, found?: Stored, leavesReplicas = false) => ({
  reference: { type, namespace: 'shop', name },
  ...(found && { found }),
  leavesReplicas,
});

describe('an undo', () => {
  const owners = [{ manager: 'sluice', operation: 'Apply', fieldsV1: { 'f:data': {} } }];

  it('gives back content and the owners of fields', async () => {
    const found = object('ConfigMap', 'a', { data: { x: '1' } }, { managedFields: owners });
    const world = cluster(object('ConfigMap', 'a', { data: { x: '2', y: '3' } }, { resourceVersion: '2' }));
    await undo(world, [entry(resources.configMap, 'a', found)]);
    expect(world.stored.get('a')).toMatchObject({ data: { x: '1' }, metadata: { managedFields: owners } });
    expect(world.stored.get('a')?.data).toEqual({ x: '1' });
  });

  it('gives back whole numbers of 64 bits as they were, also from the Secret that keeps them', async () => {
    const widget = { apiVersion: 'field.example/v1', kind: 'Widget', plural: 'widgets' };
    const found = kubernetesObject.parse({ ...object('Widget', 'w'), spec: { size: 9007199254740993n } });
    const kept = createInventoryStore(secretStore(), 'shop', 'shop');
    await kept.saveSnapshot({ former: { digest: '', objects: [] }, entries: [entry(widget, 'w', found)] }, signal);
    const world = cluster(object('Widget', 'w', { spec: { size: 1 } }, { resourceVersion: '2' }));
    await undo(world, (await kept.loadSnapshot(signal))?.entries ?? []);
    expect(world.stored.get('w')?.spec).toEqual({ size: 9007199254740993n });
  });

  it('leaves alone what nobody has written since', async () => {
    const found = object('ConfigMap', 'a', { data: { x: '1' } });
    const world = cluster(found);
    await undo(world, [entry(resources.configMap, 'a', found)]);
    expect(world.writes).toEqual([]);
  });

  it('leaves the replicas that an autoscaler has set since, and only those', async () => {
    const found = object('Deployment', 'web', { spec: { replicas: 2, paused: false } });
    const live = object('Deployment', 'web', { spec: { replicas: 7, paused: true } }, { resourceVersion: '2' });
    for (const leaves of [true, false]) {
      const world = cluster(live);
      await undo(world, [entry(resources.deployment, 'web', found, leaves)]);
      expect(world.stored.get('web')?.spec).toEqual({ replicas: leaves ? 7 : 2, paused: false });
    }
  });

  it('deletes what was created while it is still of this inventory', async () => {
    const own = object('ConfigMap', 'own', {}, { labels: { [INVENTORY_LABEL]: 'shop' } });
    const foreign = object('ConfigMap', 'foreign', {}, { labels: { [INVENTORY_LABEL]: 'other' } });
    const world = cluster(own, foreign);
    await undo(world, [entry(resources.configMap, 'own'), entry(resources.configMap, 'foreign')]);
    expect(world.writes).toEqual(['remove own']);
  });

  it('creates again what somebody has deleted, but runs no Job twice', async () => {
    const world = cluster();
    await undo(world, [
      entry(resources.configMap, 'a', object('ConfigMap', 'a', { data: { x: '1' } })),
      entry(job, 'once', object('Job', 'once')),
    ]);
    expect(world.writes).toEqual(['create a']);
    expect(world.stored.get('a')?.metadata.uid).toBeUndefined();
  });

  it('says what was ready before, and is to become so again', async () => {
    const status = { replicas: 1, updatedReplicas: 1, availableReplicas: 1, observedGeneration: 1 };
    const ready = object('Deployment', 'ready', { spec: { replicas: 1 }, status }, { generation: 1 });
    const broken = object('Deployment', 'broken', { spec: { replicas: 1 }, status: { observedGeneration: 1 } });
    const world = cluster(ready, broken);
    const waited = await undo(world, [
      entry(resources.deployment, 'ready', ready),
      entry(resources.deployment, 'broken', broken),
    ]);
    expect(waited.map(({ name }) => name)).toEqual(['ready']);
  });
});

it('leaves the rules of an aggregated ClusterRole to its controller, which has written them since', async () => {
  const rule = (resource: string) => ({ rules: [{ apiGroups: [''], resources: [resource], verbs: ['get'] }] });
  const aggregationRule = { clusterRoleSelectors: [] };
  const role = {
    type: { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', plural: 'clusterroles' },
    namespace: '',
    name: 'admin',
  };
  const found = object('ClusterRole', 'admin', { aggregationRule, ...rule('pods') }, { labels: { team: 'a' } });
  const world = cluster(
    object(
      'ClusterRole',
      'admin',
      { aggregationRule, ...rule('services') },
      { labels: { team: 'b' }, resourceVersion: '2' },
    ),
  );
  await undo(world, [{ reference: role, found, leavesReplicas: false }]);
  expect(world.stored.get('admin')).toMatchObject({ metadata: { labels: { team: 'a' } }, ...rule('services') });
});
