import type { PlannedWrite } from '../core/planned-write.ts';
import type { HelmRequest, HelmWorld } from './ports.ts';

/** What Helm is to do, and how it is watched meanwhile. */
export interface HelmAct {
  /** What the release is to be: the manifest whose workloads are watched. Undefined where only Helm's record of it will tell. */
  readonly manifest: string | undefined;
  /** What it changes, where that was asked. */
  readonly writes: readonly PlannedWrite[] | undefined;
  /** Lets Helm do it. */
  act(signal: AbortSignal): Promise<void>;
  /**
   * Helm is ended as soon as the change can't work any more. Not for a rollback: Helm writes down how an upgrade ended that it
   * is told to end, but leaves a rollback as `pending-rollback`.
   */
  readonly endEarly: boolean;
}

/**
 * Runs Helm with the watcher beside it: the first of both that fails ends the other one.
 *
 * Helm itself waits, though the watcher would be enough, because Helm's record is then right at every moment: `pending-…` until
 * the pods are ready, `deployed` only after that, `failed` otherwise. With our wait alone, a revision that never got ready would
 * stand as `deployed`, and every later rollback would take it for a good one.
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
    // Also where nobody can watch: a rollback is made all the same.
    .finally(mayBegin);
  try {
    await begin;
    await act(endEarly ? AbortSignal.any([signal, hopeless.signal]) : signal);
    applied.abort();
    // Success means seen: what Helm does not look at (a pod that was replaced behind its back) must be ready, too.
    await watching;
    hopeless.signal.throwIfAborted();
    signal.throwIfAborted();
  } finally {
    stop.abort();
    await watching;
  }
}
