import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { condition as conditionSchema } from '../cluster/conditions.ts';
import { readObject } from '../cluster/read-object.ts';
import { describe, type ObjectReference, resources } from '../cluster/resources.ts';
import { type KubernetesObject, kubernetesObject } from '../cluster/schema.ts';
import { labelSelector } from '../cluster/selectors.ts';
import { SluiceError } from '../core/errors.ts';

const container = z.looseObject({ name: z.string(), image: z.string().optional() });

export const podTemplate = z.looseObject({
  metadata: z
    .looseObject({
      labels: z.record(z.string(), z.string()).optional(),
      annotations: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
  spec: z.looseObject({ containers: z.array(container), initContainers: z.array(container).optional() }),
});
export type PodTemplate = z.infer<typeof podTemplate>;

const count = z.number().default(0);

/** A Deployment or StatefulSet, with the fields that Sluice reads; other fields are kept. */
export const workload = z.looseObject({
  ...kubernetesObject.shape,
  kind: z.enum(['Deployment', 'StatefulSet']),
  spec: z.looseObject({
    replicas: z.number().default(1),
    selector: labelSelector,
    template: podTemplate,
    paused: z.boolean().optional(),
    revisionHistoryLimit: z.number().optional(),
    updateStrategy: z
      .looseObject({
        type: z.string().optional(),
        rollingUpdate: z.looseObject({ partition: z.number().optional() }).optional(),
      })
      .optional(),
    volumeClaimTemplates: z.array(z.unknown()).optional(),
  }),
  status: z
    .looseObject({
      observedGeneration: count,
      replicas: count,
      updatedReplicas: count,
      readyReplicas: count,
      availableReplicas: count,
      conditions: z.array(conditionSchema).default([]),
    })
    .prefault({}),
});
export type Workload = z.infer<typeof workload>;
export type WorkloadKind = Workload['kind'];

export function workloadType(kind: WorkloadKind) {
  return kind === 'Deployment' ? resources.deployment : resources.statefulSet;
}

export function referenceTo(
  named: { readonly kind: WorkloadKind; readonly name: string },
  namespace: string,
): ObjectReference {
  return { type: workloadType(named.kind), namespace, name: named.name };
}

export function referenceOf({ kind, metadata }: Workload, namespace: string): ObjectReference {
  return referenceTo({ kind, name: metadata.name }, namespace);
}

/** How an input names a workload: `deployment/checkout`, `statefulset/checkout`, or a label selector. */
export type WorkloadInput = { readonly kind: WorkloadKind; readonly name: string } | { readonly selector: string };

/**
 * Reads the text of an input. A label selector looks among Deployments and StatefulSets.
 *
 * @param input name of the input, for the error
 * @throws SluiceError `invalid-input`
 */
export function parseWorkloadInput(text: string, input: string): WorkloadInput {
  const wanted = text.trim();
  const [, other] =
    /^(daemonset|ds|job|cronjob|cj|pod|po|replicaset|rs|replicationcontroller|rc|rollout)\/./i.exec(wanted) ?? [];
  if (other !== undefined) throw unsupportedKind(text, input);
  const [, kind = '', name = ''] = /^(deployment|deploy|statefulset|sts)\/([a-z0-9][-a-z0-9.]*)$/i.exec(wanted) ?? [];
  if (name !== '') return { kind: /^d/i.test(kind) ? 'Deployment' : 'StatefulSet', name };
  if (/=|\s(not)?in\s*\(/.test(wanted)) return { selector: wanted };
  throw new SluiceError('invalid-input', {
    about: `input "${input}"`,
    problem: `"${text}" names no workload.`,
    next: 'Write deployment/NAME, statefulset/NAME, or a label selector such as app=checkout,track=canary.',
  });
}

function unsupportedKind(text: string, input: string): SluiceError {
  return new SluiceError('invalid-input', {
    about: `input "${input}"`,
    problem: `"${text}" is of a kind of which no second one can serve a share of the requests.`,
    next: 'Name a Deployment or a StatefulSet: deployment/NAME or statefulset/NAME.',
  });
}

/**
 * The one workload that an input names.
 *
 * @throws SluiceError `not-found` with the workloads that exist, also if a selector matches none or more than one
 */
export async function findWorkload(
  { client, namespace }: { readonly client: KubernetesClient; readonly namespace: string },
  wanted: WorkloadInput,
  input: string,
  signal: AbortSignal,
): Promise<Workload> {
  if ('name' in wanted) {
    const reference = referenceTo(wanted, namespace);
    const found = await client.find(reference, signal);
    if (found) return readObject(found, workload);
    throw new SluiceError('not-found', {
      about: describe(reference),
      problem: 'does not exist.',
      next: await whatToDo(client, namespace, input, signal),
    });
  }
  const matches = await listWorkloads(client, namespace, wanted.selector, signal);
  const [only] = matches;
  if (only && matches.length === 1) return readObject(only, workload);
  throw new SluiceError('not-found', {
    about: `input "${input}" (${wanted.selector})`,
    problem: only
      ? `picks ${matches.length} workloads in namespace ${namespace}: ${namesOf(matches)}.`
      : `picks no Deployment and no StatefulSet in namespace ${namespace}.`,
    next: only ? 'Name one of them, as deployment/NAME.' : await whatToDo(client, namespace, input, signal),
  });
}

async function listWorkloads(client: KubernetesClient, namespace: string, selector: string, signal: AbortSignal) {
  const query = selector === '' ? {} : { labelSelector: selector };
  const lists = await Promise.all([
    client.list(resources.deployment, namespace, query, signal),
    client.list(resources.statefulSet, namespace, query, signal),
  ]);
  return lists.flat();
}

async function whatToDo(client: KubernetesClient, namespace: string, input: string, signal: AbortSignal) {
  const first =
    'If this is the first release, deploy it once without a canary: there is no stable version to compare with.';
  const candidates = await listWorkloads(client, namespace, '', signal);
  if (candidates.length === 0) return `Namespace ${namespace} holds no workload at all. ${first}`;
  return `Set "${input}" to one of ${namesOf(candidates)}. ${first}`;
}

function namesOf(objects: readonly KubernetesObject[]): string {
  const shown = objects.slice(0, 10).map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`);
  return shown.join(', ') + (objects.length > shown.length ? ` and ${objects.length - shown.length} more` : '');
}

/**
 * Refuses a stable workload that is not available: the rollout needs a version to compare with and to go back to.
 *
 * @throws SluiceError `not-ready`
 */
export function refuseUnavailable(stable: Workload, namespace: string): void {
  const { spec, status } = stable;
  const available = status.conditions.find(({ type }) => type === 'Available');
  if (status.readyReplicas > 0 && available?.status !== 'False') return;
  throw new SluiceError('not-ready', {
    about: describe(referenceOf(stable, namespace)),
    problem: `is not available: ${status.readyReplicas} of ${spec.replicas} pods are ready, and a release needs a stable version to go back to.`,
    next: 'Repair it first, or deploy the new version without a canary.',
  });
}

/** The controller that owns a workload and resets what others change in it. */
export function ownerOf({ metadata }: KubernetesObject): string | undefined {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner) return `${owner.kind} ${owner.name}`;
  // OLM, the lifecycle manager of operators, marks its Deployments by labels, without a controller among their owner
  // references.
  const operator = metadata.labels?.['olm.owner'];
  return operator === undefined ? undefined : `${metadata.labels?.['olm.owner.kind'] ?? 'operator'} ${operator}`;
}

/**
 * Refuses a workload whose owner would reset it.
 *
 * @throws SluiceError `unsupported`
 */
export function refuseOwned(found: Workload, namespace: string): void {
  const owner = ownerOf(found);
  if (owner === undefined) return;
  throw new SluiceError('unsupported', {
    about: describe(referenceOf(found, namespace)),
    problem: `belongs to ${owner}, whose controller sets back what others change: nothing that is written would last.`,
    next: `Release by changing ${owner}, or run two of its kind and name their workloads as "stable" and "canary".`,
  });
}

/** Whether every pod is available and of the current template, and the controller has observed the current spec. */
export function isRolledOut({ kind, metadata, spec, status }: Workload): boolean {
  return (
    status.observedGeneration >= (metadata.generation ?? 0) &&
    status.updatedReplicas >= spec.replicas &&
    status.replicas <= status.updatedReplicas &&
    (kind === 'Deployment' ? status.availableReplicas : status.readyReplicas) >= spec.replicas
  );
}

/** The image of every container, including init containers. */
export function imagesOf({ spec }: PodTemplate): Map<string, string | undefined> {
  return new Map([...(spec.initContainers ?? []), ...spec.containers].map(({ name, image }) => [name, image]));
}
