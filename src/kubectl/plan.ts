import { comparable, type ObjectChange, planChanges } from '../apply/changes.ts';
import type { PlannedObject } from '../apply/events.ts';
import { INVENTORY_LABEL, type Inventory, isOfInventory } from '../apply/inventory.ts';
import type { DeployObject } from '../apply/objects.ts';
import { includes, union, without } from '../apply/references.ts';
import { servedNow } from '../apply/served-kinds.ts';
import { checkPermissions, permissionTo } from '../cluster/permissions.ts';
import { describe, type ObjectReference } from '../cluster/resources.ts';
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

export interface Plan {
  readonly left: Inventory | undefined;
  readonly changes: readonly ObjectChange[];
  /** Of the precious kinds, what this inventory has made: only that is ever pruned of them. */
  readonly created: readonly ObjectReference[];
  readonly prunable: readonly ObjectReference[];
  /** Of the inventory, no longer in the manifests, and to stay. */
  readonly kept: readonly ObjectReference[];
}

export interface Work extends Plan {
  readonly objects: readonly DeployObject[];
  readonly digest: string;
  readonly startedAt: number;
}

/** What is to be done, as the API server and the inventory say. Writes nothing. */
export async function plan(
  { client, store, clock, emit }: DeployWorld,
  options: DeployOptions,
  objects: readonly DeployObject[],
  hasNamespace: boolean,
  signal: AbortSignal,
): Promise<Plan> {
  const left = await store.load(signal);
  if (isUnfinished(left)) emit({ type: 'resumed', at: clock.now(), by: left.startedBy, since: left.startedAt });
  if (isUnfinished(left) && !store.isConfirmed()) emit({ type: 'unconfirmed', at: clock.now(), object: store.object });
  const alongside = hasNamespace ? [] : [namespaceObject(options.namespace)];
  const changes = await planChanges(client, objects, { force: options.force, alongside }, signal);
  refuseForeign(changes, options.name);
  const created = createdBy(left, changes, options.name);
  const present = objects.map(({ reference }) => reference);
  const { served, gone } = await servedNow(client, without(left?.objects ?? [], present), signal);
  if (gone.length > 0) emit({ type: 'unserved', at: clock.now(), objects: gone.map(describe) });
  const own = await inParallel(without(served, present), async (reference) => {
    const found = await client.find(reference, signal);
    return found && isOfInventory(options, reference, found) ? [{ reference, found }] : [];
  });
  const stays = (reference: ObjectReference) => {
    const { kind } = reference.type;
    if (!options.prune) return true;
    return precious.has(kind) && !(options.pruneKinds.includes(kind) && includes(created, reference));
  };
  const prunable = own.flat().filter(({ reference }) => !stays(reference));
  const deletions = prunable.map(({ reference: { type, namespace } }) => permissionTo(['delete'], type, namespace));
  await checkPermissions(client, deletions, signal);
  const kept = own.flat().flatMap(({ reference }) => (stays(reference) ? [reference] : []));
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
  return { left, changes, created, prunable: prunable.map(({ reference }) => reference), kept };
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
