import { announce, refuseWhatCannotWork } from './begin.ts';
import { fitOptions } from './fit-plan.ts';
import { type RolloutOptions, type World, warn } from './session.ts';

/**
 * Does all that a rollout does before its first write, then tells each write that it would make. Changes nothing.
 *
 * @throws SluiceError for all that the rollout would refuse.
 */
export async function dryRun(world: World, asked: RolloutOptions, signal: AbortSignal): Promise<void> {
  const { options, warning } = await fitOptions(world, asked, signal);
  announce(world, options, true);
  if (warning !== undefined) warn(world, warning);
  const { route, found } = await refuseWhatCannotWork(world, options.plan, signal);
  for (const { weight } of options.plan.steps) {
    const writes = [...world.arms.preview(found, weight), ...world.router.preview(route, weight)];
    for (const write of writes) world.emit({ type: 'planned', at: world.clock.now(), write });
  }
}
