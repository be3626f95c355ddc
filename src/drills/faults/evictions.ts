import * as z from 'zod';
import { resources } from '../../cluster/resources.ts';
import { isSluiceError, SluiceError } from '../../core/errors.ts';
import { excerpt } from '../../core/text.ts';
import { protectedNamespaces } from '../protected.ts';
import { claimBudgets } from './budgets.ts';
import { type FaultPod, markedPod, whyNot } from './choose-pods.ts';
import type { FaultWorld } from './world.ts';

/** A pod to be evicted, as a mark names it. */
export const evictedPod = markedPod.extend({ namespace: z.string() });
export type Evicted = z.infer<typeof evictedPod>;

/** What kubectl drain asks for by `--delete-emptydir-data` and `--force`. */
export interface DrainLimits {
  /** Evicts pods with data in an emptyDir, which are lost with the pod. */
  readonly deleteEmptyDirData: boolean;
  /** Evicts pods without a controller, which nobody makes again. */
  readonly unmanaged: boolean;
}

/**
 * The pods of a node that a drain evicts: not those that are ending or have completed, nor static ones and those of DaemonSets, and
 * none of the cluster's own namespaces.
 *
 * @param own the namespace of the service that is tested; undefined where a node was named
 * @throws SluiceError `unsupported` for pods whose loss nobody makes good
 */
export function sortPods(
  pods: readonly FaultPod[],
  { deleteEmptyDirData, unmanaged }: DrainLimits,
  own: string | undefined,
): { readonly evicted: FaultPod[]; readonly warnings: string[] } {
  const movable = pods.filter(isMovable);
  const evicted = evictable(pods);
  const alone = evicted.filter(({ metadata }) => !metadata.ownerReferences?.some(({ controller }) => controller));
  if (!unmanaged && alone.length > 0)
    throw lost(alone, 'is owned by no controller, which would make it again', 'Move it elsewhere, or set unmanaged.');
  const holding = evicted.filter(({ spec }) => spec.volumes.some(({ emptyDir }) => emptyDir != null));
  if (!deleteEmptyDirData && holding.length > 0)
    throw lost(holding, 'would lose the data of its emptyDir', 'Move it elsewhere, or set delete-emptydir-data.');
  const staying = movable.filter(isProtected);
  const others = evicted.filter(({ metadata: { namespace } }) => own !== undefined && namespace !== own);
  return {
    evicted,
    warnings: [
      ...(staying.length === 0 ? [] : [`Pods of the cluster's own namespaces stay on the node: ${listed(staying)}`]),
      ...(others.length === 0 ? [] : [`Pods of other namespaces are evicted as well: ${listed(others)}`]),
    ],
  };
}

/**
 * Refuses a drain that a budget would block for ever.
 *
 * @returns what may wait for a budget, one sentence each
 * @throws SluiceError `unsupported`
 */
export async function refuseBlocked(
  world: FaultWorld,
  pods: readonly FaultPod[],
  signal: AbortSignal,
): Promise<string[]> {
  const claims = await claimBudgets(world, undefined, pods, signal);
  const refuse = (about: string, problem: string, next: string) => {
    throw new SluiceError('unsupported', { about, problem, next });
  };
  for (const pod of pods) {
    const several = claims.filter((claim) => claim.pods.includes(pod)).map(({ about }) => about);
    if (several.length > 1)
      refuse(
        `Pod ${placeOf(pod)}`,
        `is in several budgets, and such a pod can't be evicted: ${several.join(', ')}.`,
        'Let one of them select it.',
      );
  }
  for (const { about, allowed, desired, forEver } of claims) {
    if (allowed === undefined)
      refuse(about, 'is not counted yet by its controller, so what it allows is not known.', 'Try again in a minute.');
    if (forEver)
      refuse(
        about,
        `lets no pod go, however many are healthy: ${desired} of them have to be.`,
        'Run more pods than it asks for, or ask for fewer.',
      );
  }
  return claims.flatMap(({ about, allowed = 0, pods: own }) =>
    own.length <= allowed
      ? []
      : [`${about} lets ${allowed} pods go now, and ${own.length} are to be evicted: the others wait for new ones`],
  );
}

/** The pods of a node that a drain evicts, sorted. */
export function evictable(pods: readonly FaultPod[]): FaultPod[] {
  return pods.filter((pod) => isMovable(pod) && !isProtected(pod)).sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
}

/** Milliseconds until a pod is evicted again that its budget has kept. */
const AGAIN = 1_000;

/** Evicts pods again that their budgets have kept, as long as the fault lasts: others may get ready elsewhere meanwhile. */
export async function evictAll(
  world: FaultWorld,
  pods: readonly Evicted[],
  { grace, lasts }: { readonly grace: number | undefined; readonly lasts: number },
  signal: AbortSignal,
): Promise<void> {
  const { clock } = world;
  const end = clock.now() + lasts;
  let left = pods;
  for (;;) {
    const kept: { readonly pod: Evicted; readonly why: string }[] = [];
    for (const pod of left) {
      const why = await evict(world, { ...pod, grace }, signal);
      if (why !== undefined) kept.push({ pod, why });
    }
    const [first] = kept;
    if (first === undefined) return;
    if (clock.now() + AGAIN > end) throw notEvicted(first.pod, first.why, kept.length, pods.length);
    await clock.sleep(AGAIN, signal);
    left = kept.map(({ pod }) => pod);
  }
}

/** @returns why the pod stays for now */
async function evict(
  { client }: FaultWorld,
  { namespace, name, uid, grace }: Evicted & { readonly grace: number | undefined },
  signal: AbortSignal,
): Promise<string | undefined> {
  const pod = { type: resources.pod, namespace, name };
  try {
    const why = await client.evict(pod, { uid, grace }, signal);
    // The API server asks the budget before it looks at the uid: what the budget keeps may be a successor of the pod's name.
    return why !== undefined && (await client.find(pod, signal))?.metadata.uid !== uid ? undefined : why;
  } catch (error) {
    // The pod has gone, and another one has its name.
    if (isSluiceError(error, 'conflict')) return undefined;
    throw error;
  }
}

function isMovable(pod: FaultPod): boolean {
  return whyNot(pod, { noDaemonSets: true }) === undefined;
}

function isProtected({ metadata: { namespace = '' } }: FaultPod): boolean {
  return protectedNamespaces.includes(namespace);
}

function lost(pods: readonly FaultPod[], problem: string, next: string): SluiceError {
  const others = pods.length === 1 ? '' : ` The same is true of ${listed(pods.slice(1))}.`;
  return new SluiceError('unsupported', {
    about: `Pod ${listed(pods.slice(0, 1))}`,
    problem: `${problem}.${others}`,
    next,
  });
}

function listed(pods: readonly FaultPod[]): string {
  const shown = pods.slice(0, 5).map(placeOf).join(', ');
  return pods.length > 5 ? `${shown} and ${pods.length - 5} more` : shown;
}

function placeOf({ metadata: { namespace = '', name } }: FaultPod): string {
  return `${namespace}/${name}`;
}

function notEvicted({ namespace, name }: Evicted, why: string, kept: number, all: number): SluiceError {
  return new SluiceError('timed-out', {
    about: `Pod ${namespace}/${name}`,
    problem: `could not be evicted while the fault lasted (${excerpt(why, 300)}); ${kept} of ${all} pods are left on the node.`,
    next: 'Let the fault last longer, or look why no other pod gets ready.',
  });
}
