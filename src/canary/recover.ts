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
  /** What an undo could not take back. */
  readonly left?: readonly LeftObject[];
  /** What the route of a frozen rollout shows, which somebody else may have changed. */
  readonly shown?: ShownWeight;
}

/** The run that is concluded: the id that it wrote into its record, and the release that it was for. */
type StoppedRun = Pick<RolloutOptions, 'id' | 'fingerprint'>;

/**
 * Concludes what this run's main process was stopped in: a promotion that is made is finished, anything else is undone. A
 * rollout that came to its end, or that another run has taken up, is left alone; its own end is told, as the process may
 * have been stopped before it could.
 *
 * @returns how it ended; undefined where nothing was left to do or to tell
 * @throws SluiceError when another run holds the route or the API server stays away
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

/** The record is of something that this run has left to be done, or to be told. */
export function concerns(record: RolloutRecord | undefined, run: StoppedRun): record is RolloutRecord {
  return isLeftBehind(record, run) || hasEnded(record, run);
}

/** The run has neither ended nor paused it. */
function isLeftBehind(record: RolloutRecord | undefined, { id }: StoppedRun): record is RolloutRecord {
  return isUnfinished(record) && record.id === id && record.endedAt === undefined;
}

/** The run has ended or paused its own release, and not just undone another one's. */
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
