import * as z from 'zod';
import type { KubernetesClient } from '../../cluster/client.ts';
import { retryOnConflict } from '../../cluster/conflicts.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe, type ObjectReference } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { labelSelector } from '../../cluster/selectors.ts';
import type { Arm } from '../../judge/readings.ts';
import { changedByOthers, deletedByOthers } from './conflicts.ts';
import { nextPods, type Pods, planPods } from './replicas-plan.ts';

const REPLICAS_PATH = ['spec', 'replicas'];

/** The arms' pods before the first write, and their sum. */
export interface PodsAsFound {
  readonly found: Pods;
  readonly total: number;
}

/** Reads and writes the replicas of the arms' workloads. */
export function createPodCounts(client: KubernetesClient, referenceOf: (arm: Arm) => ObjectReference) {
  async function read(signal: AbortSignal) {
    const [stable, canary] = await Promise.all([
      client.find(referenceOf('stable'), signal),
      client.find(referenceOf('canary'), signal),
    ]);
    return { stable, canary };
  }

  /**
   * Takes one step towards the pod counts, as far as ready pods allow it; true once they are reached.
   * The canary may have more pods than its weight needs: its pods are prepared before the weight rises.
   */
  async function approach(asFound: PodsAsFound, target: Pods, expected: readonly number[], signal: AbortSignal) {
    const { found, total } = asFound;
    const states = [found, ...expected.map((weight) => planPods(total, weight))].map(({ stable }) => stable);
    let arrived = false;
    await retryOnConflict(async () => {
      const { stable, canary } = await read(signal);
      if (stable === undefined) throw deletedByOthers(describe(referenceOf('stable')), expected);
      if (canary === undefined && target.canary > 0) throw deletedByOthers(describe(referenceOf('canary')), expected);
      const asked: Pods = { stable: replicasOf(stable), canary: canary === undefined ? 0 : replicasOf(canary) };
      if (asked.stable < Math.min(...states) || asked.stable > Math.max(...states)) {
        const foreign = { object: stable, path: REPLICAS_PATH, shown: `it asks for ${asked.stable} pods` };
        throw changedByOthers(describe(referenceOf('stable')), foreign, expected);
      }
      const ready: Pods = { stable: readyOf(stable), canary: canary === undefined ? 0 : readyOf(canary) };
      const next = nextPods(asked, ready, target, total);
      const growingFirst =
        next.stable > asked.stable ? (['stable', 'canary'] as const) : (['canary', 'stable'] as const);
      for (const arm of growingFirst) {
        if (next[arm] === asked[arm]) continue;
        const operations = [
          { op: 'test', path: '/spec/replicas', value: asked[arm] },
          { op: 'replace', path: '/spec/replicas', value: next[arm] },
        ] as const;
        await client.patchJson(referenceOf(arm), operations, signal);
      }
      arrived = next.stable === target.stable && next.canary === target.canary;
    });
    return arrived;
  }

  return { read, approach };
}

const labels = z.record(z.string(), z.string());

export const workload = z.looseObject({
  spec: z.looseObject({
    replicas: z.number().default(1),
    selector: labelSelector,
    template: z.looseObject({ metadata: z.looseObject({ labels: labels.default({}) }).optional() }),
  }),
  status: z.looseObject({ readyReplicas: z.number().default(0) }).optional(),
});

export function replicasOf(object: KubernetesObject): number {
  return readObject(object, workload).spec.replicas;
}

function readyOf(object: KubernetesObject): number {
  return readObject(object, workload).status?.readyReplicas ?? 0;
}
