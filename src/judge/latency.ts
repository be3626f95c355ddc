import { duration } from '../core/wording.ts';
import type { Outcome } from './likelihood.ts';
import type { Counts } from './types.ts';

/**
 * Requests that took longer than `bound` seconds as bad requests. They are counted out of the histogram's own total, its
 * +Inf bucket, and out of all requests only where it has none: two metrics rarely count quite the same.
 * Undefined where `bound` is no bucket of the histogram.
 */
export function slowerThan(bound: number, counts: Counts): Outcome | undefined {
  const within = counts.within.get(bound);
  if (within === undefined) return undefined;
  const requests = counts.within.get(Number.POSITIVE_INFINITY) ?? counts.requests;
  return { requests, bad: Math.max(0, requests - within) };
}

/** Seconds after which a request without an answer is one that hangs, for most clients; at least half a second is. */
const HANG = { usual: 2.5, least: 0.5 } as const;

/** The bound of a histogram beyond which a request hangs: the first from 2.5 s on, else its last; undefined below 0.5 s. */
export function hangBoundOf(bounds: Iterable<number>): number | undefined {
  const finite = [...bounds].filter(Number.isFinite).toSorted((a, b) => a - b);
  const last = finite.at(-1);
  return finite.find((bound) => bound >= HANG.usual) ?? (last !== undefined && last >= HANG.least ? last : undefined);
}

/** Why a histogram with these bucket bounds can't tell which requests took longer than `bound` seconds; else undefined. */
export function boundProblem(bound: number, bounds: Iterable<number>): string | undefined {
  const finite = [...bounds].filter(Number.isFinite).toSorted((a, b) => a - b);
  if (finite.includes(bound)) return undefined;
  if (finite.length === 0) return 'No latency histogram was read.';
  return `The latency histogram has no bucket bound at ${duration(bound)}; it has ${finite.map(duration).join(', ')}.`;
}
