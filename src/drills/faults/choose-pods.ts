import * as z from 'zod';
import { pod as podSchema } from '../../cluster/pods.ts';
import { readObject } from '../../cluster/read-object.ts';
import { resources } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { SluiceError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import { inParallel } from '../../core/parallel.ts';
import { excerpt } from '../../core/text.ts';
import type { HitPod } from '../ports.ts';
import { protectedNamespaces } from '../protected.ts';
import type { FaultWorld } from './world.ts';
import { RUN_ANNOTATION } from './world.ts';

/** How many of the pods that a selector matches are hit. */
export type Mode =
  | { readonly kind: 'one' }
  | { readonly kind: 'all' }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'share'; readonly percent: number };

/** Which pods a fault hits. */
export interface PodTarget {
  readonly namespace: string;
  /** A label selector as kubectl takes it: `app=checkout,tier in (web, api),!canary`. */
  readonly selector: string;
  readonly mode: Mode;
}

/** What a kind of fault needs of a pod. */
export interface Needs {
  /** Leaves out pods of DaemonSets, which a drain leaves on their node. */
  readonly noDaemonSets?: boolean;
  /** Leaves out pods that have no node yet. */
  readonly node?: boolean;
}

/** A pod with the fields by which a fault chooses. */
const faultPod = podSchema.extend({
  spec: podSchema.shape.spec.extend({
    nodeName: z.string().default(''),
    volumes: z.array(z.looseObject({ name: z.string(), emptyDir: z.unknown().optional() })).default([]),
  }),
});
export type FaultPod = z.infer<typeof faultPod>;

export interface Choice {
  /** Sorted by name. */
  readonly pods: readonly FaultPod[];
  /** All that might have been chosen. */
  readonly candidates: readonly FaultPod[];
}

/** A pod as a mark names it. */
export const markedPod = z.strictObject({ name: z.string(), uid: z.string(), node: z.string() });
export type MarkedPod = z.infer<typeof markedPod>;

/**
 * Chooses pods by chance. A share rounds up, so that each share hits at least one pod: 10 % of 5 is 1. (Chaos Mesh rounds down, and hits
 * none.) Pods that are ending or have completed are no candidates, nor are static pods, which the kubelet runs without the API server.
 *
 * @throws SluiceError `not-found` where no pod is a candidate, or fewer than asked for; `invalid-input` for a target that no drill may
 *   hit
 */
export async function choosePods(
  world: FaultWorld,
  target: PodTarget,
  needs: Needs,
  signal: AbortSignal,
): Promise<Choice> {
  refuseTarget(target);
  const matching = await listPods(world, target, signal);
  const candidates = matching.filter((pod) => whyNot(pod, needs) === undefined);
  if (candidates.length === 0) throw await nothingToHit(world, target, { matching, needs }, signal);
  const wanted = numberOf(target.mode, candidates.length);
  if (wanted > candidates.length) {
    throw new SluiceError('not-found', {
      about: aboutOf(target),
      problem: `${candidates.length} pods match, and ${wanted} are to be hit.`,
      next: 'Ask for fewer, or for "all" if the whole service may be hit.',
    });
  }
  return { pods: draw(candidates, wanted, world.random), candidates };
}

/** The pods that a selector matches now, sorted by name. */
export async function listPods(
  { client }: Pick<FaultWorld, 'client'>,
  { namespace, selector }: Pick<PodTarget, 'namespace' | 'selector'>,
  signal: AbortSignal,
): Promise<FaultPod[]> {
  const found = await client.list(resources.pod, namespace, { labelSelector: selector }, signal);
  return found.map(readPod).sort(byName);
}

/**
 * The pods of a mark that are still there. One that is gone, or that a successor of its name has replaced, is left out.
 *
 * @throws SluiceError `conflict` for a pod that the selector does not match: the mark was not made by this fault
 */
export async function confirmMarked<T extends MarkedPod>(
  world: FaultWorld,
  target: Pick<PodTarget, 'namespace' | 'selector'>,
  marked: readonly T[],
  signal: AbortSignal,
): Promise<T[]> {
  const matching = new Set((await listPods(world, target, signal)).map(({ metadata: { uid } }) => uid));
  const missing = marked.filter(({ uid }) => !matching.has(uid));
  const [other] = await findMarked(world, target.namespace, missing, signal);
  if (other) throw notOfDrill(`Pod ${target.namespace}/${other.metadata.name}`, `is none of ${target.selector}`);
  return marked.filter(({ uid }) => matching.has(uid));
}

/** The pods of a mark that are still there, whatever their labels are now. */
export async function findMarked(
  { client }: Pick<FaultWorld, 'client'>,
  namespace: string,
  marked: readonly MarkedPod[],
  signal: AbortSignal,
): Promise<FaultPod[]> {
  const found = await inParallel(marked, async ({ name, uid }) => {
    const pod = await client.find({ type: resources.pod, namespace, name }, signal);
    return pod?.metadata.uid === uid ? [readPod(pod)] : [];
  });
  return found.flat();
}

/** The refusal to act on what a record names and this drill has not made or chosen. */
export function notOfDrill(about: string, problem: string): SluiceError {
  return new SluiceError('conflict', {
    about,
    problem: `${problem}, though the drill's record names it: it is left as it is.`,
    next: 'Find out who has written the record, and look at the object.',
  });
}

export function readPod(object: KubernetesObject): FaultPod {
  return readObject(object, faultPod);
}

export function hitPod({ metadata: { namespace = '', name, uid = '' }, spec: { nodeName: node } }: FaultPod): HitPod {
  return { namespace, name, uid, node };
}

export function markPod(pod: FaultPod): MarkedPod {
  const { name, uid, node } = hitPod(pod);
  return { name, uid, node };
}

/** Why a pod is never hit, in words that follow its number: `2 are ending`. Undefined for a candidate. */
export function whyNot({ metadata, spec, status }: FaultPod, needs: Needs): string | undefined {
  const owners = metadata.ownerReferences ?? [];
  if (metadata.deletionTimestamp !== undefined) return 'ending';
  if (['Succeeded', 'Failed'].includes(status.phase)) return 'completed';
  if (metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return 'static';
  if (owners.some(({ kind }) => kind === 'Node')) return 'static';
  // The pods that a drill has made, such as those that burn CPU.
  if (metadata.annotations?.[RUN_ANNOTATION] !== undefined) return "of a drill's own";
  if (needs.noDaemonSets && owners.some(({ kind, controller }) => controller && kind === 'DaemonSet'))
    return 'of a DaemonSet';
  return needs.node && spec.nodeName === '' ? 'without a node' : undefined;
}

function refuseTarget(target: PodTarget): void {
  refuseNamespace(target.namespace);
  const refuse = (problem: string, next: string) => {
    throw new SluiceError('invalid-input', { about: aboutOf(target), problem, next });
  };
  if (target.selector.trim() === '')
    refuse('selects every pod of the namespace.', 'Name a label, such as app=checkout.');
  const { mode } = target;
  if (mode.kind === 'count' && !(Number.isSafeInteger(mode.count) && mode.count > 0))
    refuse(`asks for ${mode.count} pods.`, 'Write a whole number from 1 on.');
  if (mode.kind === 'share' && !(mode.percent > 0 && mode.percent <= 100))
    refuse(`asks for ${mode.percent} % of the pods.`, 'Write more than 0% and at most 100%.');
}

/** @throws SluiceError `invalid-input` for a namespace that no drill hits */
export function refuseNamespace(namespace: string): void {
  if (namespace !== '' && !protectedNamespaces.includes(namespace)) return;
  throw new SluiceError('invalid-input', {
    about: namespace === '' ? 'the namespace of a fault' : `Namespace ${namespace}`,
    problem: namespace === '' ? 'is not given.' : "holds the cluster's own parts, which no drill hits.",
    next: 'Name the namespace of the service that is to be tested.',
  });
}

function numberOf(mode: Mode, candidates: number): number {
  switch (mode.kind) {
    case 'one':
      return 1;
    case 'all':
      return candidates;
    case 'count':
      return mode.count;
    case 'share':
      // Multiplied first: 0.07 * 100 is more than 7.
      return Math.ceil((mode.percent * candidates) / 100);
  }
}

/** Some of the pods, each as likely as any other; sorted by name. */
function draw(candidates: readonly FaultPod[], wanted: number, random: () => number): FaultPod[] {
  const left = [...candidates];
  const drawn = Array.from({ length: wanted }, () => {
    // A random number of exactly 1 would be beyond the last one.
    const at = Math.min(Math.floor(random() * left.length), left.length - 1);
    return left.splice(at, 1);
  });
  return drawn.flat().sort(byName);
}

function byName(a: FaultPod, b: FaultPod): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

interface Unhit {
  readonly matching: readonly FaultPod[];
  readonly needs: Needs;
}

/** Says which pods match and why none is hit, or which labels there are. */
async function nothingToHit(
  world: FaultWorld,
  target: PodTarget,
  { matching, needs }: Unhit,
  signal: AbortSignal,
): Promise<SluiceError> {
  const about = aboutOf(target);
  if (matching.length > 0) {
    const reasons = Map.groupBy(matching, (pod) => whyNot(pod, needs));
    const told = [...reasons].map(([reason, pods]) => `${pods.length} ${reason}`).join(', ');
    return new SluiceError('not-found', {
      about,
      problem: `matches no pod that can be hit: ${told}.`,
      next: 'Wait until the workload runs, or choose other pods.',
    });
  }
  const all = (await world.client.list(resources.pod, target.namespace, {}, signal)).map(readPod);
  return new SluiceError('not-found', {
    about,
    problem: `matches none of the ${all.length} pods in namespace ${target.namespace}.`,
    next: all.length === 0 ? 'Check the namespace.' : labelsNearBy(target.selector, all),
  });
}

/** Labels that every workload's pods have of its controller, and that nobody chooses by. */
const generated =
  /^(?:pod-template-hash|controller-revision-hash|statefulset\.kubernetes\.io\/|apps\.kubernetes\.io\/|batch\.kubernetes\.io\/)/;
const MOST_LABELS = 8;

function labelsNearBy(selector: string, pods: readonly FaultPod[]): string {
  const numbers = new Map<string, number>();
  for (const { metadata } of pods) {
    for (const [key, value] of Object.entries(metadata.labels ?? {})) {
      if (!generated.test(key)) numbers.set(`${key}=${value}`, (numbers.get(`${key}=${value}`) ?? 0) + 1);
    }
  }
  const frequent = [...numbers].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([label]) => label);
  const meant = [...new Set(selector.split(/[,()]/).flatMap((part) => nearest(part.trim(), frequent) ?? []))];
  const shown = frequent.filter((label) => !meant.includes(label)).slice(0, MOST_LABELS);
  const similar = meant.length === 0 ? '' : `Perhaps ${meant.join(',')} is meant. `;
  if (frequent.length === 0) return 'None of them has a label: give the pods of the service one.';
  return `${similar}Labels of pods there are ${[...meant, ...shown].join(', ')}${frequent.length > shown.length + meant.length ? ', …' : ''}.`;
}

function aboutOf({ namespace, selector }: PodTarget): string {
  return `pods ${excerpt(selector, 200)} in namespace ${namespace}`;
}
