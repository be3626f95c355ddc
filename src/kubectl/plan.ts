import { comparable, type ObjectChange, planChanges } from '../apply/changes.ts';
import type { PlannedObject } from '../apply/events.ts';
import { INVENTORY_LABEL, type Inventory, isOfInventory } from '../apply/inventory.ts';
import type { DeployObject } from '../apply/objects.ts';
import { includes, union, without } from '../apply/references.ts';
import { servedNow } from '../apply/served-kinds.ts';
import { checkPermissions, permissionTo } from '../cluster/permissions.ts';
import { describe, type ObjectReference } from '../cluster/resources.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import { SluiceError } from '../core/errors.ts';
import { inParallel } from '../core/parallel.ts';
import { namespaceObject } from './namespace.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

/** Kinds whose data can't be restored: they are pruned only if the user names them. */
export const preciousKinds = [
  'Namespace',
  'PersistentVolumeClaim',
  'PersistentVolume',
  'CustomResourceDefinition',
] as const;
const precious = new Set<string>(preciousKinds);

/** What is deployed, and where. */
export interface Intended {
  readonly objects: readonly DeployObject[];
  /** The digest of the manifests. */
  readonly digest: string;
  /** False in a dry run for a namespace that does not exist yet. */
  readonly hasNamespace: boolean;
}

export interface Work extends Intended {
  readonly startedAt: number;
  /** The inventory of the previous run. */
  readonly left: Inventory | undefined;
  readonly changes: readonly ObjectChange[];
  /** Objects of the precious kinds that this inventory has created: no others are ever pruned. */
  readonly created: readonly ObjectReference[];
  /** Objects of the inventory that are no longer in the manifests and will be deleted, as they are now. */
  readonly prunable: readonly PresentObject[];
  /** Objects of the inventory that are no longer in the manifests and are kept. */
  readonly kept: readonly ObjectReference[];
  /** Objects of the inventory whose kinds the cluster no longer serves. */
  readonly unserved: readonly ObjectReference[];
  readonly isNeeded: boolean;
  /** The objects as written; absent before that. */
  readonly written?: readonly KubernetesObject[];
}

interface PresentObject {
  readonly reference: ObjectReference;
  readonly found: KubernetesObject;
}

/** The plan, from the answers of the API server and the inventory. Writes nothing. */
export async function plan(
  { client, clock }: DeployWorld,
  options: DeployOptions,
  { left, ...intended }: Intended & Pick<Work, 'left'>,
  signal: AbortSignal,
): Promise<Work> {
  const { objects, hasNamespace } = intended;
  const alongside = hasNamespace ? [] : [namespaceObject(options.namespace)];
  const changes = await planChanges(client, objects, { force: options.force, alongside }, signal);
  const created = createdBy(left, changes, options.name);
  const present = objects.map(({ reference }) => reference);
  const { served, gone } = await servedNow(client, without(left?.objects ?? [], present), signal);
  const own = await inParallel(without(served, present), async (reference) => {
    const found = await client.find(reference, signal);
    return found && isOfInventory(options, reference, found) ? [{ reference, found }] : [];
  });
  const stays = ({ reference }: PresentObject) => {
    const { kind } = reference.type;
    if (!options.prune) return true;
    return precious.has(kind) && !(options.pruneKinds.includes(kind) && includes(created, reference));
  };
  const prunable = own.flat().filter((object) => !stays(object));
  const kept = own.flat().flatMap((object) => (stays(object) ? [object.reference] : []));
  const isNeeded = isUnfinished(left) || prunable.length > 0 || changes.some(({ needed }) => needed);
  const startedAt = clock.now();
  return { ...intended, startedAt, left, changes, created, prunable, kept, unserved: gone, isNeeded };
}

/** @throws SluiceError `conflict` for objects of other inventories, `forbidden` if an object to prune may not be deleted */
export async function refuse(
  { client }: DeployWorld,
  { name }: DeployOptions,
  { changes, prunable }: Work,
  signal: AbortSignal,
): Promise<void> {
  refuseForeign(changes, name);
  const deletions = prunable.map(({ reference: { type, namespace } }) => permissionTo(['delete'], type, namespace));
  await checkPermissions(client, deletions, signal);
}

export function tellPlan({ clock, emit }: DeployWorld, { changes, prunable, kept, unserved }: Work): void {
  if (unserved.length > 0) emit({ type: 'unserved', at: clock.now(), objects: unserved.map(describe) });
  emit({
    type: 'planned',
    at: clock.now(),
    objects: [
      ...changes.map(
        ({ object, action, write, unchecked }): PlannedObject => ({
          object: describe(object.reference),
          action,
          write,
          ...(unchecked !== undefined && { unchecked }),
        }),
      ),
      ...prunable.map(({ reference, found }): PlannedObject => {
        const object = describe(reference);
        return {
          object,
          action: 'prune',
          write: { object, action: 'delete', before: comparable(found), after: undefined },
        };
      }),
      ...kept.map((reference): PlannedObject => ({ object: describe(reference), action: 'keep', write: undefined })),
    ],
  });
}

/**
 * Objects of the precious kinds that this inventory has created, or creates now. An object that already existed, and only got
 * the label, holds data of others. An inventory from an earlier version has no such list: then none counts as created.
 */
function createdBy(
  left: Inventory | undefined,
  changes: readonly ObjectChange[],
  name: string,
): readonly ObjectReference[] {
  const adopted = changes.filter(({ found }) => found && found.metadata.labels?.[INVENTORY_LABEL] !== name);
  const made = changes.filter(({ object, found }) => !found && precious.has(object.reference.type.kind));
  const before = without(
    left?.created ?? [],
    adopted.map(({ object }) => object.reference),
  );
  return union(
    before,
    made.map(({ object }) => object.reference),
  );
}

/** Two inventories with the same object would prune it from each other. */
function refuseForeign(changes: readonly ObjectChange[], name: string): void {
  const foreign = changes.flatMap(({ object, found }) => {
    const owner = found?.metadata.labels?.[INVENTORY_LABEL];
    return owner === undefined || owner === name ? [] : [`${describe(object.reference)} (of "${owner}")`];
  });
  if (foreign.length === 0) return;
  throw new SluiceError('conflict', {
    about: 'manifests',
    problem: `hold what was deployed under another name: ${foreign.join(', ')}.`,
    next: `Deploy it under that "name", or take the label ${INVENTORY_LABEL} off it first. Nothing was changed.`,
  });
}

export function isUnfinished(left: Inventory | undefined): left is Inventory {
  return left !== undefined && left.phase !== 'ended';
}
