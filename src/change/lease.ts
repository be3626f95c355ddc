import type { ChangeTypes, Concludable } from './change.ts';

/** Holds the Lease while `work` is under way. Its first signal aborts with the given one, or when the Lease is `lost`. */
export async function withLease<T extends ChangeTypes, R>(
  change: Concludable<T>,
  signal: AbortSignal,
  work: (signal: AbortSignal, lost: AbortSignal) => Promise<R>,
): Promise<R> {
  const claim = await change.claim(signal);
  try {
    return await work(AbortSignal.any([signal, claim.lost]), claim.lost);
  } finally {
    await claim.release();
  }
}
