import { type Cleared, clearUp, isUnfinished } from './begin.ts';
import { type RolloutOptions, type World, warn } from './session.ts';

/**
 * Ends what earlier runs have left unfinished on the route, frozen and held rollouts included, and releases nothing.
 *
 * @returns undefined where nothing was left
 * @throws SluiceError `locked` while a run is alive that holds the route
 */
export async function undoLeft(
  world: World,
  options: RolloutOptions,
  signal: AbortSignal,
): Promise<Cleared | undefined> {
  const { ledger, clock, emit } = world;
  const lease = await ledger.claim(signal);
  try {
    const left = await ledger.load(signal);
    if (!isUnfinished(left)) return undefined;
    warn(world, `Ending what ${left.startedBy} left unfinished.`);
    const cleared = await clearUp(world, left, options, signal);
    const { record, shown, ...how } = cleared;
    const reached = cleared.verdict === 'promoted' ? 100 : Math.max(left.weight.from, left.weight.to);
    const { arms } = record;
    const { revision } = arms;
    const weight = shown ? shown.weight : record.weight.to;
    emit({ type: 'ended', at: clock.now(), ...how, reached, weight, revision, arms });
    return cleared;
  } finally {
    await lease.release();
  }
}
