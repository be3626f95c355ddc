import { stringify } from 'yaml';
import { SluiceError } from '../core/errors.ts';
import type { Permission } from '../core/permission.ts';
import type { KubernetesClient } from './client.ts';
import { apiGroup, type ObjectReference, type ResourceType } from './resources.ts';

/** The right to use these verbs on a kind of object. */
export function permissionTo(verbs: readonly string[], type: ResourceType, namespace: string): Permission {
  return { apiGroup: apiGroup(type), resource: type.plural, verbs, namespace };
}

/**
 * Rights on one object. RBAC ignores names in `create`, so that right is a separate one.
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
 */
export function permissionsToNamed(
  verbs: readonly string[],
  { type, namespace, name }: ObjectReference,
): readonly Permission[] {
  const named = verbs.filter((verb) => verb !== 'create');
  return [
    ...(named.length < verbs.length ? [permissionTo(['create'], type, namespace)] : []),
    ...(named.length > 0 ? [{ ...permissionTo(named, type, namespace), name }] : []),
  ];
}

/** Merges rights so that each resource is listed once in a namespace, in a fixed order. */
export function mergePermissions(permissions: readonly Permission[]): Permission[] {
  const groups = Map.groupBy(
    permissions,
    ({ namespace, apiGroup, resource, subresource = '', optional = false, name = '' }) =>
      [namespace, apiGroup, resource, subresource, optional, name].join(' '),
  );
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, [first, ...rest]]) => {
      if (!first) return [];
      const verbs = new Set([first, ...rest].flatMap((permission) => permission.verbs));
      return [{ ...first, verbs: [...verbs].sort((a, b) => verbOrder.indexOf(a) - verbOrder.indexOf(b)) }];
    });
}

const verbOrder = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];

/**
 * The RBAC Roles that grant these rights, as YAML documents: one for each namespace, and a ClusterRole for kinds without a
 * namespace.
 */
export function renderRoles(permissions: readonly Permission[], name = 'sluice'): string {
  const all = mergePermissions(permissions.map(({ optional: _, ...permission }) => permission));
  const namespaces = Map.groupBy(all, ({ namespace }) => namespace);
  return [...namespaces]
    .map(([namespace, rules]) =>
      stringify({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: namespace === '' ? 'ClusterRole' : 'Role',
        metadata: { name, ...(namespace !== '' && { namespace }) },
        rules: rules.map(({ apiGroup, verbs, name: only, ...rule }) => ({
          apiGroups: [apiGroup],
          resources: [resourceName(rule)],
          ...(only !== undefined && { resourceNames: [only] }),
          verbs,
        })),
      }),
    )
    .join('---\n');
}

/** Placeholder for an unknown user: a binding with it must be edited before it is applied. */
const NOBODY = 'THE_USER_OF_THE_KUBECONFIG';

/**
 * The Roles, and their bindings to a user, as YAML documents.
 *
 * @param username as the API server names it: `system:serviceaccount:ci:release` is a service account
 */
export function renderRights(permissions: readonly Permission[], username = NOBODY, name = 'sluice'): string {
  const [, ownNamespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username) ?? [];
  const subject =
    account === undefined
      ? { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: username }
      : { kind: 'ServiceAccount', name: account, namespace: ownNamespace };
  const namespaces = new Set(mergePermissions(permissions).map(({ namespace }) => namespace));
  const bindings = [...namespaces].map((namespace) => {
    const kind = namespace === '' ? 'ClusterRole' : 'Role';
    return stringify({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: `${kind}Binding`,
      metadata: { name, ...(namespace !== '' && { namespace }) },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
      subjects: [subject],
    });
  });
  return [renderRoles(permissions, name), ...bindings].join('---\n');
}

/**
 * Checks every right that a release needs with the API server, before anything else is done.
 *
 * @throws SluiceError `forbidden`, a single error for all missing rights, with the Roles to add
 */
export async function checkPermissions(
  client: KubernetesClient,
  permissions: readonly Permission[],
  signal: AbortSignal,
): Promise<void> {
  const needed = mergePermissions(permissions);
  const required = mergePermissions(permissions.filter(({ optional }) => !optional));
  const answers = await Promise.all(
    required.map(async (permission) => ({ permission, verbs: await client.missingVerbs(permission, signal) })),
  );
  const missing = answers.filter(({ verbs }) => verbs.length > 0);
  if (missing.length === 0) return;
  const lines = missing.map(
    ({ permission, verbs }) => `${verbs.join(', ')} ${resourceName(permission)}${place(permission)}`,
  );
  throw new SluiceError('forbidden', {
    about: 'permissions in the cluster',
    problem: `are missing: ${lines.join('; ')}.`,
    next: `Let an administrator of the cluster apply this, by kubectl apply -f FILE:\n${renderRights(needed, await client.username(signal))}`,
  });
}

function place({ namespace, name }: Permission): string {
  const which = name === undefined ? '' : ` ${name}`;
  return `${which}${namespace === '' ? ' in the whole cluster' : ` in namespace ${namespace}`}`;
}

function resourceName({ resource, subresource }: Pick<Permission, 'resource' | 'subresource'>): string {
  return subresource === undefined ? resource : `${resource}/${subresource}`;
}
