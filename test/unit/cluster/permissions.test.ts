import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { mergePermissions, permissionTo, renderRights, renderRoles } from '../../../src/cluster/permissions.ts';
import { resources } from '../../../src/cluster/resources.ts';

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
});
