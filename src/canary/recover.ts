import { finishPromotion, isPromoted } from './conclude.ts';
import type { RolloutOptions } from './options.ts';
import type { LeftObject, RolloutRecord, Verdict } from './ports.ts';
import { type Journal, openJournal } from './record.ts';
import { reasonWithLeft, undo } from './undo.ts';
import { isUnfinished } from './unfinished.ts';
import type { World } from './world.ts';

export interface Concluded {
  readonly verdict: Verdict;
  readonly reason: string;
  /** What an undo could not take back. */
  readonly left?: readonly LeftObject[];
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
  if (!isLeftBehind(left, options)) return tellEnd(world, left, options);
  const lease = await ledger.claim(signal);
  try {
    const record = await ledger.load(signal);
    if (!isLeftBehind(record, options)) return tellEnd(world, record, options);
    const journal = openJournal(ledger, record);
    return tell(world, journal.record, await conclude(world, journal, options, signal));
  } finally {
    await lease.release();
  }
}

function tellEnd(world: World, record: RolloutRecord | undefined, run: StoppedRun): Concluded | undefined {
  if (!hasEnded(record, run)) return undefined;
  const { verdict, reason = '', left } = record;
  return tell(world, record, left ? { verdict, reason: reasonWithLeft(reason, left), left } : { verdict, reason });
}

function tell({ clock, emit }: World, { weight, arms }: RolloutRecord, concluded: Concluded): Concluded {
  const reached = concluded.verdict === 'promoted' ? 100 : Math.max(weight.from, weight.to);
  emit({ type: 'ended', at: clock.now(), ...concluded, reached, weight: weight.to, revision: arms.revision, arms });
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
  const { verdict, reason, left } = undone;
  return { verdict, reason, ...(left && { left }) };
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
