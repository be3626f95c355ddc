import type { PlannedWrite } from '../core/planned-write.ts';
import type { HelmRequest, HelmWorld } from './ports.ts';

/**
 * Milliseconds that a cancelled run has to undo its change before the runner kills it (10 s after its first signal, of which
 * Helm may need some to end); `post` does what is left.
 */
export const CANCEL_TIME = 6_000;

export function writing(world: HelmWorld, begun: boolean): void {
  world.emit({ type: 'writing', at: world.clock.now(), begun });
}

export function note(world: Pick<HelmWorld, 'clock' | 'emit'>, level: 'info' | 'good' | 'warning', text: string): void {
  world.emit({ type: 'note', at: world.clock.now(), level, text });
}

export function nameOf({ namespace, release }: HelmRequest): string {
  return `release ${namespace}/${release}`;
}

/** `1 object`, `3 objects` */
export function countOf(writes: readonly PlannedWrite[] = []): string {
  return writes.length === 1 ? '1 object' : `${writes.length} objects`;
}

/** Ends a sentence about what was done: says that the workloads are ready, where the run has waited for them. */
export function seen({ change: { wait } }: HelmRequest): string {
  return wait ? ', and its workloads are ready' : '';
}
