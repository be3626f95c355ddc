import { waitUntilRolledOut } from '../apply/wait.ts';
import { waitedFor } from '../apply/watch-list.ts';
import type { ObjectReference } from '../cluster/resources.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

/**
 * Waits until the objects are ready, where that was asked for.
 *
 * @param written those that were just written
 */
export async function waitFor(
  { client, clock, emit }: DeployWorld,
  { wait, timeout, maxRestarts }: DeployOptions,
  all: readonly ObjectReference[],
  signal: AbortSignal,
  written: readonly KubernetesObject[] = [],
): Promise<void> {
  const references = waitedFor(all);
  if (!wait || references.length === 0) return;
  const deadline = clock.now() + timeout;
  emit({ type: 'waiting', at: clock.now(), objects: references.length, deadline });
  await waitUntilRolledOut({ client, references, clock, deadline, maxRestarts, emit, written }, signal);
}
