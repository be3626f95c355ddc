import { isDeepStrictEqual } from 'node:util';
import type { PlannedWrite } from '../core/planned-write.ts';
import { fitOptions } from './fit-plan.ts';
import type { RolloutOptions } from './options.ts';
import { announce, refuseWhatCannotWork } from './preflight.ts';
import { type World, warn } from './world.ts';

/**
 * Does all that a rollout does before its first write, then reports each write that it would make. Changes nothing.
 *
 * @throws SluiceError for all that the rollout would refuse.
 */
export async function dryRun(world: World, asked: RolloutOptions, signal: AbortSignal): Promise<void> {
  const { options, warning } = await fitOptions(world, asked, signal);
  announce(world, options, true);
  if (warning !== undefined) warn(world, warning);
  const { route, found } = await refuseWhatCannotWork(world, options.plan, signal);
  const written = new Map<string, PlannedWrite>();
  for (const [index, { weight }] of options.plan.steps.entries()) {
    for (const planned of [...world.arms.preview(found, weight), ...world.router.preview(route, weight)]) {
      const write = following(written.get(planned.object), planned);
      written.set(planned.object, planned);
      if (write) world.emit({ type: 'planned', at: world.clock.now(), write, weight, later: index > 0 });
    }
  }
}

/** What a write changes after an earlier write to the same object; undefined if nothing. */
function following(before: PlannedWrite | undefined, planned: PlannedWrite): PlannedWrite | undefined {
  const write = before?.after === undefined ? planned : { ...planned, action: changing(planned), before: before.after };
  return isDeepStrictEqual(write.before, write.after) ? undefined : write;
}

/** A created object is only updated by later writes. */
function changing({ action }: PlannedWrite): PlannedWrite['action'] {
  return action === 'create' ? 'update' : action;
}
