import { isSluiceError } from '../core/errors.ts';
import type { Cause, Change, ChangeTypes, Found } from './change.ts';
import { concludeLeft, finish, goBack } from './conclude.ts';
import { withLease } from './lease.ts';

/**
 * Carries out a change: refuses before the first write what can't work, and undoes what was written if it turns out not to
 * work. If the process is killed, `conclude` or the next run brings the change to its end.
 *
 * @param cancelled stops the change, which is then undone
 * @throws SluiceError for what was refused, `locked` if another run has taken over, and what `end` throws
 */
export async function carryOut<T extends ChangeTypes>(change: Change<T>, cancelled: AbortSignal): Promise<T['result']> {
  if (change.dryRun) {
    const plan = await planned(change, await change.look(cancelled), cancelled);
    return change.end({ verdict: undefined, plan }, cancelled);
  }
  return withLease(change, cancelled, async (signal, lost) => {
    let found = await change.look(signal);
    if (found.left && change.leftover === 'concluded') {
      const { ending, result } = await concludeLeft(change, found.left, { signal, lost });
      if (ending.verdict === 'failed' && ending.how === 'not-undone') return result;
      found = await change.look(signal);
    }
    const plan = await planned(change, found, signal);
    if (!plan.isNeeded) return confirm(change, plan, signal);
    signal.throwIfAborted();
    const mark = await change.record(plan, signal);
    let applied: T['plan'];
    try {
      applied = await change.apply(plan, signal);
      await change.verify(applied, signal);
    } catch (error) {
      // Another run holds the Lease now, so this run must not undo anything.
      lost.throwIfAborted();
      if (isSluiceError(error, 'locked')) throw error;
      const cause = (): Cause => ({ kind: cancelled.aborted ? 'cancelled' : 'failed', error });
      return (await goBack(change, { mark, cause }, { signal: lost, lost })).result;
    }
    // The change works, so it is finished even if the run is cancelled now.
    return (await finish(change, { mark, plan: applied }, { signal: lost, lost })).result;
  });
}

/** A plan that nothing refuses. */
async function planned<T extends ChangeTypes>(
  change: Change<T>,
  found: Found<T>,
  signal: AbortSignal,
): Promise<T['plan']> {
  if (found.left) change.tellLeft(found.left);
  const plan = await change.plan(found, signal);
  await change.refuse?.(plan, signal);
  change.tell(plan);
  return plan;
}

/** Verifies what is there when nothing has to be written, as it may not be ready yet. */
async function confirm<T extends ChangeTypes>(
  change: Change<T>,
  plan: T['plan'],
  signal: AbortSignal,
): Promise<T['result']> {
  try {
    await change.verify(plan, signal);
  } catch (error) {
    signal.throwIfAborted();
    return change.end({ verdict: 'failed', how: 'not-verified', plan, error }, signal);
  }
  return change.end({ verdict: 'unchanged', plan }, signal);
}
