import { expect, it } from 'vitest';
import { withDefaultLabels } from '../../../src/apply/default-labels.ts';
import type { DeployObject } from '../../../src/apply/objects.ts';

const podLabels = { app: 'shop' };

function workload(apiVersion: string, kind: string, labels: unknown, spec: unknown): DeployObject {
  return {
    reference: { type: { apiVersion, kind, plural: '' }, namespace: 'shop', name: 'web' },
    manifest: { apiVersion, kind, metadata: { name: 'web', namespace: 'shop', labels }, spec },
    source: 'app.yaml',
  };
}

const labelsOf = (object: DeployObject) => withDefaultLabels(object).manifest.metadata.labels;
const template = { template: { metadata: { labels: podLabels } } };

it.each([
  ['v1', 'ReplicationController'],
  ['batch/v1', 'Job'],
])('without labels, a %s %s gets those of its pods, as the API server gives them', (apiVersion, kind) => {
  expect(labelsOf(workload(apiVersion, kind, undefined, template))).toEqual(podLabels);
  expect(labelsOf(workload(apiVersion, kind, {}, template))).toEqual(podLabels);
});

it('no other object gets labels', () => {
  expect(labelsOf(workload('apps/v1', 'Deployment', undefined, template))).toBeUndefined();
  expect(labelsOf(workload('batch/v1', 'Job', { own: 'label' }, template))).toEqual({ own: 'label' });
  expect(labelsOf(workload('batch/v1', 'Job', undefined, { template: {} }))).toBeUndefined();
});
