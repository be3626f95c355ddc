import type { DeployVerdict } from '../apply/inventory.ts';
import * as change from '../change/conclude.ts';
import { concludable } from './change.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

/**
 * Concludes what this run was stopped in, whatever stopped it: undoes it, or finishes it where it was beyond that.
 *
 * @returns undefined where it has left nothing
 */
export function conclude(
  world: DeployWorld,
  options: DeployOptions,
  signal: AbortSignal,
): Promise<DeployVerdict | undefined> {
  return change.conclude(concludable(world, options), signal);
}
