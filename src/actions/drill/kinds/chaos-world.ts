import type { ChaosWorld } from '../../../drills/faults/chaos-mesh/target.ts';
import { choosePods, hitPod, listPods, whyNot } from '../../../drills/faults/choose-pods.ts';
import type { LitmusWorld } from '../../../drills/faults/litmus.ts';
import type { FaultWorld } from '../../../drills/faults/world.ts';

/** The pods of Chaos Mesh and Litmus are chosen as those of all other faults. */
export function chaosWorld(world: FaultWorld): ChaosWorld & LitmusWorld {
  return {
    ...world,
    async choose(target, signal) {
      const { pods, candidates } = await choosePods(world, target, {}, signal);
      return { pods: pods.map(hitPod), candidates: candidates.length };
    },
    async pods(namespace, selector, signal) {
      const pods = await listPods(world, { namespace, selector }, signal);
      return pods.filter((pod) => whyNot(pod, {}) === undefined).map(hitPod);
    },
  };
}
