import { deadline } from '../core/deadline.ts';
import { isSluiceError, reasonOf, SluiceError } from '../core/errors.ts';
import type { Cause, ChangeTypes, Concludable, Ending, Found, Left, Undone } from './change.ts';
import { withLease } from './lease.ts';

/** The most milliseconds for each of the last steps: finishing, and closing the record. */
export const LAST_ACTS = 120_000;

/** What ends the steps of a change. `signal` is `lost` as well where a step must complete even if the run is cancelled. */
interface Signals {
  readonly signal: AbortSignal;
  /** Aborts when another run has taken the Lease. */
  readonly lost: AbortSignal;
}

/** An ending, and the action's result for it. */
interface Ended<T extends ChangeTypes> {
  readonly ending: Ending<T>;
  readonly result: T['result'];
}

/**
 * Concludes the change in which this run was stopped: finishes a verified change, and undoes any other.
 *
 * @returns undefined if this run has left nothing
 * @throws SluiceError `locked` while another run is at work, and what `end` throws
 */
export async function conclude<T extends ChangeTypes>(
  change: Concludable<T>,
  signal: AbortSignal,
): Promise<T['result'] | undefined> {
  // Looks before it claims the Lease, which an unrelated run may hold.
  if (!leftByThisRun(change, await change.look(signal))) return undefined;
  return withLease(change, signal, async (held, lost) => {
    const left = leftByThisRun(change, await change.look(held));
    return left && (await concludeLeft(change, left, { signal: held, lost })).result;
  });
}

function leftByThisRun<T extends ChangeTypes>({ id }: Concludable<T>, { left }: Found<T>): Left<T['mark']> | undefined {
  return left?.id === id ? left : undefined;
}

/** Brings a change that a run has left to its end. */
export function concludeLeft<T extends ChangeTypes>(
  change: Concludable<T>,
  left: Left<T['mark']>,
  signals: Signals,
): Promise<Ended<T>> {
  const { isApplied, mark } = left;
  change.tellLeft(left);
  if (isApplied) return finish(change, { mark }, signals);
  return goBack(change, { mark, cause: () => ({ kind: 'stopped' }) }, signals);
}

/** Does the remaining steps of a change that works. */
export async function finish<T extends ChangeTypes>(
  change: Concludable<T>,
  applied: { readonly mark: T['mark']; readonly plan?: T['plan'] },
  { signal, lost }: Signals,
): Promise<Ended<T>> {
  signal.throwIfAborted();
  using limit = deadline(change.clock, LAST_ACTS, () => outOfTime('the last part', LAST_ACTS), signal);
  await change.finish?.(applied.mark, limit.signal);
  return end(change, { verdict: 'applied', ...applied }, lost);
}

/**
 * Undoes a change.
 *
 * @param cause called again after the undo, as the run may be cancelled meanwhile
 */
export async function goBack<T extends ChangeTypes>(
  change: Concludable<T>,
  { mark, cause }: { readonly mark: T['mark']; readonly cause: () => Cause },
  { signal, lost }: Signals,
): Promise<Ended<T>> {
  let undone: Undone<T['mark']>;
  try {
    using limit = undoLimit(change, cause(), signal);
    undone = await change.undo(mark, cause(), limit.signal);
  } catch (error) {
    lost.throwIfAborted();
    // The state can't be read: keeps the record, so that the next process tries again.
    if (isSluiceError(error, 'unreachable')) throw leftToPost(error, cause());
    return end(change, { verdict: 'failed', how: 'not-undone', mark, cause: cause(), error }, lost);
  }
  const { how } = undone;
  const ended = { undone, cause: cause() };
  return end(change, how === 'undone' ? { verdict: how, ...ended } : { verdict: 'failed', how, ...ended }, lost);
}

function undoLimit<T extends ChangeTypes>({ clock, undoTime }: Concludable<T>, { kind }: Cause, signal: AbortSignal) {
  const limit = undoTime[kind];
  if (limit === undefined) return { signal, [Symbol.dispose]: () => undefined };
  return deadline(clock, limit, () => outOfTime('the way back', limit), signal);
}

/** Closes a change that is over. */
async function end<T extends ChangeTypes>(
  change: Concludable<T>,
  ending: Ending<T>,
  lost: AbortSignal,
): Promise<Ended<T>> {
  // The record belongs to the run that has taken over.
  lost.throwIfAborted();
  using limit = deadline(change.clock, LAST_ACTS, () => outOfTime('closing the record', LAST_ACTS), lost);
  return { ending, result: await change.end(ending, limit.signal) };
}

function leftToPost(error: SluiceError, cause: Cause): SluiceError {
  if (cause.kind === 'stopped') return error;
  return new SluiceError(error.code, {
    about: error.about,
    problem: `${error.problem} What was changed is not undone yet (${reasonOf(cause.error)}).`,
    next: `${error.next} The post step undoes it, or else the next run.`,
    cause: error,
  });
}

function outOfTime(about: string, milliseconds: number): SluiceError {
  return new SluiceError('timed-out', {
    about,
    problem: `was not over after ${milliseconds / 1_000} s.`,
    next: 'The log shows what it waited for.',
  });
}
