import { waitPermissions } from '../../apply/watch-list.ts';
import { permissionsToNamed, permissionTo } from '../../cluster/permissions.ts';
import { resources } from '../../cluster/resources.ts';
import type { DocumentedRole, ExamplePlace } from '../../runner/define.ts';

/** The Role for a release whose chart has the objects of an ordinary service. */
export function helmRoles({ namespace }: ExamplePlace): DocumentedRole[] {
  const { service, configMap, secret, deployment, lease, ingress, horizontalPodAutoscaler, job } = resources;
  const chart = [service, configMap, deployment, ingress, horizontalPodAutoscaler, job];
  const all = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
  const workload = [{ type: deployment, namespace, name: 'checkout' }];
  const permissions = [
    ...[...chart, secret].map((type) => permissionTo(all, type, namespace)),
    ...permissionsToNamed(['get', 'create', 'update', 'patch'], {
      type: lease,
      namespace,
      name: 'sluice-helm-checkout',
    }),
    ...waitPermissions(workload),
  ];
  return [{ title: 'An ordinary service', permissions }];
}
