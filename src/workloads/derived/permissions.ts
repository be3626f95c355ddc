import { permissionsToNamed, permissionTo } from '../../cluster/permissions.ts';
import { resources } from '../../cluster/resources.ts';
import type { Permission } from '../../core/permission.ts';
import { detailsPermissions } from '../pod-details.ts';
import { selectorPermissions } from '../refusals/other-selectors.ts';
import { workloadType } from '../workload.ts';
import { placesOf } from './config.ts';
import type { DerivedRelease } from './release.ts';

/** The rights that a derived canary needs for what this release has. */
export function derivedPermissions(namespace: string, release: DerivedRelease): Permission[] {
  const { workload: wanted } = release;
  const kinds = 'kind' in wanted ? [workloadType(wanted.kind)] : [resources.deployment, resources.statefulSet];
  const own = ['get', 'create', 'patch', 'delete'];
  const config = release.config.flatMap(({ kind, metadata: { name } }) => {
    const { original, copy, backup } = placesOf({ kind, name }, namespace);
    return [
      ...permissionsToNamed(['get', 'patch'], original),
      ...[copy, backup].flatMap((place) => permissionsToNamed(own, place)),
    ];
  });
  const statefulSets = kinds.some(({ kind }) => kind === 'StatefulSet');
  return [
    ...kinds.map((type) => permissionTo([...own, 'list', 'watch'], type, namespace)),
    permissionTo(['list', 'watch'], resources.pod, namespace),
    ...detailsPermissions(namespace),
    permissionTo(['list', 'watch'], resources.endpointSlice, namespace),
    permissionTo([...own, 'list'], resources.service, namespace),
    permissionTo([...own, 'list'], resources.horizontalPodAutoscaler, namespace),
    permissionTo([...own, 'list'], resources.podDisruptionBudget, namespace),
    ...(release.istio && !release.joinService
      ? [permissionTo([...own, 'list'], resources.destinationRule, namespace)]
      : []),
    ...config,
    ...(statefulSets ? [permissionTo(['list'], resources.event, namespace)] : []),
    // The kept versions are read because an undo writes no other image.
    ...kinds.map(({ kind }) =>
      permissionTo(['list'], kind === 'StatefulSet' ? resources.controllerRevision : resources.replicaSet, namespace),
    ),
    ...selectorPermissions(namespace),
    { ...permissionTo(['get'], resources.persistentVolumeClaim, namespace), optional: true },
    { ...permissionTo(['list'], resources.lease, namespace), optional: true },
  ];
}
