import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import {
  checkPermissions,
  mergePermissions,
  permissionsToNamed,
  permissionTo,
  renderRights,
  renderRoles,
} from '../../../src/cluster/permissions.ts';
import { resources } from '../../../src/cluster/resources.ts';
import { startEmbeddedCluster } from '../../support/embedded-cluster.ts';

const permissions = [
  permissionTo(['patch', 'get'], resources.deployment, 'shop'),
  { apiGroup: '', resource: 'pods', subresource: 'proxy', verbs: ['get'], namespace: 'shop' },
  permissionTo(['list'], resources.pod, 'shop'),
  permissionTo(['get', 'watch'], resources.deployment, 'shop'),
  permissionTo(['get'], resources.service, 'mesh'),
];

describe('permissions', () => {
  test('are merged to one for each resource, subresources apart', () => {
    expect(
      mergePermissions(permissions).map(({ resource, subresource, verbs }) => [resource, subresource, verbs]),
    ).toEqual([
      ['services', undefined, ['get']],
      ['pods', undefined, ['list']],
      ['pods', 'proxy', ['get']],
      ['deployments', undefined, ['get', 'watch', 'patch']],
    ]);
  });

  test('are rendered together with the bindings of whom they are for', () => {
    const rights = parseAllDocuments(renderRights(permissions, 'system:serviceaccount:ci:release')).map((document) =>
      document.toJS(),
    );
    expect(rights.map(({ kind, metadata }) => `${kind} ${metadata.namespace}`)).toEqual([
      'Role mesh',
      'Role shop',
      'RoleBinding mesh',
      'RoleBinding shop',
    ]);
    expect(rights.at(-1)).toMatchObject({
      roleRef: { kind: 'Role', name: 'sluice' },
      subjects: [{ kind: 'ServiceAccount', name: 'release', namespace: 'ci' }],
    });
    expect(renderRights(permissions, 'alice@acme.example')).toContain('name: alice@acme.example');
    expect(renderRights(permissions)).toContain('kind: User\n    name: THE_USER_OF_THE_KUBECONFIG');
  });

  test('are rendered as a Role for each namespace', () => {
    const roles = parseAllDocuments(renderRoles(permissions)).map((document) => document.toJS());
    expect(roles).toEqual([
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'sluice', namespace: 'mesh' },
        rules: [{ apiGroups: [''], resources: ['services'], verbs: ['get'] }],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'sluice', namespace: 'shop' },
        rules: [
          { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
          { apiGroups: [''], resources: ['pods/proxy'], verbs: ['get'] },
          { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'watch', 'patch'] },
        ],
      },
    ]);
  });

  const named = permissionsToNamed(['get', 'create', 'patch'], {
    type: resources.configMap,
    namespace: 'shop',
    name: 'sluice-checkout',
  });

  test('on one object are rendered with its name, and the right to create apart, which knows no name', () => {
    const [role] = parseAllDocuments(renderRoles(named)).map((document) => document.toJS());
    expect(role.rules).toEqual([
      { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
      { apiGroups: [''], resources: ['configmaps'], resourceNames: ['sluice-checkout'], verbs: ['get', 'patch'] },
    ]);
  });

  test('on one object are asked for by its name, and named where they are missing', async () => {
    const cluster = await startEmbeddedCluster({});
    const signal = new AbortController().signal;
    try {
      await checkPermissions(cluster.clientWith(named), named, signal);
      const other = named.map((permission) => ({ ...permission, ...(permission.name && { name: 'sluice-payments' }) }));
      await expect(checkPermissions(cluster.clientWith(other), named, signal)).rejects.toMatchObject({
        code: 'forbidden',
        problem: 'are missing: get, patch configmaps sluice-checkout in namespace shop.',
        next: expect.stringContaining('resourceNames'),
      });
    } finally {
      await cluster.stop();
    }
  });
});
