import type { Ledger } from '../canary/ports.ts';
import { deadline } from '../core/deadline.ts';
import { isSluiceError } from '../core/errors.ts';
import { type Decision, planOf } from './decide.ts';
import type { RollbackOptions, RollbackWorld } from './world.ts';

/** Milliseconds between two attempts to take the route from a rollout that was asked to stop. */
const RETRY = 1_000;

/** Takes the route. Asks a rollout that still runs to abort, which it does within a second. */
export async function claim(world: RollbackWorld, decision: Decision, options: RollbackOptions, signal: AbortSignal) {
  const { ledger, workload, clock, tell } = world;
  const { underWay } = decision;
  const by = options.startedBy;
  try {
    return await ledger.claim(signal);
  } catch (error) {
    if (!underWay || !isSluiceError(error, 'locked')) throw error;
    if (!decision.continued) await workload.note(planOf(decision, options, clock.now()), signal);
    tell(
      'warning',
      `A rollout is under way on ${underWay.route.object} (${underWay.startedBy}): it is asked to abort.`,
    );
    await world.command({ verb: 'abort', by, why: `rolled back by hand to revision ${decision.to.number}` }, signal);
    using limit = deadline(clock, options.undoTimeout, () => error, signal);
    return await claimLater(world, limit.signal);
  }
}

async function claimLater({ ledger, clock, tell }: RollbackWorld, signal: AbortSignal): ReturnType<Ledger['claim']> {
  for (;;) {
    await clock.sleep(RETRY, signal);
    try {
      const lease = await ledger.claim(signal);
      tell('good', 'The rollout has let go of the route.');
      return lease;
    } catch (error) {
      signal.throwIfAborted();
      if (!isSluiceError(error, 'locked')) throw error;
    }
  }
}
