import * as z from 'zod';
import type { KubernetesClient } from '../../cluster/client.ts';
import { condition as conditionSchema } from '../../cluster/conditions.ts';
import { retryOnConflict } from '../../cluster/conflicts.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe, type ObjectReference, resources } from '../../cluster/resources.ts';
import { kubernetesObject } from '../../cluster/schema.ts';
import { SluiceError } from '../../core/errors.ts';
import { excerpt } from '../../core/text.ts';
import { type Changer, changedBy, changerOf, isChangedBy, unchanged } from './annotations.ts';
import { notOfDrill } from './choose-pods.ts';

const node = z.looseObject({
  ...kubernetesObject.shape,
  spec: z
    .looseObject({
      unschedulable: z.boolean().default(false),
      taints: z.array(z.looseObject({ effect: z.string().default('') })).default([]),
    })
    .prefault({}),
  status: z.looseObject({ conditions: z.array(conditionSchema).default([]) }).prefault({}),
});
export type ClusterNode = z.infer<typeof node>;

export function nodeReference(name: string): ObjectReference {
  return { type: resources.node, namespace: '', name };
}

export async function listNodes(client: Pick<KubernetesClient, 'list'>, signal: AbortSignal): Promise<ClusterNode[]> {
  return (await client.list(resources.node, undefined, {}, signal)).map((object) => readObject(object, node));
}

/** Whether pods without tolerations can be scheduled to it. */
function takesPods({ spec, status }: ClusterNode): boolean {
  const ready = status.conditions.find(({ type }) => type === 'Ready');
  const isTainted = spec.taints.some(({ effect }) => ['NoSchedule', 'NoExecute'].includes(effect));
  return !spec.unschedulable && !isTainted && ready?.status === 'True';
}

/** Cordons a node and notes on it who did. One that somebody else has cordoned is left as it is. */
export async function cordon(
  client: Pick<KubernetesClient, 'get' | 'patchMerge'>,
  name: string,
  changer: Changer,
  signal: AbortSignal,
): Promise<void> {
  await retryOnConflict(async () => {
    const found = readObject(await client.get(nodeReference(name), signal), node);
    if (found.spec.unschedulable) return;
    const { resourceVersion } = found.metadata;
    const change = { metadata: { resourceVersion, annotations: changedBy(changer) }, spec: { unschedulable: true } };
    await client.patchMerge(nodeReference(name), change, signal);
  });
}

/**
 * Uncordons a node that this run of the drill has cordoned.
 *
 * @throws SluiceError `conflict` for a node that is cordoned, but not by it
 */
export async function uncordon(
  client: Pick<KubernetesClient, 'find' | 'patchMerge'>,
  name: string,
  changer: Changer,
  signal: AbortSignal,
): Promise<void> {
  await retryOnConflict(async () => {
    const object = await client.find(nodeReference(name), signal);
    if (object === undefined) return;
    const found = readObject(object, node);
    if (!isChangedBy(found, changer)) {
      if (!found.spec.unschedulable) return;
      const who = changerOf(found) ?? 'somebody else';
      throw notOfDrill(describe(nodeReference(excerpt(name, 80))), `is cordoned by ${excerpt(who, 200)}`);
    }
    const { resourceVersion } = found.metadata;
    const change = { metadata: { resourceVersion, annotations: unchanged }, spec: { unschedulable: null } };
    await client.patchMerge(nodeReference(name), change, signal);
  });
}

/** @throws SluiceError where the pods of the node would have no other one to go to */
export function refuseLastNode(nodes: readonly ClusterNode[], name: string): void {
  if (nodes.some((other) => other.metadata.name !== name && takesPods(other))) return;
  throw new SluiceError('unsupported', {
    about: describe(nodeReference(name)),
    problem: 'is the only node that takes pods: those that are evicted would stay pending until it is uncordoned.',
    next: 'Add a node, or set accept-pending if that outage is what is to be tested.',
  });
}
