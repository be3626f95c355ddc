import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { permissionTo } from '../cluster/permissions.ts';
import { describe, type ObjectReference, resources } from '../cluster/resources.ts';
import { kubernetesObject } from '../cluster/schema.ts';
import { SluiceError } from '../core/errors.ts';
import { parseJson, stringifyJson } from '../core/json.ts';
import type { Permission } from '../core/permission.ts';

/** The label of every object that is deployed, with the name of its inventory: only what carries it is ever pruned. */
export const INVENTORY_LABEL = 'sluice.dev/inventory';

const reference = z.object({
  type: z.object({ apiVersion: z.string(), kind: z.string(), plural: z.string() }),
  namespace: z.string(),
  name: z.string(),
});

export const deployVerdicts = ['deployed', 'unchanged', 'undone', 'failed'] as const;
export type DeployVerdict = (typeof deployVerdicts)[number];

const inventory = z.object({
  schema: z.literal(1),
  /** Of the run that wrote it last. */
  id: z.string(),
  startedBy: z.string(),
  startedAt: z.number(),
  /** Written before the acts that belong to it. */
  phase: z.enum(['applying', 'pruning', 'undoing', 'ended']),
  /** Of the manifests. */
  digest: z.string(),
  /** While a deployment is under way: all that it may have touched, and all that was there before. */
  objects: z.array(reference),
  /** Of the kinds that are pruned only where they are named, what it has made itself. Absent in inventories of earlier versions. */
  created: z.array(reference).optional(),
  /** While it prunes: what is to go. */
  prune: z.array(reference).optional(),
  verdict: z.enum(deployVerdicts).optional(),
  reason: z.string().optional(),
});

/** What was deployed, or is being deployed, under a name: enough for another process to finish or to undo it. */
export type Inventory = Readonly<z.infer<typeof inventory>>;

const snapshotEntry = z.object({
  reference,
  /** As it was before; absent where it did not exist. */
  found: kubernetesObject.optional(),
  /** The manifests leave the number of replicas to somebody else. */
  leavesReplicas: z.boolean(),
});
export type SnapshotEntry = Readonly<z.infer<typeof snapshotEntry>>;

const snapshot = z.object({
  /** The inventory before. */
  former: z.object({ digest: z.string(), objects: z.array(reference) }),
  entries: z.array(snapshotEntry),
});

/** All that is needed to go back to how it was. */
export type Snapshot = Readonly<z.infer<typeof snapshot>>;

/** Bytes of compressed snapshot in a Secret: base64 makes a third more of it, and etcd takes 1.5 MiB an object. */
const LIMIT = 760_000;

/** Bytes of a snapshot: what is compressed may stand for a thousand times as much. */
const MOST_UNPACKED = 64 * 1024 * 1024;

const stored = z.looseObject({ data: z.record(z.string(), z.string()).default({}) });

const compress = promisify(gzip);
const decompress = promisify(gunzip);

export type InventoryStore = ReturnType<typeof createInventoryStore>;

/**
 * The memory of a deployment in the cluster: a ConfigMap with the inventory, and while a deployment is under way a Secret
 * with the objects as they were, which may be Secrets themselves.
 *
 * @param name 1 to 45 characters
 */
export function createInventoryStore(
  client: Pick<KubernetesClient, 'find' | 'apply' | 'remove'>,
  namespace: string,
  name: string,
) {
  const own = `sluice-inventory-${name}`;
  const configMap: ObjectReference = { type: resources.configMap, namespace, name: own };
  const secret: ObjectReference = { type: resources.secret, namespace, name: own };
  const lease: ObjectReference = { type: resources.lease, namespace, name: own };
  const permissions: Permission[] = [
    permissionTo(['get', 'create', 'update'], resources.lease, namespace),
    permissionTo(['get', 'create', 'patch'], resources.configMap, namespace),
    permissionTo(['get', 'create', 'patch', 'delete'], resources.secret, namespace),
  ];

  async function load(signal: AbortSignal): Promise<Inventory | undefined> {
    const found = await client.find(configMap, signal);
    if (!found) return undefined;
    return readable(inventory, stored.parse(found).data.inventory ?? '', configMap);
  }

  async function save(next: Inventory, signal: AbortSignal): Promise<void> {
    await write(configMap, { data: { inventory: JSON.stringify(next) } }, signal);
  }

  async function loadSnapshot(signal: AbortSignal): Promise<Snapshot | undefined> {
    const found = await client.find(secret, signal);
    if (!found) return undefined;
    const packed = Buffer.from(stored.parse(found).data.snapshot ?? '', 'base64');
    return readable(snapshot, (await decompress(packed, { maxOutputLength: MOST_UNPACKED })).toString(), secret);
  }

  /** @throws SluiceError `unsupported` for one that no Secret can hold */
  async function saveSnapshot(next: Snapshot, signal: AbortSignal): Promise<void> {
    const text = stringifyJson(next);
    const packed = await compress(text);
    if (packed.byteLength > LIMIT || Buffer.byteLength(text) > MOST_UNPACKED) {
      throw new SluiceError('unsupported', {
        about: describe(secret),
        problem: `can't hold the objects as they are now: they take ${packed.byteLength} bytes compressed (${LIMIT} is the most) and ${Buffer.byteLength(text)} as they are (${MOST_UNPACKED} is the most).`,
        next: 'Deploy in several parts with a "name" each, or without "undo-on-failure". Nothing was changed.',
      });
    }
    await write(secret, { data: { snapshot: packed.toString('base64') } }, signal);
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
    removeSnapshot: (signal: AbortSignal) => client.remove(secret, signal),
  };
}

function readable<S extends z.ZodType>(shape: S, text: string, where: ObjectReference): z.infer<S> {
  try {
    return shape.parse(parseJson(text));
  } catch (cause) {
    throw new SluiceError('unsupported', {
      about: describe(where),
      problem: 'holds something that this version of Sluice does not read.',
      next: 'Run the version that wrote it, or delete the object: then nothing that was deployed before is pruned.',
      cause,
    });
  }
}
