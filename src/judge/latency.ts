import { duration } from '../core/wording.ts';
import type { Outcome } from './likelihood.ts';
import type { Counts } from './types.ts';

/**
 * Counts requests that took longer than `bound` seconds as bad. They are counted from the histogram's own total, its +Inf
 * bucket, because two metrics rarely agree exactly; from all requests only if it has none.
 * Undefined if the histogram has no bucket `bound`.
 */
export function slowerThan(bound: number, counts: Counts): Outcome | undefined {
  const within = counts.within.get(bound);
  if (within === undefined) return undefined;
  const requests = counts.within.get(Number.POSITIVE_INFINITY) ?? counts.requests;
  return { requests, bad: Math.max(0, requests - within) };
}

/** Seconds after which most clients take a request without an answer for hanging; no bound below half a second is used. */
const HANG = { usual: 2.5, least: 0.5 } as const;

/** The bucket bound above which a request hangs: the first of at least 2.5 s, else the last; undefined below 0.5 s. */
export function hangBoundOf(bounds: Iterable<number>): number | undefined {
  const finite = [...bounds].filter(Number.isFinite).toSorted((a, b) => a - b);
  const last = finite.at(-1);
  return finite.find((bound) => bound >= HANG.usual) ?? (last !== undefined && last >= HANG.least ? last : undefined);
}

/** Why a histogram with these bucket bounds can't tell which requests took longer than `bound` seconds; undefined if it can. */
export function boundProblem(bound: number, bounds: Iterable<number>): string | undefined {
  const finite = [...bounds].filter(Number.isFinite).toSorted((a, b) => a - b);
  if (finite.includes(bound)) return undefined;
  if (finite.length === 0) return 'No latency histogram was read.';
  return `The latency histogram has no bucket bound at ${duration(bound)}; it has ${finite.map(duration).join(', ')}.`;
}
