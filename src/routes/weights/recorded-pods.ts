import * as z from 'zod';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { type RecordPlace, recordRefusal } from '../../ledger/record-refusal.ts';
import { replicasOf } from './pod-counts.ts';
import type { Pods } from './replicas-plan.ts';
import { createRouteSnapshots } from './snapshots.ts';

/** The arms' pods as found; zero for a canary workload that does not exist yet. */
export const podCounts = z.object({ stable: z.int().nonnegative(), canary: z.int().nonnegative() });

interface PodSnapshotOptions {
  readonly place: RecordPlace;
  /** `Service shop/checkout` */
  readonly object: string;
  /** The arms' current workloads. */
  read(signal: AbortSignal): Promise<Readonly<Record<'stable' | 'canary', KubernetesObject | undefined>>>;
}

/** The snapshots of pod counts. A rollout begins without canary pods, and never has fewer pods of both arms than it found. */
export function createPodSnapshots({ place, object, read }: PodSnapshotOptions) {
  return createRouteSnapshots<Pods>({
    place,
    router: 'replicas',
    object,
    shape: podCounts,
    async confirm(found, signal) {
      const { stable, canary } = await read(signal);
      const asked = (stable ? replicasOf(stable) : 0) + (canary ? replicasOf(canary) : 0);
      if (found.canary === 0 && found.stable > 0 && found.stable <= asked) return found;
      throw recordRefusal(
        place,
        `says that ${found.stable} pods of the stable arm and ${found.canary} of the canary were asked for before the rollout, and ${asked} are of both now.`,
      );
    },
  });
}
