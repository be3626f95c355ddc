import type { DeployVerdict, Inventory } from '../apply/inventory.ts';
import { without } from '../apply/references.ts';
import { SluiceError } from '../core/errors.ts';
import { end } from './ending.ts';
import { isUnfinished } from './plan.ts';
import { prune } from './prune.ts';
import { fail } from './undo.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

/**
 * Concludes what this run was stopped in, whatever stopped it: undoes it, or finishes it where it was beyond that.
 *
 * @returns undefined where it has left nothing
 */
export async function conclude(
  world: DeployWorld,
  options: DeployOptions,
  signal: AbortSignal,
): Promise<DeployVerdict | undefined> {
  const { store, clock, emit } = world;
  const seen = await store.load(signal);
  if (!isUnfinished(seen) || seen.id !== options.id) return undefined;
  const claim = await world.claim(signal);
  try {
    const left = await store.load(signal);
    if (!isUnfinished(left) || left.id !== options.id) return undefined;
    store.requireConfirmed();
    emit({ type: 'resumed', at: clock.now(), by: left.startedBy, since: left.startedAt });
    if (left.phase === 'pruning') {
      await prune(world, options, left, signal);
      return await end(
        world,
        { ...left, objects: without(left.objects, left.prune ?? []) },
        'deployed',
        'It was finished after it had been stopped while it pruned.',
        '',
        signal,
      );
    }
    return await fail(world, options, left, stopped(left), signal);
  } finally {
    await claim.release();
  }
}

function stopped({ phase }: Inventory): SluiceError {
  return new SluiceError('cancelled', {
    about: 'this run',
    problem: `was stopped while it was ${phase}.`,
    next: 'Run the workflow again to deploy.',
  });
}
