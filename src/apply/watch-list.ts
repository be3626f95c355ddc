import { permissionTo } from '../cluster/permissions.ts';
import { apiGroup, type ObjectReference, type ResourceType, resources } from '../cluster/resources.ts';
import type { Permission } from '../core/permission.ts';

/** Kinds whose pods tell why they are not ready. */
const withPods = new Set([
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'Job',
  'Pod',
]);

const settledKinds = new Set([
  '/ConfigMap',
  '/Secret',
  '/ServiceAccount',
  '/ResourceQuota',
  '/LimitRange',
  'batch/CronJob',
]);
const settledGroups = new Set([
  'admissionregistration.k8s.io',
  'autoscaling',
  'discovery.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
]);

/** The objects that are not done once they exist. The others are not watched, so no right to list Secrets is needed. */
export function waitedFor(references: readonly ObjectReference[]): ObjectReference[] {
  return references.filter(({ type }) => {
    const group = apiGroup(type);
    return !settledGroups.has(group) && !settledKinds.has(`${group}/${type.kind}`);
  });
}

/** The rights needed to wait for these objects. */
export function waitPermissions(all: readonly ObjectReference[]): Permission[] {
  const references = waitedFor(all);
  return [
    ...sourcesOf(references).map(({ type, namespace }) => permissionTo(['get', 'list', 'watch'], type, namespace)),
    ...namespacesWithPods(references).map((namespace) => ({
      ...permissionTo(['get'], resources.pod, namespace),
      subresource: 'log',
    })),
  ];
}

interface Source {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly fieldSelector?: string;
}

/** What to watch: each kind once a namespace, and the pods, events and ReplicaSets that explain why a workload is not ready. */
export function sourcesOf(references: readonly ObjectReference[]): Source[] {
  const kinds = Map.groupBy(references, ({ type, namespace }) => keyOf(type, namespace));
  const asked = [...kinds.values()].flatMap(([first, ...rest]): Source[] => {
    if (!first) return [];
    const { type, namespace, name } = first;
    return [{ type, namespace, ...(rest.length === 0 && { fieldSelector: `metadata.name=${name}` }) }];
  });
  const around = namespacesWithPods(references).flatMap((namespace): Source[] => [
    { type: resources.pod, namespace },
    { type: resources.event, namespace, fieldSelector: 'type=Warning' },
    ...(references.some(({ type, namespace: own }) => type.kind === 'Deployment' && own === namespace)
      ? [{ type: resources.replicaSet, namespace }]
      : []),
  ]);
  // Skips a source of a kind that is watched as a whole anyway.
  const whole = new Set(around.map(({ type, namespace }) => keyOf(type, namespace)));
  return [...asked.filter(({ type, namespace }) => !whole.has(keyOf(type, namespace))), ...around];
}

export function namespacesWithPods(references: readonly ObjectReference[]): string[] {
  return [...new Set(references.filter(({ type }) => withPods.has(type.kind)).map(({ namespace }) => namespace))];
}

/** The key of a kind in a namespace. */
export function keyOf(type: ResourceType, namespace: string): string {
  return `${type.apiVersion} ${type.plural} ${namespace}`;
}
