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

/** What is lost with these can't be made again: they are pruned only where they are named. */
export const preciousKinds = [
  'Namespace',
  'PersistentVolumeClaim',
  'PersistentVolume',
  'CustomResourceDefinition',
] as const;
const precious = new Set<string>(preciousKinds);

/** What is deployed, and where it is to go. */
export interface Intended {
  readonly objects: readonly DeployObject[];
  /** Of the manifests. */
  readonly digest: string;
  /** False where a dry run is for a namespace that does not exist yet. */
  readonly hasNamespace: boolean;
}

export interface Work extends Intended {
  readonly startedAt: number;
  /** The inventory of the run before. */
  readonly left: Inventory | undefined;
  readonly changes: readonly ObjectChange[];
  /** Of the precious kinds, what this inventory has made: only that is ever pruned of them. */
  readonly created: readonly ObjectReference[];
  /** Of the inventory, no longer in the manifests, and to go, as it is now. */
  readonly prunable: readonly PresentObject[];
  /** Of the inventory, no longer in the manifests, and to stay. */
  readonly kept: readonly ObjectReference[];
  /** Of the inventory, of kinds that the cluster does not serve any more. */
  readonly unserved: readonly ObjectReference[];
  readonly isNeeded: boolean;
  /** The objects as they were written; absent before that. */
  readonly written?: readonly KubernetesObject[];
}

interface PresentObject {
  readonly reference: ObjectReference;
  readonly found: KubernetesObject;
}

/** What is to be done, as the API server and the inventory say. Writes nothing. */
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

/** @throws SluiceError `conflict` for objects of other inventories, `forbidden` where what is to go can't be deleted */
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
 * Of the precious kinds, what this inventory has made, or makes now. What was there before it, and only got its label, holds what
 * others have put there; an inventory of an earlier version says nothing, and then nothing counts as made by it.
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

/** Two inventories that both hold an object would prune it from each other. */
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
