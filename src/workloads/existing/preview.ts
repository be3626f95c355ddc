import { describe, resources } from '../../cluster/resources.ts';
import type { PlannedWrite } from '../../core/planned-write.ts';
import type { ArmsContext } from '../arms-context.ts';
import { replicasFor } from '../scaling.ts';
import { referenceTo } from '../workload.ts';
import type { ExistingData } from './inspect.ts';

/** What `prepareExisting` writes for a weight. */
export function previewExisting(
  { namespace }: ArmsContext,
  { stable, canary, joinService }: ExistingData,
  weight: number,
): PlannedWrite[] {
  if (joinService) return [];
  const replicas = replicasFor(weight, stable.ready, 1);
  const raised = (autoscaler: { name: string; minReplicas: number } | undefined, least: number): PlannedWrite[] =>
    autoscaler && autoscaler.minReplicas < least
      ? [
          {
            object: describe({ type: resources.horizontalPodAutoscaler, namespace, name: autoscaler.name }),
            action: 'update',
            before: { spec: { minReplicas: autoscaler.minReplicas } },
            after: { spec: { minReplicas: least } },
          },
        ]
      : [];
  const scaled: PlannedWrite[] =
    canary.replicas < replicas && (!canary.autoscaler || canary.replicas === 0)
      ? [
          {
            object: describe(referenceTo(canary, namespace)),
            action: 'update',
            before: { spec: { replicas: canary.replicas } },
            after: { spec: { replicas } },
          },
        ]
      : [];
  return [...raised(stable.autoscaler, stable.ready), ...raised(canary.autoscaler, replicas), ...scaled];
}
