import { withDefaultLabels } from '../apply/default-labels.ts';
import { type DeployVerdict, type Inventory, type InventoryPlace, inventoryLabels } from '../apply/inventory.ts';
import { type DeployObject, withoutControlledFields } from '../apply/objects.ts';
import { inApplyOrder } from '../apply/order.ts';
import { union } from '../apply/references.ts';
import { isRecord } from '../core/json.ts';
import { apply } from './apply.ts';
import { digestOf } from './digest.ts';
import { end, inventoryOf, nextOf, reasonOf, summaryOf } from './ending.ts';
import { claimIn, createNamespace, namespaceExists } from './namespace.ts';
import { isUnfinished, plan, type Work } from './plan.ts';
import { prune } from './prune.ts';
import { fail, snapshotOf } from './undo.ts';
import { waitFor } from './verify.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

/** Milliseconds for what comes after the last wait. */
const LAST_ACTS = 120_000;

/** The objects as they are applied: with the label that says whose they are. */
function labelled(objects: readonly DeployObject[], place: InventoryPlace): DeployObject[] {
  return objects.map((object) => {
    const { metadata } = object.manifest;
    const labels = isRecord(metadata.labels) ? metadata.labels : {};
    const marked = { ...metadata, labels: { ...labels, ...inventoryLabels(place, object.reference) } };
    return { ...object, manifest: { ...object.manifest, metadata: marked } };
  });
}

/**
 * Makes the cluster hold these objects, waits until they are ready, deletes what no manifest holds any more; or goes back to
 * how it was.
 *
 * @throws SluiceError for what is refused before the first write
 */
export async function deploy(
  world: DeployWorld,
  options: DeployOptions,
  given: readonly DeployObject[],
  cancelled: AbortSignal,
): Promise<DeployVerdict | undefined> {
  const { clock, emit } = world;
  const { name, namespace, startedBy: by } = options;
  const objects = inApplyOrder(labelled(given.map(withoutControlledFields).map(withDefaultLabels), options));
  const digest = digestOf(given);
  emit({ type: 'started', at: clock.now(), name, namespace, by, digest });
  const hasNamespace = await namespaceExists(world, options, cancelled);
  if (options.dryRun) {
    await plan(world, options, objects, hasNamespace, cancelled);
    return undefined;
  }
  if (!hasNamespace) await createNamespace(world, options, cancelled);
  const claim = await claimIn(world, options, cancelled);
  try {
    const signal = AbortSignal.any([cancelled, claim.lost]);
    const planned = await plan(world, options, objects, true, signal);
    const work = { ...planned, objects, digest, startedAt: clock.now() };
    if (isNothingToDo(work)) return await seeUnchanged(world, options, work, signal);
    return await carryOut(world, options, work, signal, claim.lost);
  } finally {
    await claim.release();
  }
}

function isNothingToDo({ left, changes, prunable }: Work): boolean {
  return !isUnfinished(left) && prunable.length === 0 && changes.every(({ needed }) => !needed);
}

/** Nothing to write; what is there may still be on its way. */
async function seeUnchanged(
  world: DeployWorld,
  options: DeployOptions,
  work: Work,
  signal: AbortSignal,
): Promise<DeployVerdict> {
  const inventory = inventoryOf(options, work, 'ended');
  try {
    await waitFor(
      world,
      options,
      work.objects.map(({ reference }) => reference),
      signal,
    );
  } catch (error) {
    return await end(
      world,
      inventory,
      'failed',
      `Nothing was to be changed, but: ${reasonOf(error)}`,
      nextOf(error),
      signal,
    );
  }
  return await end(
    world,
    inventory,
    'unchanged',
    `All ${work.objects.length} objects are as the manifests say.`,
    '',
    signal,
  );
}

async function carryOut(
  world: DeployWorld,
  options: DeployOptions,
  work: Work,
  signal: AbortSignal,
  lost: AbortSignal,
): Promise<DeployVerdict> {
  const { store, clock } = world;
  const { left, objects, changes, prunable, kept } = work;
  const present = objects.map(({ reference }) => reference);
  // Record, then act: all that may be touched, beside all that was there.
  const applying = { ...inventoryOf(options, work, 'applying'), objects: union(left?.objects ?? [], present) };
  if (options.undoOnFailure) await store.saveSnapshot(await snapshotOf(world, work, signal), signal);
  await store.save(applying, signal);
  try {
    const written = await apply(world, options, changes, signal);
    await waitFor(world, options, present, signal, written);
  } catch (error) {
    // Whoever has taken over decides now.
    if (lost.aborted) throw lost.reason;
    return await fail(world, options, applying, error, AbortSignal.timeout(options.timeout + LAST_ACTS));
  }
  // All is ready: what is left is done whatever else is asked.
  const rest = AbortSignal.any([lost, AbortSignal.timeout(LAST_ACTS)]);
  const pruning: Inventory = { ...applying, phase: 'pruning', prune: [...prunable] };
  if (prunable.length > 0) {
    await store.save(pruning, rest);
    await prune(world, options, pruning, rest);
  }
  const done = { ...inventoryOf(options, work, 'ended'), objects: union(present, kept) };
  return await end(world, done, 'deployed', summaryOf(work, clock.now()), '', rest);
}
