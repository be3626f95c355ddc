import { deadline } from '../core/deadline.ts';
import { isSluiceError } from '../core/errors.ts';
import type { RolloutRecord } from './ports.ts';
import type { World } from './world.ts';

/** Milliseconds for a look at what an earlier rollout has left. */
const LOOK = 5_000;

/** The last rollout was of this same release, and it was promoted. */
export function isReleased(record: RolloutRecord | undefined, fingerprint: string): record is RolloutRecord {
  return record?.phase === 'ended' && record.verdict === 'promoted' && record.fingerprint === fingerprint;
}

/** The digest that still serves all traffic since this release was promoted; undefined where something has changed since. */
export async function digestServing(
  { arms, router, clock }: World,
  { route, weight, arms: found }: RolloutRecord,
  signal: AbortSignal,
): Promise<string | undefined> {
  if ((await router.weight(route, signal)) !== weight.to) return undefined;
  // What served once does so now, or has been changed: there is nothing to wait for.
  using limit = deadline(clock, LOOK, () => new Error('not seen to serve'), signal);
  try {
    return (await arms.verify(found, limit.signal)).digest;
  } catch (error) {
    signal.throwIfAborted();
    // A record that does not fit any more says nothing of what serves now.
    if (limit.signal.aborted || isSluiceError(error, 'not-ready') || isSluiceError(error, 'unsupported'))
      return undefined;
    throw error;
  }
}
