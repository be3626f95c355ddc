import type { ObjectReference } from '../kubernetes/resources.ts';

/**
 * Kinds in the order in which others need them, as Helm (pkg/release/v1/util/kind_sorter.go) and kubectl's kustomize have
 * it; what is not named stands between the workloads and the webhooks.
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

/** In the order to apply in: what others need comes first. Objects of one kind stay in the order that they were written in. */
export function inApplyOrder<T extends { readonly reference: ObjectReference }>(objects: readonly T[]): T[] {
  return objects.toSorted((a, b) => rank(a.reference) - rank(b.reference));
}

/** In the order to delete in: what needs others goes first. */
export function inDeleteOrder<T extends { readonly reference: ObjectReference }>(objects: readonly T[]): T[] {
  return inApplyOrder(objects).toReversed();
}
