import { permissionTo } from '../../cluster/permissions.ts';
import { resources } from '../../cluster/resources.ts';
import type { Permission } from '../../core/permission.ts';
import { detailsPermissions } from '../pod-details.ts';
import { type WorkloadInput, workloadType } from '../workload.ts';
import type { ExistingWorkloads } from './inspect.ts';

/** The rights that a rollout of two existing workloads needs. */
export function existingPermissions(
  namespace: string,
  { stable, canary, joinService }: ExistingWorkloads,
): Permission[] {
  const typesOf = (given: WorkloadInput) =>
    'kind' in given ? [workloadType(given.kind)] : [resources.deployment, resources.statefulSet];
  const all = new Set([...typesOf(stable), ...typesOf(canary)]);
  const scaled = joinService ? [] : typesOf(canary);
  return [
    ...[...all].map((type) => permissionTo(['get', 'list', 'watch'], type, namespace)),
    ...scaled.map((type) => permissionTo(['patch'], type, namespace)),
    permissionTo(['list', 'watch'], resources.pod, namespace),
    ...detailsPermissions(namespace),
    permissionTo(['list', 'watch'], resources.endpointSlice, namespace),
    permissionTo(['list'], resources.service, namespace),
    permissionTo(joinService ? ['list'] : ['get', 'list', 'patch'], resources.horizontalPodAutoscaler, namespace),
    ...([...all].some(({ kind }) => kind === 'StatefulSet')
      ? [permissionTo(['list'], resources.event, namespace)]
      : []),
  ];
}
