import { createHash } from 'node:crypto';
import type { FaultWorld } from '../../../drills/faults/world.ts';
import type { Fault } from '../../../drills/ports.ts';
import { seeded } from '../../../judge/random.ts';

const DAY = 86_400_000;

/**
 * A fault that chooses the same pods whenever it is aimed, as long as they are there: in a dry run, when the drill is planned, and when
 * it is injected. Each day it chooses anew.
 *
 * @param name of the fault: two faults of a drill choose on their own
 */
export function choosingAlike(world: FaultWorld, name: string, build: (world: FaultWorld) => Fault): Fault {
  const day = Math.floor(world.clock.now() / DAY);
  const seed = createHash('sha256').update(`${world.drill} ${name} ${day}`).digest().readInt32BE();
  let random = seeded(seed);
  const fault = build({ ...world, random: () => random() });
  return {
    ...fault,
    aim(signal) {
      random = seeded(seed);
      return fault.aim(signal);
    },
  };
}
