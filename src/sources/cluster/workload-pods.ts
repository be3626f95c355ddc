import * as z from 'zod';
import type { KubernetesClient } from '../../cluster/client.ts';
import { readObject } from '../../cluster/read-object.ts';
import { apiGroup, describe, resources } from '../../cluster/resources.ts';
import { type KubernetesObject, kubernetesObject } from '../../cluster/schema.ts';
import { labelSelector, selectorText } from '../../cluster/selectors.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Permission } from '../../core/permission.ts';

export const workloadTypes = {
  deployment: resources.deployment,
  statefulset: resources.statefulSet,
  daemonset: resources.daemonSet,
} as const;
export type WorkloadKind = keyof typeof workloadTypes;

/** Pods by what runs them, or by their labels. */
export type PodTarget =
  | { readonly kind: WorkloadKind; readonly name: string }
  /** As `kubectl --selector` takes it: `app=checkout`. */
  | { readonly selector: string };

export interface PodPlace {
  readonly client: Pick<KubernetesClient, 'find' | 'list'>;
  readonly namespace: string;
}

/** Names of workloads that an error lists. */
const MOST_LISTED = 8;

const workload = z.looseObject({
  ...kubernetesObject.shape,
  spec: z.looseObject({ selector: labelSelector }),
});

export function describeTarget(target: PodTarget, namespace: string): string {
  if ('selector' in target) return `pods ${target.selector} in ${namespace}`;
  return describe({ type: workloadTypes[target.kind], namespace, name: target.name });
}

export function podPermissions(target: PodTarget, namespace: string): Permission[] {
  const pods = { apiGroup: '', resource: 'pods', verbs: ['list'], namespace };
  if ('selector' in target) return [pods];
  const type = workloadTypes[target.kind];
  // The list names what exists where the workload does not.
  return [{ apiGroup: apiGroup(type), resource: type.plural, verbs: ['get', 'list'], namespace }, pods];
}

/** The label selector of the pods. @throws SluiceError `not-found` for a workload that does not exist */
export async function selectorOf(target: PodTarget, place: PodPlace, signal: AbortSignal): Promise<string> {
  if ('selector' in target) return target.selector;
  const type = workloadTypes[target.kind];
  const reference = { type, namespace: place.namespace, name: target.name };
  const object = await place.client.find(reference, signal);
  if (object) return selectorText(readObject(object, workload).spec.selector);
  const others = await place.client.list(type, place.namespace, {}, signal);
  const names = others.slice(0, MOST_LISTED).map(({ metadata }) => metadata.name);
  throw new SluiceError('not-found', {
    about: describe(reference),
    problem: 'does not exist.',
    next: names.length === 0 ? `Namespace ${place.namespace} has none of this kind.` : `There are ${names.join(', ')}.`,
  });
}

/** The pods that there are now. @throws SluiceError `not-found` for a workload that does not exist */
export async function listPods(target: PodTarget, place: PodPlace, signal: AbortSignal): Promise<KubernetesObject[]> {
  const labelSelector = await selectorOf(target, place, signal);
  return place.client.list(resources.pod, place.namespace, { labelSelector }, signal);
}
