import type { DeployVerdict } from '../apply/inventory.ts';
import * as change from '../change/conclude.ts';
import { concludable } from './change.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

/**
 * Concludes the deployment in which this run was stopped: undoes it, or finishes it if it can't be undone any more.
 *
 * @returns undefined if this run has left nothing
 * @throws SluiceError `unsupported` if somebody else has written the inventory
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
