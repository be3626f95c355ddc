import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { lastManager, refuseGitOps } from '../../../src/cluster/gitops.ts';
import { resources } from '../../../src/cluster/resources.ts';
import { kubernetesObject } from '../../../src/cluster/schema.ts';
import { isSluiceError } from '../../../src/core/errors.ts';

const reference = { type: resources.virtualService, namespace: 'shop', name: 'checkout' };
const fields = {
  path: ['spec', 'http'],
  appliedWith: ['spec'],
  pointers: ['/spec/http/0/route'],
  jq: ['.spec.http[]?.route[]?.weight'],
};

function virtualService(managers: readonly { manager: string; fields: object; time?: string }[], annotations = {}) {
  return kubernetesObject.parse({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: {
      name: 'checkout',
      namespace: 'shop',
      annotations,
      managedFields: managers.map(({ manager, fields, time = '2026-01-01T00:00:00Z' }) => ({
        manager,
        operation: 'Update',
        time,
        fieldsV1: fields,
      })),
    },
  });
}

const http = { 'f:spec': { 'f:http': {} } };
const hosts = { 'f:spec': { 'f:hosts': {} } };
const labels = { 'f:metadata': { 'f:labels': { 'f:app': {} } } };

function refusal(object: ReturnType<typeof virtualService>) {
  try {
    refuseGitOps(object, reference, fields);
  } catch (error) {
    if (isSluiceError(error)) return error;
    throw error;
  }
  return undefined;
}

/** The YAML that an error tells the user to add. */
function rule(object: ReturnType<typeof virtualService>): unknown {
  const text = refusal(object)?.next ?? '';
  return parse(text.slice(text.indexOf('\nspec:')));
}

const target = { group: 'networking.istio.io', kind: 'VirtualService', name: 'checkout', namespace: 'shop' };

describe('a route that a GitOps controller applies', () => {
  test.each(['argocd-controller', 'argocd-application-controller'])('%s: the rule for the Application', (manager) => {
    const object = virtualService([{ manager, fields: http }]);
    expect(refusal(object)).toMatchObject({ code: 'unsupported', about: 'VirtualService shop/checkout' });
    expect(refusal(object)?.message).toContain(`Argo CD (field manager "${manager}")`);
    expect(rule(object)).toEqual({
      spec: {
        ignoreDifferences: [{ ...target, jqPathExpressions: ['.spec.http[]?.route[]?.weight'] }],
        syncPolicy: { syncOptions: ['RespectIgnoreDifferences=true'] },
      },
    });
  });

  test('kustomize-controller: the rule for the Kustomization, and what older versions need', () => {
    const object = virtualService([{ manager: 'kustomize-controller', fields: http }]);
    expect(rule(object)).toEqual({ spec: { ignore: [{ paths: ['/spec/http/0/route'], target }] } });
    expect(refusal(object)?.next).toContain('kustomize.toolkit.fluxcd.io/ssa: IfNotPresent');
  });

  test('helm-controller: the rule for the HelmRelease', () => {
    const object = virtualService([{ manager: 'helm-controller', fields: http }]);
    expect(rule(object)).toEqual({ spec: { driftDetection: { ignore: [{ paths: ['/spec/http/0/route'], target }] } } });
  });

  test('is found also when an earlier rollout has become the manager of the weights', () => {
    const object = virtualService([
      { manager: 'kustomize-controller', fields: hosts },
      { manager: 'sluice', fields: http },
    ]);
    expect(refusal(object)).toBeDefined();
  });

  test.each([
    ['kustomize-controller', { 'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent' }],
    ['kustomize-controller', { 'kustomize.toolkit.fluxcd.io/reconcile': 'disabled' }],
    ['helm-controller', { 'helm.toolkit.fluxcd.io/driftDetection': 'disabled' }],
  ])('%s leaves an object with %o alone', (manager, annotations) => {
    expect(refusal(virtualService([{ manager, fields: http }], annotations))).toBeUndefined();
  });

  test('is none where the controller only labels it, or people and Helm write it', () => {
    const managers = [
      { manager: 'argocd-controller', fields: labels },
      { manager: 'kubectl-edit', fields: http },
      { manager: 'helm', fields: http },
    ];
    expect(refusal(virtualService(managers))).toBeUndefined();
  });
});

test('the last manager of a field is the newest one that is not Sluice', () => {
  const object = virtualService([
    { manager: 'helm', fields: http, time: '2026-01-01T00:00:00Z' },
    { manager: 'kubectl-edit', fields: http, time: '2026-01-03T00:00:00Z' },
    { manager: 'sluice', fields: http, time: '2026-01-04T00:00:00Z' },
    { manager: 'kubectl-label', fields: labels, time: '2026-01-05T00:00:00Z' },
  ]);
  expect(lastManager(object, ['spec', 'http'])).toBe('kubectl-edit');
  expect(lastManager(object, ['spec', 'tcp'])).toBeUndefined();
});
