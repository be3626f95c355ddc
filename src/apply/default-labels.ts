import * as z from 'zod';
import type { DeployObject } from './objects.ts';

const labels = z.record(z.string(), z.string());
const hasLabels = z.looseObject({
  metadata: z.looseObject({ labels: labels.refine((own) => Object.keys(own).length > 0) }),
});
const hasTemplate = z.looseObject({
  spec: z.looseObject({ template: z.looseObject({ metadata: z.looseObject({ labels }) }) }),
});

/** https://github.com/kubernetes/kubernetes: SetDefaults_ReplicationController in pkg/apis/core/v1, SetDefaults_Job in pkg/apis/batch/v1 */
const labelledByDefault = new Set(['v1 ReplicationController', 'batch/v1 Job']);

/**
 * Gives an object without labels those of its pod template, as the API server would. The API server does not do so any
 * more once Sluice has added a label.
 */
export function withDefaultLabels(object: DeployObject): DeployObject {
  const { manifest } = object;
  if (!labelledByDefault.has(`${manifest.apiVersion} ${manifest.kind}`) || hasLabels.safeParse(manifest).success) {
    return object;
  }
  const template = hasTemplate.safeParse(manifest).data?.spec.template;
  if (!template) return object;
  return { ...object, manifest: { ...manifest, metadata: { ...manifest.metadata, labels: template.metadata.labels } } };
}
