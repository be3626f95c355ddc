import { finishPromotion, isPromoted } from './conclude.ts';
import type { RolloutOptions } from './options.ts';
import type { LeftObject, RolloutRecord, Verdict } from './ports.ts';
import { type Journal, openJournal } from './record.ts';
import { reasonWithLeft, type ShownWeight, shownWeight, undo } from './undo.ts';
import { isUnfinished } from './unfinished.ts';
import type { World } from './world.ts';

export interface Concluded {
  readonly verdict: Verdict;
  readonly reason: string;
  /** What an undo could not restore. */
  readonly left?: readonly LeftObject[];
  /** The weight on the route of a frozen rollout, which somebody else may have changed. */
  readonly shown?: ShownWeight;
}

/** The run to conclude: the ID in its record, and the release that it was for. */
type StoppedRun = Pick<RolloutOptions, 'id' | 'fingerprint'>;

/**
 * Concludes what this run's main process was stopped in: finishes a complete promotion, and undoes anything else. A rollout
 * that has ended, or that another run has resumed, is left alone. Reports this run's own ending, as the process may have been
 * stopped before it could.
 *
 * @returns how it ended; undefined if nothing was left to do or to report
 * @throws SluiceError if another run holds the route or the API server stays away
 */
export async function recover(
  world: World,
  options: StoppedRun & Pick<RolloutOptions, 'undoTimeout' | 'confirmTimeout'>,
  signal: AbortSignal,
): Promise<Concluded | undefined> {
  const { ledger } = world;
  const left = await ledger.load(signal);
  if (!isLeftBehind(left, options)) return tellEnd(world, left, options, signal);
  const lease = await ledger.claim(signal);
  try {
    const record = await ledger.load(signal);
    if (!isLeftBehind(record, options)) return await tellEnd(world, record, options, signal);
    await world.router.verifyRecorded(record.route, signal);
    const journal = openJournal(ledger, record);
    return tell(world, journal.record, await conclude(world, journal, options, signal));
  } finally {
    await lease.release();
  }
}

async function tellEnd(
  world: World,
  record: RolloutRecord | undefined,
  run: StoppedRun,
  signal: AbortSignal,
): Promise<Concluded | undefined> {
  if (!hasEnded(record, run)) return undefined;
  const { verdict, reason = '', left } = record;
  const shown = verdict === 'frozen' ? await shownWeight(world, record.route, signal) : undefined;
  const ended = left ? { verdict, reason: reasonWithLeft(reason, left), left } : { verdict, reason };
  return tell(world, record, { ...ended, ...(shown && { shown }) });
}

function tell({ clock, emit }: World, record: RolloutRecord, concluded: Concluded): Concluded {
  const { arms } = record;
  const { shown, ...how } = concluded;
  const reached = how.verdict === 'promoted' ? 100 : Math.max(record.weight.from, record.weight.to);
  const weight = shown ? shown.weight : record.weight.to;
  emit({ type: 'ended', at: clock.now(), ...how, reached, weight, revision: arms.revision, arms });
  return concluded;
}

async function conclude(
  world: World,
  journal: Journal,
  options: Parameters<typeof recover>[1],
  signal: AbortSignal,
): Promise<Concluded> {
  if (isPromoted(journal.record)) {
    const finished = await finishPromotion(world, journal, options, signal);
    const reason = 'the new version had been promoted before the run was stopped';
    return finished.verdict === 'promoted' ? { verdict: finished.verdict, reason } : finished;
  }
  const undone = await undo(world, journal, journal.record.reason ?? 'the run was stopped', options);
  const { verdict, reason, left, shown } = undone;
  return { verdict, reason, ...(left && { left }), ...(shown && { shown }) };
}

/** Whether this run has left something to do or to report in the record. */
export function concerns(record: RolloutRecord | undefined, run: StoppedRun): record is RolloutRecord {
  return isLeftBehind(record, run) || hasEnded(record, run);
}

/** Whether the run has neither ended nor paused the rollout. */
function isLeftBehind(record: RolloutRecord | undefined, { id }: StoppedRun): record is RolloutRecord {
  return isUnfinished(record) && record.id === id && record.endedAt === undefined;
}

/** Whether the run has ended or paused its own release, and not only undone another one. */
function hasEnded(
  record: RolloutRecord | undefined,
  { id, fingerprint }: StoppedRun,
): record is RolloutRecord & { readonly verdict: Verdict } {
  return (
    record?.id === id &&
    record.fingerprint === fingerprint &&
    record.endedAt !== undefined &&
    record.verdict !== undefined
  );
}
