import type { ChangeTypes, Concludable } from './change.ts';

/**
 * Holds the Lease during `work`. The first signal of `work` aborts with the given one, or when the Lease is lost; the second
 * only when it is lost.
 */
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
