import type { PlannedWrite } from '../core/planned-write.ts';
import type { HelmRequest, HelmWorld } from './ports.ts';

/** What Helm has to do, and how it is watched meanwhile. */
export interface HelmAct {
  /**
   * The manifest that the release will have, whose workloads are watched. Undefined where it is known only from Helm's record
   * afterwards.
   */
  readonly manifest: string | undefined;
  /** What the act changes, where that was computed. */
  readonly writes: readonly PlannedWrite[] | undefined;
  act(signal: AbortSignal): Promise<void>;
  /**
   * Ends Helm as soon as the change can no longer succeed. False for a rollback: Helm records the failure of an upgrade that
   * it is told to end, but leaves a rollback as `pending-rollback`.
   */
  readonly endEarly: boolean;
}

/**
 * Runs Helm with the watcher beside it: the first of the two to fail ends the other one.
 *
 * Helm itself waits, though the watcher would be enough, because then Helm's record is right at every moment: `pending-…`
 * until the pods are ready, `deployed` only after that, `failed` otherwise. With our wait alone, a revision that never got
 * ready would be recorded as `deployed`, and every later rollback would take it for a good one.
 */
export async function guarded(
  world: HelmWorld,
  { change: { wait } }: HelmRequest,
  { manifest, writes, act, endEarly }: HelmAct,
  signal: AbortSignal,
): Promise<void> {
  if (!wait) return act(signal);
  if (manifest === undefined) {
    await act(signal);
    return world.objects.watch((await world.helm.release(undefined, signal)).manifest, undefined, signal);
  }
  const applied = new AbortController();
  const stop = new AbortController();
  const hopeless = new AbortController();
  const { promise: begin, resolve: mayBegin } = Promise.withResolvers<void>();
  const watching = world.objects
    .watch(manifest, { writes, mayBegin, applied: applied.signal }, AbortSignal.any([signal, stop.signal]))
    .catch((error: unknown) => {
      if (!stop.signal.aborted) hopeless.abort(error);
    })
    // Begins also where watching fails: a rollback is made all the same.
    .finally(mayBegin);
  try {
    await begin;
    await act(endEarly ? AbortSignal.any([signal, hopeless.signal]) : signal);
    applied.abort();
    // What Helm does not check (a pod that was replaced behind its back) must be ready, too.
    await watching;
    hopeless.signal.throwIfAborted();
    signal.throwIfAborted();
  } finally {
    stop.abort();
    await watching;
  }
}
