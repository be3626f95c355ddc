import type { Journal } from './record.ts';
import type { World } from './world.ts';

/**
 * Ends the plan of a rollout whose stable workload somebody else deploys, as a Helm release: the canary keeps its traffic, and
 * the owners can write the route and the autoscalers. `mode: finish` does what follows.
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
