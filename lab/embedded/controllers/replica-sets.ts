import type { KubeObject } from '../api-server/objects.ts';
import { pods, replicaSets } from '../api-server/resources.ts';
import { type Cluster, controlledBy, keyOf, manager, ownerReference, type Reconciler, setStatus } from './cluster.ts';
import { isReady, isTerminating, replicaSetView, untilAvailable } from './views.ts';

/** Keeps the wanted number of pods of its template. Deletes pods that are not ready first, then the youngest. */
export function replicaSetController(cluster: Cluster, now: () => number): Reconciler {
  const { registry } = cluster;

  function reconcile(set: KubeObject): number | undefined {
    const { spec } = replicaSetView.parse(set);
    const owned = () => controlledBy(cluster, pods, set).filter((pod) => !isTerminating(pod));
    for (let count = owned().length; count < spec.replicas; count += 1) createPod(set, spec);
    for (const pod of owned().sort(byWorth).slice(spec.replicas)) registry.remove(keyOf(pods, pod), {});

    const waits = owned().map((pod) => untilAvailable(pod, spec.minReadySeconds, now()));
    const counts = {
      replicas: owned().length,
      fullyLabeledReplicas: owned().length,
      readyReplicas: owned().filter(isReady).length,
      availableReplicas: waits.filter((wait) => wait === 0).length,
    };
    const present = Object.entries(counts).filter(([field, count]) => count > 0 || field === 'replicas');
    setStatus(cluster, replicaSets, set, {
      ...Object.fromEntries(present),
      observedGeneration: set.metadata.generation,
    });
    const pending = waits.filter((wait) => wait !== undefined && wait > 0);
    return pending.length === 0 ? undefined : Math.min(...pending.map((wait) => wait ?? 0));
  }

  function createPod(set: KubeObject, { template }: ReturnType<typeof replicaSetView.parse>['spec']): void {
    const { name, namespace = '' } = set.metadata;
    const ownerReferences = [ownerReference(replicaSets, set)];
    const metadata = { ...template.metadata, generateName: `${name}-`, ownerReferences };
    registry.create(pods, namespace, { metadata, spec: template.spec }, { manager });
  }

  return { resource: replicaSets, reconcile };
}

/** Sorts the pods to keep first. */
function byWorth(a: KubeObject, b: KubeObject): number {
  const readiness = Number(isReady(b)) - Number(isReady(a));
  return readiness || (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '');
}
