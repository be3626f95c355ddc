import type { ObjectReference } from '../cluster/resources.ts';

/**
 * Kinds in the order of Helm (pkg/release/v1/util/kind_sorter.go) and of kubectl's kustomize: each after those that it
 * needs. Kinds that are not listed come between the workloads and the webhooks.
 */
const before = [
  'Namespace',
  'CustomResourceDefinition',
  'PriorityClass',
  'StorageClass',
  'RuntimeClass',
  'IngressClass',
  'GatewayClass',
  'NetworkPolicy',
  'ResourceQuota',
  'LimitRange',
  'PodDisruptionBudget',
  'ServiceAccount',
  'Secret',
  'ConfigMap',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'ClusterRole',
  'ClusterRoleBinding',
  'Role',
  'RoleBinding',
  'Service',
  'DaemonSet',
  'Pod',
  'ReplicationController',
  'ReplicaSet',
  'Deployment',
  'HorizontalPodAutoscaler',
  'StatefulSet',
  'Job',
  'CronJob',
  'Ingress',
];
const after = [
  'APIService',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
];

function rank({ type }: ObjectReference): number {
  const early = before.indexOf(type.kind);
  const late = after.indexOf(type.kind);
  return late >= 0 ? before.length + 1 + late : early >= 0 ? early : before.length;
}

/** Sorts for apply: dependencies first. Objects of one kind stay in the order in which they were written. */
export function inApplyOrder<T extends { readonly reference: ObjectReference }>(objects: readonly T[]): T[] {
  return objects.toSorted((a, b) => rank(a.reference) - rank(b.reference));
}

/** Sorts for deletion: dependents first. */
export function inDeleteOrder<T extends { readonly reference: ObjectReference }>(objects: readonly T[]): T[] {
  return inApplyOrder(objects).toReversed();
}
