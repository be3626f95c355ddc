import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { isReady, pod } from '../cluster/pods.ts';
import { readObject } from '../cluster/read-object.ts';
import { resources } from '../cluster/resources.ts';
import { kubernetesObject } from '../cluster/schema.ts';
import { selectorText } from '../cluster/selectors.ts';
import { templateRevision } from './revision.ts';
import { type PodTemplate, podTemplate, type Workload } from './workload.ts';

const REVISION = 'deployment.kubernetes.io/revision';

/** The labels by which controllers distinguish pods of different templates. */
const hashLabels = { Deployment: 'pod-template-hash', StatefulSet: 'controller-revision-hash' } as const;

const replicaSet = z.looseObject({ ...kubernetesObject.shape, spec: z.looseObject({ template: podTemplate }) });

const controllerRevision = z.looseObject({
  ...kubernetesObject.shape,
  revision: z.number(),
  data: z.looseObject({ spec: z.looseObject({ template: podTemplate.extend({ $patch: z.string().optional() }) }) }),
});

/** A pod template that a workload has or had. */
export interface KeptTemplate {
  readonly number: number;
  /** Its `templateRevision`. */
  readonly id: string;
  readonly template: PodTemplate;
  /** `pod-template-hash=6d4b75cb6d`: the label of its pods. */
  readonly label: string;
}

/** A pod template with its ready pods. */
export interface RunTemplate extends KeptTemplate {
  /** Pods of this template that are ready now. */
  readonly ready: number;
}

/**
 * The templates that the cluster keeps of a workload, newest first: from a Deployment's ReplicaSets, or a StatefulSet's
 * ControllerRevisions. The workload's `revisionHistoryLimit` limits their number.
 */
export async function keptTemplates(
  client: KubernetesClient,
  namespace: string,
  workload: Workload,
  signal: AbortSignal,
): Promise<KeptTemplate[]> {
  const labelSelector = selectorText(workload.spec.selector);
  const kept = await (workload.kind === 'Deployment' ? ofReplicaSets : ofControllerRevisions)(
    client,
    namespace,
    labelSelector,
    signal,
  );
  return kept
    .filter(({ owners }) => owners.some(({ uid, controller }) => controller && uid === workload.metadata.uid))
    .map(({ owners: _, hash, ...rest }) => ({
      ...rest,
      id: templateRevision(rest.template),
      label: `${hashLabels[workload.kind]}=${hash}`,
    }))
    .sort((a, b) => b.number - a.number);
}

/** As `keptTemplates`, with the number of ready pods of each. */
export async function runTemplates(
  client: KubernetesClient,
  namespace: string,
  workload: Workload,
  signal: AbortSignal,
): Promise<RunTemplate[]> {
  const labelSelector = selectorText(workload.spec.selector);
  const [kept, pods] = await Promise.all([
    keptTemplates(client, namespace, workload, signal),
    client.list(resources.pod, namespace, { labelSelector }, signal),
  ]);
  const label = hashLabels[workload.kind];
  const ready = pods.map((object) => readObject(object, pod)).filter(isReady);
  const readyOf = (template: KeptTemplate) =>
    ready.filter(({ metadata }) => `${label}=${metadata.labels?.[label]}` === template.label).length;
  return kept.map((template) => ({ ...template, ready: readyOf(template) }));
}

async function ofReplicaSets(client: KubernetesClient, namespace: string, labelSelector: string, signal: AbortSignal) {
  const found = await client.list(resources.replicaSet, namespace, { labelSelector }, signal);
  return found.map((object) => {
    const { metadata, spec } = readObject(object, replicaSet);
    const { [hashLabels.Deployment]: hash = '', ...labels } = spec.template.metadata?.labels ?? {};
    return {
      number: Number(metadata.annotations?.[REVISION] ?? 0),
      // Removes the label that the controller adds to the Deployment's template.
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
      hash,
      owners: metadata.ownerReferences ?? [],
    };
  });
}

async function ofControllerRevisions(
  client: KubernetesClient,
  namespace: string,
  labelSelector: string,
  signal: AbortSignal,
) {
  const found = await client.list(resources.controllerRevision, namespace, { labelSelector }, signal);
  return found.map((object) => {
    const { metadata, revision, data } = readObject(object, controllerRevision);
    // A ControllerRevision holds a strategic merge patch that replaces the whole template.
    const { $patch: _, ...template } = data.spec.template;
    return { number: revision, template, hash: metadata.name, owners: metadata.ownerReferences ?? [] };
  });
}
