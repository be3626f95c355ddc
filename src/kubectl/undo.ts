import type { Snapshot } from '../apply/inventory.ts';
import { type DeployObject, identityOf } from '../apply/objects.ts';
import { undoChanges } from '../apply/undo.ts';
import type { Undone } from '../change/change.ts';
import { describe } from '../cluster/resources.ts';
import { isSluiceError, reasonOf } from '../core/errors.ts';
import { isRecord } from '../core/json.ts';
import type { Mark } from './mark.ts';
import type { Work } from './plan.ts';
import { waitFor } from './verify.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

/** The state before the first of the runs that did not come to an end. */
export async function snapshotOf(
  { store }: DeployWorld,
  { left, changes }: Work,
  signal: AbortSignal,
): Promise<Snapshot> {
  const isHalf = left?.phase === 'applying' || left?.phase === 'undoing';
  // An unconfirmed snapshot is not trusted: an undo then restores the current state.
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

/** Restores the state before, or keeps the current one if configured so. Leaves to the next run what can't be undone now. */
export async function undo(
  world: DeployWorld,
  options: DeployOptions,
  { mark, cause }: { readonly mark: Mark; readonly cause: unknown },
  signal: AbortSignal,
): Promise<Undone<Mark>> {
  const { client, store, clock, emit } = world;
  const { begun: left } = mark;
  const snapshot = options.undoOnFailure ? await store.loadSnapshot(signal) : undefined;
  if (!snapshot) return { how: 'kept', state: 'What was applied stays.', mark: { ...mark, done: left } };
  // The details of objects that did not get ready were reported before.
  emit({
    type: 'undoing',
    at: clock.now(),
    reason: isSluiceError(cause, 'not-ready') ? '' : reasonOf(cause),
  });
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
  await waitFor(world, options, { references: restored }, signal);
  const { digest, objects } = snapshot.former;
  return { how: 'undone', state: 'All is as it was before.', mark: { ...mark, done: { ...left, digest, objects } } };
}
