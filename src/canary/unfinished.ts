import { finishPromotion, isPromoted } from './conclude.ts';
import type { RolloutOptions } from './options.ts';
import type { LeftObject, RolloutRecord, Verdict } from './ports.ts';
import { openJournal } from './record.ts';
import { type ShownWeight, undo } from './undo.ts';
import { type World, warn } from './world.ts';

export function isUnfinished(record: RolloutRecord | undefined): record is RolloutRecord {
  return record !== undefined && record.phase !== 'ended';
}

/**
 * Ends the rollouts that earlier runs have left unfinished on the route, including frozen and held ones, and releases nothing.
 *
 * @returns undefined if nothing was left
 * @throws SluiceError `locked` while a live run holds the route
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

/**
 * Ends what an earlier run has left: finishes a complete promotion, or undoes it if the stable pods have failed since; undoes
 * anything else.
 *
 * @returns how it ended
 */
export async function concludeUnfinished(
  world: World,
  left: RolloutRecord,
  options: RolloutOptions,
  signal: AbortSignal,
): Promise<ConcludedUnfinished> {
  const journal = openJournal(world.ledger, await adopt(world, left, options, signal));
  if (isPromoted(left)) {
    const finished = await finishPromotion(world, journal, options, signal);
    const reason = 'an earlier run had promoted it';
    if (finished.verdict === 'promoted') return { record: journal.record, ...finished, reason };
  }
  const undone = await undo(world, journal, `left unfinished by ${left.startedBy}`, options);
  const { verdict, reason, left: notTakenBack, shown } = undone;
  return {
    record: journal.record,
    verdict,
    reason,
    ...(notTakenBack && { left: notTakenBack }),
    ...(shown && { shown }),
  };
}

export interface ConcludedUnfinished {
  readonly record: RolloutRecord;
  readonly verdict: Verdict;
  readonly reason: string;
  /** Image digest that was seen to serve; only after a promotion. */
  readonly digest?: string;
  /** What an undo could not restore. */
  readonly left?: readonly LeftObject[];
  /** The weight on the route of a frozen rollout, which somebody else may have changed. */
  readonly shown?: ShownWeight;
}

/**
 * Takes over a record before this run acts on it: if this run is stopped as well, its post step knows what is left to do.
 *
 * @throws SluiceError `unsupported` for a record that does not fit the route
 */
export async function adopt(
  { ledger, router }: World,
  left: RolloutRecord,
  { id }: RolloutOptions,
  signal: AbortSignal,
): Promise<RolloutRecord> {
  await router.verifyRecorded(left.route, signal);
  // The rollout is no longer paused: it is being ended.
  const { verdict: _verdict, endedAt: _endedAt, left: _left, ...rest } = left;
  const record = { ...rest, id };
  await ledger.save(record, signal);
  return record;
}
