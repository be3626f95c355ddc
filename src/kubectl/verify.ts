import { waitUntilRolledOut } from '../apply/wait.ts';
import { waitedFor } from '../apply/watch-list.ts';
import type { ObjectReference } from '../cluster/resources.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

export interface Awaited {
  readonly references: readonly ObjectReference[];
  /** Those that this run has written, as written. */
  readonly written?: readonly KubernetesObject[] | undefined;
}

/** Waits until the objects are ready, if configured so. */
export async function waitFor(
  { client, clock, emit }: DeployWorld,
  { wait, timeout, maxRestarts }: DeployOptions,
  awaited: Awaited,
  signal: AbortSignal,
): Promise<void> {
  const references = waitedFor(awaited.references);
  const { written = [] } = awaited;
  if (!wait || references.length === 0) return;
  const deadline = clock.now() + timeout;
  emit({ type: 'waiting', at: clock.now(), objects: references.length, deadline });
  await waitUntilRolledOut({ client, references, clock, deadline, maxRestarts, emit, written }, signal);
}
