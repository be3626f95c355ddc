import type { KubeObject } from '../api-server/objects.ts';
import { findKind, horizontalPodAutoscalers } from '../api-server/resources.ts';
import { type Cluster, keyOf, type Reconciler, setStatus } from './cluster.ts';
import { autoscalerView, replicaSetView } from './views.ts';

/**
 * Keeps its target between minReplicas and maxReplicas, as a HorizontalPodAutoscaler does independent of metrics. It reads no
 * metrics; a test scales the target itself to simulate a change of load.
 */
export function autoscalerController(cluster: Cluster): Reconciler {
  const { storage, registry } = cluster;

  function reconcile(autoscaler: KubeObject): undefined {
    const { scaleTargetRef: target, minReplicas, maxReplicas } = autoscalerView.parse(autoscaler).spec;
    const resource = findKind(target.apiVersion, target.kind);
    const namespace = autoscaler.metadata.namespace ?? '';
    const workload = resource && storage.get(resource, namespace, target.name);
    if (resource === undefined || workload === undefined) return;
    const { spec, status } = replicaSetView.parse(workload);
    // A workload that is scaled to zero disables its autoscaler.
    const desired = spec.replicas === 0 ? 0 : Math.min(maxReplicas, Math.max(minReplicas, spec.replicas));
    if (desired !== spec.replicas) {
      const options = { manager: 'horizontal-pod-autoscaler', subresource: 'scale' } as const;
      registry.update(keyOf(resource, workload), { spec: { replicas: desired } }, options);
    }
    setStatus(cluster, horizontalPodAutoscalers, autoscaler, {
      currentReplicas: status.replicas,
      desiredReplicas: desired,
    });
  }

  return { resource: horizontalPodAutoscalers, reconcile };
}
