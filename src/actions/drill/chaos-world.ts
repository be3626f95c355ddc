import type { ChaosWorld } from '../../drills/faults/chaos-mesh/target.ts';
import { choosePods, hitPod } from '../../drills/faults/choose-pods.ts';
import type { FaultWorld } from '../../drills/faults/world.ts';

/** Chaos Mesh's faults hit pods that are chosen as those of all other faults. */
export function chaosWorld(world: FaultWorld): ChaosWorld {
  return {
    ...world,
    async choose(target, signal) {
      const { pods, candidates } = await choosePods(world, target, {}, signal);
      return { pods: pods.map(hitPod), candidates: candidates.length };
    },
  };
}
