import { SluiceError } from '../../core/errors.ts';
import { claimBudgets } from './budgets.ts';
import { type FaultPod, protectedNamespaces, whyNot } from './choose-pods.ts';
import type { FaultWorld } from './world.ts';

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
