import type { DeployVerdict } from '../apply/inventory.ts';
import * as change from '../change/conclude.ts';
import { concludable } from './change.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

/**
 * Concludes what this run was stopped in, whatever stopped it: undoes it, or finishes it where it was beyond that.
 *
 * @returns undefined where it has left nothing
 * @throws SluiceError `unsupported` where somebody else has written the inventory
 */
export function conclude(
  world: DeployWorld,
  options: DeployOptions,
  signal: AbortSignal,
): Promise<DeployVerdict | undefined> {
  const deployment = concludable(world, options);
  const confirmed: typeof deployment = {
    ...deployment,
    async look(until) {
      const found = await deployment.look(until);
      if (found.left?.id === options.id) world.store.requireConfirmed();
      return found;
    },
  };
  return change.conclude(confirmed, signal);
}
