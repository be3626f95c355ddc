import { announce, refuseWhatCannotWork } from './begin.ts';
import type { RolloutOptions, World } from './session.ts';

/**
 * Does all that a rollout does before its first write, then tells each write that it would make. Changes nothing.
 *
 * @throws SluiceError for all that the rollout would refuse.
 */
export async function dryRun(world: World, options: RolloutOptions, signal: AbortSignal): Promise<void> {
  announce(world, options, true);
  const { route, found } = await refuseWhatCannotWork(world, signal);
  for (const { weight } of options.plan.steps) {
    const writes = [...world.arms.preview(found, weight), ...world.router.preview(route, weight)];
    for (const write of writes) world.emit({ type: 'planned', at: world.clock.now(), write });
  }
}
