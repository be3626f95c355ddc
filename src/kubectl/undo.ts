import type { DeployVerdict, Inventory, Snapshot } from '../apply/inventory.ts';
import { type DeployObject, identityOf } from '../apply/objects.ts';
import { undoChanges } from '../apply/undo.ts';
import { describe } from '../cluster/resources.ts';
import { isSluiceError } from '../core/errors.ts';
import { isRecord } from '../core/json.ts';
import { end, nextOf, reasonOf } from './ending.ts';
import type { Work } from './plan.ts';
import { waitFor } from './verify.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

/** How it was before the first of the runs that have not come to their end. */
export async function snapshotOf(
  { store }: DeployWorld,
  { left, changes }: Work,
  signal: AbortSignal,
): Promise<Snapshot> {
  const isHalf = left?.phase === 'applying' || left?.phase === 'undoing';
  // What can't be confirmed says nothing of how it was: then it goes back to what is there now.
  const older = isHalf && store.isConfirmed() ? await store.loadSnapshot(signal) : undefined;
  const known = new Set(older?.entries.map(({ reference }) => identityOf(reference)));
  const entries = changes
    .filter(({ needed, object }) => needed && !known.has(identityOf(object.reference)))
    .map(({ object, found }) => ({
      reference: object.reference,
      ...(found && { found }),
      leavesReplicas: leavesReplicas(object),
    }));
  return {
    former: older?.former ?? { digest: left?.digest ?? '', objects: left?.objects ?? [] },
    entries: [...(older?.entries ?? []), ...entries],
  };
}

function leavesReplicas({ manifest }: DeployObject): boolean {
  return isRecord(manifest.spec) && manifest.spec.replicas === undefined;
}

/** After a failure: goes back to how it was, or leaves it as it is. What can't be undone now is left to the next run. */
export async function fail(
  world: DeployWorld,
  options: DeployOptions,
  left: Inventory,
  cause: unknown,
  signal: AbortSignal,
): Promise<DeployVerdict> {
  const { client, store, clock, emit } = world;
  const reason = reasonOf(cause);
  const snapshot = options.undoOnFailure ? await store.loadSnapshot(signal) : undefined;
  if (!snapshot) return await end(world, left, 'failed', `${reason} What was applied stays.`, nextOf(cause), signal);
  // What did not get ready was told with all that is known of it.
  emit({ type: 'undoing', at: clock.now(), reason: isSluiceError(cause, 'not-ready') ? '' : reason });
  try {
    await store.save({ ...left, phase: 'undoing' }, signal);
    const { name, namespace } = options;
    const restored = await undoChanges(
      {
        client,
        snapshot,
        name,
        namespace,
        restored: (reference, how) => emit({ type: 'restored', at: clock.now(), object: describe(reference), how }),
      },
      signal,
    );
    await waitFor(world, options, restored, signal);
  } catch (error) {
    const problem = `${reason} It could not be undone: ${reasonOf(error)}`;
    emit({
      type: 'ended',
      at: clock.now(),
      verdict: 'failed',
      reason: problem,
      next: `${nextOf(error)} The next run begins where this one stopped.`,
    });
    return 'failed';
  }
  const { digest, objects } = snapshot.former;
  return await end(
    world,
    { ...left, digest, objects },
    'undone',
    `${reason} All is as it was before.`,
    nextOf(cause),
    signal,
  );
}
