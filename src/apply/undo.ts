import type { KubernetesClient } from '../cluster/client.ts';
import { retryOnConflict } from '../cluster/conflicts.ts';
import type { ObjectReference } from '../cluster/resources.ts';
import type { KubernetesObject, PatchOperation } from '../cluster/schema.ts';
import { isRecord } from '../core/json.ts';
import { isOfInventory, type Snapshot, type SnapshotEntry } from './inventory.ts';
import { identityOf, isAggregated } from './objects.ts';
import { inApplyOrder, inDeleteOrder } from './order.ts';
import { progressOf } from './progress.ts';

export interface UndoOptions {
  readonly client: Pick<KubernetesClient, 'find' | 'create' | 'replace' | 'patchJson' | 'remove'>;
  readonly snapshot: Snapshot;
  /** Name of the inventory: a created object is deleted only while it carries this label. */
  readonly name: string;
  /** The namespace of the inventory, which is never deleted. */
  readonly namespace: string;
  readonly restored: (reference: ObjectReference, how: 'restored' | 'deleted' | 'created again') => void;
}

/**
 * Restores every object as it was before, and deletes those that did not exist. Can be repeated.
 *
 * @returns the objects that were ready before, and must become ready again
 */
export async function undoChanges(options: UndoOptions, signal: AbortSignal): Promise<ObjectReference[]> {
  const { snapshot } = options;
  const existed = snapshot.entries.flatMap(({ found, ...entry }) => (found ? [{ ...entry, found }] : []));
  for (const entry of inApplyOrder(existed)) await restore(options, entry, signal);
  for (const { reference } of inDeleteOrder(snapshot.entries.filter(({ found }) => !found))) {
    await deleteCreated(options, reference, signal);
  }
  return existed.filter(({ found }) => wasReady(found)).map(({ reference }) => reference);
}

/** Judges the object of the snapshot by the status and generation that it had then. */
function wasReady(found: KubernetesObject): boolean {
  return progressOf(found).state === 'done';
}

async function deleteCreated(
  { client, name, namespace, restored }: UndoOptions,
  reference: ObjectReference,
  signal: AbortSignal,
): Promise<void> {
  if (identityOf(reference) === `/Namespace//${namespace}`) return;
  const found = await client.find(reference, signal);
  if (!found || !isOfInventory({ name, namespace }, reference, found)) return;
  if (found.metadata.deletionTimestamp !== undefined) return;
  await client.remove(reference, signal, found.metadata.uid);
  restored(reference, 'deleted');
}

const REVISION = 'deployment.kubernetes.io/revision';

/**
 * Writes the whole object as it was, then the former owners of its fields: otherwise the next apply would treat this write
 * as that of another manager. Keeps what the cluster has changed since: the revision, and replicas that an autoscaler
 * sets.
 */
async function restore(
  { client, restored }: UndoOptions,
  entry: SnapshotEntry & { readonly found: KubernetesObject },
  signal: AbortSignal,
): Promise<void> {
  const { reference, found } = entry;
  const how = await retryOnConflict(async () => {
    const live = await client.find(reference, signal);
    if (live && isAsFound(live, found)) return undefined;
    // Creating the Job again would run it once more.
    if (!live && reference.type.kind === 'Job') return undefined;
    const wanted = asManifest(found, live, entry.leavesReplicas);
    const written = live
      ? await client.replace(reference.type, wanted, signal)
      : await client.create(reference.type, wanted, signal);
    await client.patchJson(reference, ownersAsFound(found, written), signal);
    return live ? ('restored' as const) : ('created again' as const);
  });
  if (how) restored(reference, how);
}

/** Whether nobody has written the object since the snapshot. */
function isAsFound(live: KubernetesObject, { metadata }: KubernetesObject): boolean {
  return live.metadata.uid === metadata.uid && live.metadata.resourceVersion === metadata.resourceVersion;
}

function asManifest(found: KubernetesObject, live: KubernetesObject | undefined, leavesReplicas: boolean) {
  const { status: _, ...content } = found;
  const {
    uid: _uid,
    creationTimestamp: _at,
    generation: _generation,
    managedFields: _owners,
    ...metadata
  } = found.metadata;
  const { resourceVersion: _version, ...described } = metadata;
  const revision = live?.metadata.annotations?.[REVISION];
  const annotations = revision === undefined ? metadata.annotations : { ...metadata.annotations, [REVISION]: revision };
  return {
    ...content,
    ...(leavesReplicas && live && withReplicasOf(live, content)),
    // The controller may have written these rules since.
    ...(isAggregated(content) && live && { rules: live.rules }),
    metadata: {
      ...described,
      ...(annotations && { annotations }),
      ...(live?.metadata.resourceVersion !== undefined && { resourceVersion: live.metadata.resourceVersion }),
    },
  };
}

function withReplicasOf(live: KubernetesObject, content: { readonly [field: string]: unknown }): object {
  const { spec: own } = content;
  const { spec: present } = live;
  if (!isRecord(own) || !isRecord(present) || present.replicas === undefined) return {};
  return { spec: { ...own, replicas: present.replicas } };
}

function ownersAsFound(
  { metadata: { managedFields = [] } }: KubernetesObject,
  written: KubernetesObject,
): PatchOperation[] {
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: written.metadata.resourceVersion },
    { op: 'replace', path: '/metadata/managedFields', value: managedFields },
  ];
}
