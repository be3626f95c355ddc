import * as z from 'zod';
import { permissionTo } from '../../cluster/permissions.ts';
import { isTerminating } from '../../cluster/pods.ts';
import { readPart } from '../../cluster/read-object.ts';
import { describe, resources } from '../../cluster/resources.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import { excerpt } from '../../core/text.ts';
import type { Aim, Effect, Fault } from '../ports.ts';
import { isChangedBy } from './annotations.ts';
import {
  choosePods,
  type FaultPod,
  findMarked,
  hitPod,
  listPods,
  notOfDrill,
  type PodTarget,
  readPod,
  refuseNamespace,
} from './choose-pods.ts';
import { cordon, listNodes, nodeReference, refuseLastNode, uncordon } from './cordon.ts';
import {
  type DrainLimits,
  type Evicted,
  evictAll,
  evictable,
  evictedPod,
  refuseBlocked,
  sortPods,
} from './evictions.ts';
import type { FaultWorld } from './world.ts';

export interface NodeDrain extends DrainLimits {
  /** The fault in its short form. */
  readonly text: string;
  readonly lasts: number;
  /** The node by its name, or that of one pod that a selector matches, drawn by chance. */
  readonly target: { readonly node: string } | Omit<PodTarget, 'mode'>;
  /** Seconds that the pods get to end; their own by default. */
  readonly grace?: number | undefined;
  /** Drains the only node that takes pods as well: what is evicted then waits for the end of the fault. */
  readonly acceptPending: boolean;
}

const mark = z.strictObject({
  kind: z.literal('node-drain'),
  run: z.string(),
  node: z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/),
  /** Whether the node was cordoned by others before, and stays so. */
  wasCordoned: z.boolean(),
  pods: z.array(evictedPod),
});
type Mark = z.infer<typeof mark>;

/** Cordons a node, and evicts its pods as kubectl drain does. */
export function nodeDrainFault(settings: NodeDrain, world: FaultWorld): Fault {
  const { text, lasts, target, grace, acceptPending } = settings;
  const { client, drill } = world;

  async function aim(signal: AbortSignal): Promise<Aim> {
    const { name, matching } = await chooseNode(world, target, signal);
    const nodes = await listNodes(client, signal);
    const found = nodes.find(({ metadata }) => metadata.name === name);
    if (found === undefined)
      throw missingNode(
        name,
        nodes.map(({ metadata }) => metadata.name),
      );
    const wasCordoned = found.spec.unschedulable;
    if (!acceptPending) refuseLastNode(nodes, name);
    const { evicted, warnings } = sortPods(
      await podsOn(name, signal),
      settings,
      'node' in target ? undefined : target.namespace,
    );
    const held = await refuseBlocked(world, evicted, signal);
    const hits = evicted.map(hitPod);
    const given: Mark = {
      kind: 'node-drain',
      run: world.run,
      node: name,
      wasCordoned,
      pods: hits.map(({ namespace, name: pod, uid, node }) => ({ namespace, name: pod, uid, node })),
    };
    return {
      pods: hits,
      ...countsOf(matching, evicted),
      writes: [
        ...(wasCordoned ? [] : [`cordon Node ${name}`]),
        ...hits.map((pod) => `evict Pod ${pod.namespace}/${pod.name}`),
      ],
      warnings: [
        ...(wasCordoned ? [`Node ${name} is cordoned already, and stays so afterwards`] : []),
        ...warnings,
        ...held,
      ],
      mark: { ...given, pods: given.pods.map((pod) => ({ ...pod })) },
    };
  }

  async function podsOn(node: string, signal: AbortSignal): Promise<FaultPod[]> {
    const found = await client.list(resources.pod, undefined, { fieldSelector: `spec.nodeName=${node}` }, signal);
    return found.map(readPod);
  }

  async function inject(given: Json, signal: AbortSignal): Promise<void> {
    const { run, node, wasCordoned, pods } = readMark(given);
    if ('node' in target && target.node !== node)
      throw notOfDrill(`Node ${excerpt(node, 80)}`, 'is not the one that the fault drains');
    await confirmNode({ run, node }, signal);
    const there = new Set(evictable(await podsOn(node, signal)).map(({ metadata: { uid = '' } }) => uid));
    // What has come to the node since the choice is not evicted: the limits of the blast radius have not seen it.
    const left = pods.filter(({ uid }) => there.has(uid));
    for (const pod of pods.filter(({ uid }) => !there.has(uid))) await confirmGone(pod, signal);
    if (!wasCordoned) await cordon(client, node, { drill, run }, signal);
    await evictAll(world, left, { grace, lasts }, signal);
  }

  /** @throws SluiceError for a node that has no pod of the selector, unless this run has cordoned it already */
  async function confirmNode({ run, node }: Pick<Mark, 'run' | 'node'>, signal: AbortSignal): Promise<void> {
    if ('node' in target) return;
    if ((await listPods(world, target, signal)).some(({ spec }) => spec.nodeName === node)) return;
    if (!isChangedBy(await client.get(nodeReference(node), signal), { drill, run }))
      throw notOfDrill(`Node ${excerpt(node, 80)}`, `runs no pod of ${target.selector}`);
  }

  /** @throws SluiceError for a pod that is there, and that a drain of the node would not evict */
  async function confirmGone(pod: Evicted, signal: AbortSignal): Promise<void> {
    const [found] = await findMarked(world, pod.namespace, [pod], signal);
    if (found && !isTerminating(found))
      throw notOfDrill(`Pod ${pod.namespace}/${found.metadata.name}`, 'is none that a drain of the node evicts');
  }

  async function effect(given: Json, signal: AbortSignal): Promise<Effect> {
    const { node, pods } = readMark(given);
    const there = new Map((await podsOn(node, signal)).map((pod) => [pod.metadata.uid, pod]));
    const left = pods.flatMap(({ uid }) => there.get(uid) ?? []);
    const ending = left.filter(isTerminating).length;
    const gone = `${pods.length - left.length} of ${pods.length} pods are gone from Node ${node}`;
    if (pods.length === 0) return { felt: 'not-felt', evidence: `Node ${node} has no pod to evict` };
    return left.length === 0
      ? { felt: 'felt', evidence: gone }
      : { felt: 'not-felt', evidence: `${gone}, ${ending} are ending` };
  }

  return {
    kind: 'node-drain',
    text,
    lasts,
    endedBy: 'sluice',
    permissions: [
      permissionTo(['get', 'list', 'patch'], resources.node, ''),
      permissionTo(['get', 'list'], resources.pod, ''),
      { apiGroup: '', resource: 'pods', subresource: 'eviction', verbs: ['create'], namespace: '' },
      permissionTo(['list'], resources.podDisruptionBudget, ''),
    ],
    aim,
    inject,
    effect,
    remove: (given, signal) => removeNodeDrain(world, given, signal),
  };
}

/**
 * Uncordons the node, if this drill has cordoned it. Its pods come back by their controllers.
 *
 * @throws SluiceError `conflict` for a node that is cordoned, but not by this drill
 */
export async function removeNodeDrain({ client, drill }: FaultWorld, given: Json, signal: AbortSignal): Promise<void> {
  const { run, node, wasCordoned } = readMark(given);
  if (!wasCordoned) await uncordon(client, node, { drill, run }, signal);
}

function readMark(given: Json): Mark {
  return readPart(
    given,
    mark,
    'the mark of a node-drain in the record of the drill',
    'Find out who has written the record.',
  );
}

async function chooseNode(world: FaultWorld, target: NodeDrain['target'], signal: AbortSignal) {
  if ('node' in target) return { name: target.node, matching: undefined };
  refuseNamespace(target.namespace);
  const needs = { node: true, noDaemonSets: true };
  const { pods, candidates } = await choosePods(world, { ...target, mode: { kind: 'one' } }, needs, signal);
  return { name: pods[0]?.spec.nodeName ?? '', matching: candidates };
}

/** Of what was chosen, and how many pods go with it. A node that was named is no choice of pods. */
function countsOf(matching: readonly FaultPod[] | undefined, evicted: readonly FaultPod[]) {
  if (matching === undefined) return { candidates: 0 };
  const uids = new Set(matching.map(({ metadata }) => metadata.uid));
  const beside = evicted.filter(({ metadata }) => !uids.has(metadata.uid)).length;
  return { candidates: matching.length, beside };
}

function missingNode(name: string, others: readonly string[]): SluiceError {
  const shown = others.slice(0, 10).join(', ') + (others.length > 10 ? ', …' : '');
  return new SluiceError('not-found', {
    about: describe(nodeReference(excerpt(name, 80))),
    problem: 'does not exist.',
    next: `The nodes of the cluster are ${shown}.`,
  });
}
