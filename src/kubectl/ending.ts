import type { ObjectChange } from '../apply/changes.ts';
import type { DeployVerdict, Inventory } from '../apply/inventory.ts';
import { union } from '../apply/references.ts';
import { isSluiceError } from '../core/errors.ts';
import type { Work } from './plan.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

export function inventoryOf({ id, startedBy }: DeployOptions, work: Work, phase: Inventory['phase']): Inventory {
  const { digest, objects, kept, startedAt, created } = work;
  const references = objects.map(({ reference }) => reference);
  return {
    schema: 1,
    id,
    startedBy,
    startedAt,
    phase,
    digest,
    objects: union(references, kept),
    created: [...created],
  };
}

export interface Conclusion {
  readonly verdict: DeployVerdict;
  readonly reason: string;
  /** What a person can do; empty after a success. */
  readonly next: string;
}

/** Saves the record before the `ended` event, so that a reader of the event finds it. */
export async function end(
  { store, clock, emit }: DeployWorld,
  { prune: _, ...inventory }: Inventory,
  conclusion: Conclusion,
  signal: AbortSignal,
): Promise<DeployVerdict> {
  const { verdict, reason } = conclusion;
  await store.save({ ...inventory, phase: 'ended', verdict, reason }, signal);
  await store.removeSnapshot(signal);
  emit({ type: 'ended', at: clock.now(), ...conclusion });
  return verdict;
}

export function summaryOf({ changes, prunable, startedAt }: Work, now: number): string {
  const count = (action: ObjectChange['action']) => changes.filter((change) => change.action === action).length;
  const parts = [
    [count('create'), 'created'],
    [count('update'), 'changed'],
    [count('unchanged'), 'unchanged'],
    [prunable.length, 'pruned'],
  ] as const;
  const said = parts.flatMap(([number, word]) => (number > 0 ? [`${number} ${word}`] : []));
  return `${said.join(', ')} in ${Math.round((now - startedAt) / 1_000)} s.`;
}

export function nextOf(error: unknown): string {
  return isSluiceError(error) ? error.next : 'Please report it with this log.';
}
