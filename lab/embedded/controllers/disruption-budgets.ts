import * as z from 'zod';
import type { KubeObject } from '../api-server/objects.ts';
import { findKind, podDisruptionBudgets, pods } from '../api-server/resources.ts';
import { parseSelector } from '../api-server/selectors.ts';
import { type Cluster, controllerOf, type Reconciler, setStatus } from './cluster.ts';
import { isReady, isTerminating, replicaSetView } from './views.ts';

const budgetView = z.looseObject({
  spec: z.looseObject({
    selector: z.unknown(),
    minAvailable: z.union([z.number(), z.string()]).optional(),
    maxUnavailable: z.union([z.number(), z.string()]).optional(),
  }),
});

/** How many pods of a budget may go now. Percentages are of the replicas that the pods' controllers want; both round up. */
export function disruptionBudgetController(cluster: Cluster): Reconciler {
  const { storage } = cluster;

  function reconcile(budget: KubeObject): undefined {
    const { selector, minAvailable, maxUnavailable } = budgetView.parse(budget).spec;
    const namespace = budget.metadata.namespace ?? '';
    const isSelected = parseSelector(selector);
    const selected = storage
      .list(pods, namespace)
      .filter((pod) => isSelected(pod.metadata.labels ?? {}) && !isTerminating(pod));
    const counted = typeof minAvailable === 'number' ? selected.length : wanted(selected, namespace);
    const desiredHealthy =
      maxUnavailable === undefined
        ? amount(minAvailable ?? 1, counted)
        : Math.max(0, counted - amount(maxUnavailable, counted));
    const currentHealthy = selected.filter(isReady).length;
    setStatus(cluster, podDisruptionBudgets, budget, {
      observedGeneration: budget.metadata.generation,
      expectedPods: counted,
      desiredHealthy,
      currentHealthy,
      disruptionsAllowed: counted === 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy),
    });
  }

  /** The replicas of the controllers of these pods. A ReplicaSet has as many as its Deployment. */
  function wanted(selected: readonly KubeObject[], namespace: string): number {
    const owners = new Map(
      selected.flatMap((pod) => {
        const owner = controllerOf(pod);
        return owner === undefined ? [] : [[owner.uid, owner] as const];
      }),
    );
    return [...owners.values()].reduce((sum, { apiVersion, kind, name }) => {
      const resource = findKind(apiVersion, kind);
      const object = resource && storage.get(resource, namespace, name);
      return object === undefined ? sum : sum + replicaSetView.parse(object).spec.replicas;
    }, 0);
  }

  return { resource: podDisruptionBudgets, reconcile };
}

function amount(value: number | string, of: number): number {
  return typeof value === 'number' ? value : Math.ceil((Number.parseFloat(value) / 100) * of);
}
