import { type ConcludedUnfinished, concludeUnfinished, isUnfinished } from './resume.ts';
import { type RolloutOptions, type World, warn } from './world.ts';

/**
 * Ends what earlier runs have left unfinished on the route, frozen and held rollouts included, and releases nothing.
 *
 * @returns undefined where nothing was left
 * @throws SluiceError `locked` while a run is alive that holds the route
 */
export async function undoUnfinishedRollout(
  world: World,
  options: RolloutOptions,
  signal: AbortSignal,
): Promise<ConcludedUnfinished | undefined> {
  const { ledger, clock, emit } = world;
  const lease = await ledger.claim(signal);
  try {
    const left = await ledger.load(signal);
    if (!isUnfinished(left)) return undefined;
    warn(world, `Ending what ${left.startedBy} left unfinished.`);
    const cleared = await concludeUnfinished(world, left, options, signal);
    const { record, ...how } = cleared;
    const reached = cleared.verdict === 'promoted' ? 100 : Math.max(left.weight.from, left.weight.to);
    const { arms } = record;
    const { revision } = arms;
    emit({ type: 'ended', at: clock.now(), ...how, reached, weight: record.weight.to, revision, arms });
    return cleared;
  } finally {
    await lease.release();
  }
}
