import { formatDuration } from '../../../core/duration.ts';
import { protectedNamespaces } from '../../protected.ts';
import type { ChaosSpec } from './kinds/chaos-kind.ts';
import type { Selection } from './kinds/selection.ts';

/** What every fault of a drill has to keep to. */
export interface Bounds {
  /** The namespace of the drill: for manifests that name none. */
  readonly namespace: string;
  /** Where pods may be hit. */
  readonly namespaces: readonly string[];
  /** Milliseconds that a fault may last; undefined where the drill gives no limit. */
  readonly maxDuration: number | undefined;
}

/** The namespaces whose pods a selection takes. @param own namespace of the fault */
export function namespacesOf({ selector }: Selection, own: string): readonly string[] {
  if (selector.pods !== undefined) return Object.keys(selector.pods);
  // Chaos Mesh's webhook fills in the fault's own; without webhooks, none would mean all.
  return selector.namespaces ?? [own];
}

/** Why a namespace can't be hit, without a full stop; undefined if it can. */
export function forbidden(namespace: string, { namespaces }: Pick<Bounds, 'namespaces'>): string | undefined {
  if (protectedNamespaces.includes(namespace)) return `namespace ${namespace} belongs to Kubernetes and is never hit`;
  if (namespaces.includes(namespace)) return undefined;
  return `namespace ${namespace} is none of those that the drill may hit: ${namespaces.join(', ')}`;
}

export function isOfKubernetes(namespace: string): boolean {
  return protectedNamespaces.includes(namespace);
}

/** What speaks against the pods of a fault. */
export function placeProblems(spec: ChaosSpec, own: string, bounds: Bounds, root: string): string[] {
  const sides: readonly [string, Selection | undefined][] = [
    [`${root}.selector`, spec.selection],
    [`${root}.target.selector`, spec.target],
  ];
  return sides.flatMap(([place, side]) => {
    if (side === undefined) return [];
    return namespacesOf(side, own).flatMap((namespace) => {
      const problem = forbidden(namespace, bounds);
      return problem === undefined ? [] : [`${place}: ${problem}`];
    });
  });
}

/** How an error about a duration names it, and says how to give one. */
interface Naming {
  readonly field: string;
  readonly how: string;
}

export function inManifest(root: string): Naming {
  return { field: `${root}.duration`, how: 'Give it a "duration", or the drill a "max-duration"' };
}

/** How long a fault lasts, or why that can't be. */
export function boundedDuration(
  { duration, isOneShot }: Pick<ChaosSpec, 'duration' | 'isOneShot'>,
  { maxDuration }: Pick<Bounds, 'maxDuration'>,
  { field, how }: Naming,
): { readonly lasts: number } | { readonly problem: string } {
  if (isOneShot) return { lasts: 0 };
  const lasts = duration ?? maxDuration;
  if (lasts === undefined) {
    return { problem: `${field} is missing, so the fault would last until somebody deletes it. ${how}` };
  }
  if (maxDuration !== undefined && lasts > maxDuration) {
    const told = formatDuration(Math.round(lasts));
    return {
      problem: `${field} is ${told}, more than the "max-duration" of the drill, ${formatDuration(maxDuration)}`,
    };
  }
  return { lasts };
}
