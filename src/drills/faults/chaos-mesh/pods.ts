import * as z from 'zod';
import type { KubernetesClient } from '../../../cluster/client.ts';
import { readObject } from '../../../cluster/read-object.ts';
import { type ResourceType, resources } from '../../../cluster/resources.ts';
import { kubernetesObject } from '../../../cluster/schema.ts';
import { selectorText } from '../../../cluster/selectors.ts';
import type { HitPod } from '../../ports.ts';
import { namespacesOf } from './bounds.ts';
import type { Selection } from './kinds/selection.ts';

export const nodes: ResourceType = { apiVersion: 'v1', kind: 'Node', plural: 'nodes' };

const pod = z.looseObject({
  ...kubernetesObject.shape,
  spec: z.looseObject({ nodeName: z.string().default(''), hostNetwork: z.boolean().default(false) }).prefault({}),
  status: z.looseObject({ phase: z.string().default('Pending') }).prefault({}),
});
type Pod = z.infer<typeof pod>;

/** A pod that can be hit. */
export interface Candidate extends HitPod {
  /** It has the network of its node. */
  readonly isOnHostNetwork: boolean;
}

/**
 * The pods that a selection of Chaos Mesh takes, without those that end or have ended; sorted by namespace and name.
 *
 * @param own namespace of the fault
 */
export async function candidatesOf(
  client: Pick<KubernetesClient, 'list'>,
  selection: Selection,
  own: string,
  signal: AbortSignal,
): Promise<Candidate[]> {
  const { selector } = selection;
  const onNodes = await nodeFilter(client, selection, signal);
  const labelSelector = selectorText({
    matchLabels: selector.labelSelectors ?? {},
    matchExpressions: selector.expressionSelectors ?? [],
  });
  const fieldSelector = Object.entries(selector.fieldSelectors ?? {})
    .map(([field, value]) => `${field}=${value}`)
    .join(',');
  const query = { ...(labelSelector !== '' && { labelSelector }), ...(fieldSelector !== '' && { fieldSelector }) };
  const lists = await Promise.all(
    namespacesOf(selection, own).map((namespace) => client.list(resources.pod, namespace, query, signal)),
  );
  return lists
    .flat()
    .map((object) => readObject(object, pod))
    .filter((one) => isLasting(one) && isMeant(one, selection) && onNodes(one))
    .map(({ metadata, spec }) => ({
      namespace: metadata.namespace ?? '',
      name: metadata.name,
      uid: metadata.uid ?? '',
      node: spec.nodeName,
      isOnHostNetwork: spec.hostNetwork,
    }))
    .toSorted((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

/** Chaos Mesh takes pods that have ended as well, and then waits for ever to inject the fault. */
function isLasting({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && status.phase !== 'Succeeded' && status.phase !== 'Failed';
}

function isMeant({ metadata, status }: Pod, { selector }: Selection): boolean {
  const { pods, annotationSelectors = {}, podPhaseSelectors = [] } = selector;
  if (pods !== undefined && !pods[metadata.namespace ?? '']?.includes(metadata.name)) return false;
  const phases = podPhaseSelectors.map((text) => text.trim());
  const wanted = phases.filter((phase) => !phase.startsWith('!'));
  return (
    Object.entries(annotationSelectors).every(([key, value]) => metadata.annotations?.[key] === value) &&
    (wanted.length === 0 || wanted.includes(status.phase)) &&
    !phases.includes(`!${status.phase}`)
  );
}

/** Nodes by name and nodes by label add up. */
async function nodeFilter(
  client: Pick<KubernetesClient, 'list'>,
  { selector }: Selection,
  signal: AbortSignal,
): Promise<(pod: Pod) => boolean> {
  const { nodes: named, nodeSelectors } = selector;
  if (named === undefined && nodeSelectors === undefined) return () => true;
  const labelSelector = selectorText({ matchLabels: nodeSelectors ?? {} });
  const labelled = nodeSelectors === undefined ? [] : await client.list(nodes, undefined, { labelSelector }, signal);
  const names = new Set([...(named ?? []), ...labelled.map(({ metadata }) => metadata.name)]);
  return ({ spec }) => names.has(spec.nodeName);
}

/** As many of the pods as the selection says, chosen at random. */
export function chosenOf<P>(pods: readonly P[], { mode, value }: Selection, random: () => number): P[] {
  const amount = Number(value ?? 1);
  const share = (percent: number) => Math.max(1, Math.ceil((pods.length * percent) / 100));
  const counts = {
    one: () => 1,
    all: () => pods.length,
    fixed: () => amount,
    'fixed-percent': () => share(amount),
    // Chaos Mesh may draw none, which would be no fault.
    'random-max-percent': () => share(1 + Math.floor(random() * amount)),
  };
  const count = Math.min(pods.length, counts[mode]());
  const order = [...pods];
  for (let index = 0; index < count; index += 1) {
    const other = index + Math.floor(random() * (order.length - index));
    const [a, b] = [order[index], order[other]];
    if (a !== undefined && b !== undefined) [order[index], order[other]] = [b, a];
  }
  const chosen = new Set(order.slice(0, count));
  return pods.filter((one) => chosen.has(one));
}
