import { SluiceError } from '../core/errors.ts';
import type { RolloutRecord } from './ports.ts';
import { isUnfinished } from './resume.ts';
import type { Journal, RolloutOptions, World } from './world.ts';

/**
 * Ends the plan of a rollout whose stable workload somebody else deploys, as a Helm release: the canary goes on serving what
 * it serves, and the route and the autoscalers can be written by whom they belong to. `mode: finish` does what follows.
 */
export async function relinquish(
  { arms, router }: Pick<World, 'arms' | 'router'>,
  journal: Journal,
  signal: AbortSignal,
): Promise<void> {
  const { route, arms: found } = journal.record;
  await journal.write({ phase: 'promoting' }, signal);
  await Promise.all([router.relinquish(route, signal), arms.relinquish(found, signal)]);
}

/**
 * What is finished must be a rollout of this same release that has passed its plan.
 *
 * @throws SluiceError `not-found`
 */
export function refuseNothingHeld(left: RolloutRecord | undefined, { fingerprint }: RolloutOptions): void {
  const after = ['promoting', 'returning', 'retiring'];
  if (isUnfinished(left) && left.fingerprint === fingerprint && after.includes(left.phase)) return;
  const problem = isUnfinished(left)
    ? `is of another release, or has not passed its plan: ${left.startedBy}, ${left.phase}.`
    : 'is not there: none is held after its plan.';
  throw new SluiceError('not-found', {
    about: 'the rollout to finish',
    problem,
    next: 'Run "mode: shift" with the same inputs first, or "mode: undo" to end what is there.',
  });
}
