import type { InventoryStore } from '../apply/inventory.ts';
import type { DeployObject } from '../apply/objects.ts';
import { waitPermissions } from '../apply/watch-list.ts';
import { permissionTo } from '../cluster/permissions.ts';
import { resources } from '../cluster/resources.ts';
import type { Permission } from '../core/permission.ts';
import type { DeployOptions } from './world.ts';

/** The rights that a deployment of these objects needs. */
export function deployPermissions(
  objects: readonly DeployObject[],
  { wait, undoOnFailure, createNamespace }: DeployOptions,
  store: Pick<InventoryStore, 'permissions'>,
): Permission[] {
  const references = objects.map(({ reference }) => reference);
  return [
    ...store.permissions,
    ...references.flatMap(({ type, namespace: own }) => [
      permissionTo(['get', 'create', 'patch'], type, own),
      ...(undoOnFailure ? [permissionTo(['update', 'delete'], type, own)] : []),
    ]),
    ...(wait ? waitPermissions(references) : []),
    ...(createNamespace ? [permissionTo(['get', 'create'], resources.namespace, '')] : []),
  ];
}
