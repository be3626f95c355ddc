import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { permissionsToNamed } from '../cluster/permissions.ts';
import { readObject } from '../cluster/read-object.ts';
import { describe, type ObjectReference, resources } from '../cluster/resources.ts';
import { type KubernetesObject, kubernetesObject } from '../cluster/schema.ts';
import { SluiceError } from '../core/errors.ts';
import { stringifyJson, tryParseJson, tryShape } from '../core/json.ts';
import type { Permission } from '../core/permission.ts';
import { excerpt } from '../core/text.ts';
import { createSeal, type Seal } from '../ledger/seal.ts';

/** The label of every deployed object: the name of its inventory. Objects without the label are never pruned. */
export const INVENTORY_LABEL = 'sluice.dev/inventory';

/**
 * The label of an object outside of the inventory's namespace: that namespace, since an inventory's name is unique only
 * there.
 */
const NAMESPACE_LABEL = 'sluice.dev/inventory-namespace';

/** Namespace and name of an inventory. */
export interface InventoryPlace {
  readonly name: string;
  readonly namespace: string;
}

/** The labels that tie an object to its inventory. */
export function inventoryLabels(
  { name, namespace }: InventoryPlace,
  { namespace: own }: Pick<ObjectReference, 'namespace'>,
): Record<string, string> {
  return { [INVENTORY_LABEL]: name, ...(own !== namespace && { [NAMESPACE_LABEL]: namespace }) };
}

/** Whether the labels on an object name this inventory. */
export function isOfInventory(
  place: InventoryPlace,
  reference: Pick<ObjectReference, 'namespace'>,
  found: KubernetesObject,
): boolean {
  const { labels } = found.metadata;
  return Object.entries(inventoryLabels(place, reference)).every(([label, value]) => labels?.[label] === value);
}

const reference = z.object({
  type: z.object({ apiVersion: z.string(), kind: z.string(), plural: z.string() }),
  namespace: z.string(),
  name: z.string(),
});

export const deployVerdicts = ['deployed', 'unchanged', 'undone', 'failed'] as const;
export type DeployVerdict = (typeof deployVerdicts)[number];

const inventory = z.object({
  schema: z.literal(1),
  /** The id of the run that wrote the inventory last. */
  id: z.string(),
  startedBy: z.string(),
  startedAt: z.number().min(0).max(8.64e15),
  /** Written before the writes of that phase. */
  phase: z.enum(['applying', 'pruning', 'undoing', 'ended']),
  /** Digest of the manifests. */
  digest: z.string(),
  /** While a deployment is under way: all objects that it may have touched, and all that were there before. */
  objects: z.array(reference),
  /** Objects that the deployment itself created, of kinds pruned only where named. Absent in inventories of earlier versions. */
  created: z.array(reference).optional(),
  /** While the run prunes: the objects to delete. */
  prune: z.array(reference).optional(),
  verdict: z.enum(deployVerdicts).optional(),
  reason: z.string().optional(),
  /** Digests of the snapshot Secret: the one in the cluster, and one that is about to replace it. */
  snapshots: z.array(z.string()).optional(),
});

/** What was deployed, or is being deployed, under a name: enough for another process to finish or undo it. */
export type Inventory = Readonly<z.infer<typeof inventory>>;

const snapshotEntry = z.object({
  reference,
  /** The object before the deployment; absent where it did not exist. */
  found: kubernetesObject.optional(),
  /** The manifests do not set the number of replicas. */
  leavesReplicas: z.boolean(),
});
export type SnapshotEntry = Readonly<z.infer<typeof snapshotEntry>>;

const snapshot = z.object({
  /** The inventory before the deployment. */
  former: z.object({ digest: z.string(), objects: z.array(reference) }),
  entries: z.array(snapshotEntry),
});

/** All that an undo needs. */
export type Snapshot = Readonly<z.infer<typeof snapshot>>;

/** Bytes of a compressed snapshot in a Secret: base64 adds a third, and etcd takes 1.5 MiB an object. */
const LIMIT = 760_000;

/** Bytes of an unpacked snapshot: compressed data may unpack to a thousand times its size. */
const MOST_UNPACKED = 64 * 1024 * 1024;
/** Characters of an object's name in the result of `discard`. */
const MOST_TOLD = 200;

const stored = z.looseObject({ data: z.record(z.string(), z.string()).default({}) });

const compress = promisify(gzip);
const decompress = promisify(gunzip);

export type InventoryStore = ReturnType<typeof createInventoryStore>;

/**
 * The memory of a deployment in the cluster: a ConfigMap with the inventory, and while a deployment is under way a Secret
 * with the objects as they were, which may be Secrets themselves. The inventory is sealed and names the digest of the
 * Secret, so that another writer of these two objects cannot decide what Sluice writes or deletes.
 *
 * @param name 1 to 45 characters
 */
export function createInventoryStore(
  client: Pick<KubernetesClient, 'find' | 'apply' | 'remove'>,
  namespace: string,
  name: string,
  seal: Seal = createSeal(),
) {
  const own = `sluice-inventory-${name}`;
  const configMap: ObjectReference = { type: resources.configMap, namespace, name: own };
  const secret: ObjectReference = { type: resources.secret, namespace, name: own };
  const lease: ObjectReference = { type: resources.lease, namespace, name: own };
  const permissions: Permission[] = [
    ...permissionsToNamed(['get', 'create', 'update'], lease),
    ...permissionsToNamed(['get', 'create', 'patch'], configMap),
    ...permissionsToNamed(['get', 'create', 'patch', 'delete'], secret),
  ];
  const sealed = (text: string) => `${namespace}/${name}\n${text}`;
  /** Digests of the Secret, from a confirmed inventory. */
  let digests: readonly string[] = [];
  let confirmed: Inventory | undefined;

  /** An unconfirmed inventory is loaded without `created`, `prune` and the digests, so that it deletes and restores nothing. */
  async function load(signal: AbortSignal): Promise<Inventory | undefined> {
    const found = await client.find(configMap, signal);
    if (!found) return undefined;
    const { inventory: text = '', seal: given } = readObject(found, stored).data;
    const { snapshots: named = [], ...loaded } = readable(inventory, text, configMap);
    const isOurs = seal.verify(sealed(text), given);
    confirmed = isOurs ? loaded : undefined;
    digests = isOurs ? named : [];
    if (isOurs) return loaded;
    const { created: _created, prune: _prune, ...rest } = loaded;
    return rest;
  }

  async function save(next: Inventory, signal: AbortSignal): Promise<void> {
    const text = JSON.stringify({ ...next, ...(digests.length > 0 && { snapshots: digests }) });
    await write(configMap, { data: { inventory: text, seal: seal.sign(sealed(text)) } }, signal);
    confirmed = next;
  }

  /**
   * The objects as they were; undefined where there are none.
   *
   * @throws SluiceError `unsupported` for a Secret whose digest the inventory does not name, or that unpacks to too much
   */
  async function loadSnapshot(signal: AbortSignal): Promise<Snapshot | undefined> {
    const found = await client.find(secret, signal);
    if (!found) return undefined;
    const packed = Buffer.from(readObject(found, stored).data.snapshot ?? '', 'base64');
    if (!digests.includes(digestOf(packed)))
      throw notConfirmed(secret, 'holds other objects than the run has kept in it');
    return readable(snapshot, await unpack(packed, secret), secret);
  }

  /** @throws SluiceError `unsupported` for a snapshot that is too large for a Secret */
  async function saveSnapshot(next: Snapshot, signal: AbortSignal): Promise<void> {
    const text = stringifyJson(next);
    const packed = await compress(text);
    const unpacked = Buffer.byteLength(text);
    if (packed.byteLength > LIMIT || unpacked > MOST_UNPACKED) throw tooLarge(secret, packed.byteLength, unpacked);
    const digest = digestOf(packed);
    if (confirmed && digests.length > 0) {
      // Names both digests, so that a run that dies between the two writes leaves a Secret that is confirmed.
      digests = [...digests, digest];
      await save(confirmed, signal);
    }
    await write(secret, { data: { snapshot: packed.toString('base64') } }, signal);
    digests = [digest];
  }

  async function removeSnapshot(signal: AbortSignal): Promise<void> {
    await client.remove(secret, signal);
    digests = [];
  }

  /**
   * Removes the Secret and empties the inventory, and writes nothing else.
   *
   * @returns the objects that the inventory named, as far as it can be read
   */
  async function discard(
    { id, startedBy }: Pick<Inventory, 'id' | 'startedBy'>,
    signal: AbortSignal,
  ): Promise<string[]> {
    const found = await client.find(configMap, signal);
    const { data } = tryShape(stored, found) ?? { data: {} };
    const named =
      tryShape(z.object({ objects: z.array(reference) }), tryParseJson(data.inventory ?? ''))?.objects ?? [];
    await removeSnapshot(signal);
    const none: Inventory = { schema: 1, id, startedBy, startedAt: 0, phase: 'ended', digest: '', objects: [] };
    if (found) await save(none, signal);
    return named.map((object) => excerpt(describe(object), MOST_TOLD));
  }

  async function write(target: ObjectReference, content: object, signal: AbortSignal): Promise<void> {
    const { apiVersion, kind } = target.type;
    const labels = { 'app.kubernetes.io/managed-by': 'sluice' };
    const manifest = { apiVersion, kind, metadata: { name: own, namespace, labels }, ...content };
    await client.apply(target.type, manifest, signal, { force: true });
  }

  return {
    object: describe(configMap),
    lease,
    permissions,
    load,
    save,
    loadSnapshot,
    saveSnapshot,
    removeSnapshot,
    discard,
    /** Whether a run with these credentials wrote the inventory that was loaded last. */
    isConfirmed: () => confirmed !== undefined,
    /** @throws SluiceError `unsupported` for an inventory that is not confirmed */
    requireConfirmed(): void {
      if (!confirmed) throw notConfirmed(configMap, 'was not written by a run with these credentials');
    },
  };
}

function digestOf(packed: Buffer): string {
  return createHash('sha256').update(packed).digest('hex');
}

function tooLarge(secret: ObjectReference, packed: number, unpacked: number): SluiceError {
  return new SluiceError('unsupported', {
    about: describe(secret),
    problem: `can't hold the objects as they are now: they take ${packed} bytes compressed (${LIMIT} is the most) and ${unpacked} as they are (${MOST_UNPACKED} is the most).`,
    next: 'Deploy in several parts with a "name" each, or without "undo-on-failure". Nothing was changed.',
  });
}

/** Empty for what is not packed at all. */
async function unpack(packed: Buffer, secret: ObjectReference): Promise<string> {
  try {
    return (await decompress(packed, { maxOutputLength: MOST_UNPACKED })).toString();
  } catch (error) {
    if (error instanceof RangeError) throw unpacksTooFar(secret, error);
    return '';
  }
}

function unpacksTooFar(secret: ObjectReference, cause: RangeError): SluiceError {
  return new SluiceError('unsupported', {
    about: describe(secret),
    problem: `unpacks to more than ${MOST_UNPACKED / 1024 / 1024} MiB, which is not read.`,
    next: 'Give it up with "mode: discard-record": then nothing that was deployed before is given back or pruned.',
    cause,
  });
}

function notConfirmed(where: ObjectReference, problem: string): SluiceError {
  return new SluiceError('unsupported', {
    about: describe(where),
    problem: `${problem}. Nothing of it is acted upon: what was applied stays as it is.`,
    next: 'Find out who else writes it. Run the workflow again to deploy, or give up what it says with "mode: discard-record".',
  });
}

function readable<S extends z.ZodType>(shape: S, text: string, where: ObjectReference): z.infer<S> {
  const read = tryShape(shape, tryParseJson(text));
  if (read !== undefined) return read;
  throw new SluiceError('unsupported', {
    about: describe(where),
    problem: 'holds something that this version of Sluice does not read.',
    next: 'Run the version that wrote it, or give it up with "mode: discard-record": then nothing that was deployed before is pruned.',
  });
}
