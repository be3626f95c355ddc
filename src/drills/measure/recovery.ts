import { binomialAtMost } from '../../judge/exact-tests.ts';
import type { Measured } from './measured.ts';
import type { RequestLog, Slice } from './request-log.ts';

const SECOND = 1_000;

/** The least number of requests whose share says something: one bad one of them is 5 %. */
export const ENOUGH = 20;

export interface MeasuredTime {
  /** When the steady time began that the fault is compared with; without it, the log's beginning. */
  readonly steadyFrom?: number;
  readonly injectedAt: number;
  readonly removedAt: number;
  /** When watching ended. What was sent later does not count. */
  readonly endedAt: number;
  /** The share of good requests from which on the service counts as recovered, from 0 to 1. */
  readonly target: number;
  /** How long it has to stay there to be recovered, in milliseconds. */
  readonly steadyFor: number;
}

/**
 * What users felt of one fault, from the requests between its injection and the end of watching. Times of own requests are those at which
 * they were sent, to the millisecond, if the log was told of injection, removal and end as they happened; counts are as exact as their
 * windows, of which one that overlaps the injection belongs to the fault.
 *
 * - A slice of a second, or a window of counts, is below the target if its share of good requests is, and if the share of bad ones
 *   before the fault does not explain it (binomial test, 0.1 % a slice). A second without requests continues as the one before it.
 * - The service has recovered at the last bad request of the last slice below the target (of counts: at the end of the window), if it was
 *   watched for `steadyFor` after that. A later time of which nothing is known may have been below, so that the recovery is not known.
 *
 * @returns undefined where no request was counted
 */
export function measure(log: RequestLog, time: MeasuredTime): Measured | undefined {
  const { injectedAt, removedAt, endedAt, target } = time;
  const slices = log.slices(injectedAt, endedAt).filter(({ good, bad }) => good + bad > 0);
  const good = slices.reduce((sum, slice) => sum + slice.good, 0);
  const lost = slices.reduce((sum, slice) => sum + slice.bad, 0);
  if (good + lost === 0) return undefined;
  const success = good / (good + lost);
  const steadyFrom = time.steadyFrom ?? Number.NEGATIVE_INFINITY;
  const usual = shareOfBad(log.slices(steadyFrom, injectedAt));
  const isBelow = (slice: Slice) => hasLess(slice, target) && !isUsual(slice, usual);
  const last = slices.findLast(isBelow);
  const lastBelow = last === undefined ? undefined : Math.min(endedAt, last.lastBad ?? last.to);
  const gaps = log.gaps(injectedAt, endedAt);
  const watchedUntil = Math.min(endedAt, slices.at(-1)?.to ?? injectedAt);
  const since = lastBelow ?? injectedAt;
  const sure = watchedUntil - since >= time.steadyFor && !gaps.some(({ to }) => to > since);
  return {
    requests: good + lost,
    lost,
    success,
    lowestSuccess: lowestShare(slices) ?? success,
    belowTarget: timeBelow(slices, isBelow, { injectedAt, endedAt }),
    recovery: sure ? { fromInjection: since - injectedAt, fromRemoval: Math.max(0, since - removedAt) } : undefined,
    lastBelow,
    latency: {
      before: log.latency(steadyFrom, injectedAt),
      // Of a fault that happens at once, such as a pod that is deleted, there is no time before its removal.
      during: log.latency(injectedAt, removedAt - injectedAt < SECOND ? endedAt : removedAt),
      after: log.latency(removedAt, endedAt),
    },
    faults: log.faults(injectedAt, endedAt),
    gaps,
  };
}

function hasLess({ good, bad }: Slice, target: number): boolean {
  return good / (good + bad) < target;
}

/** Probability that failures as there were before are taken for those of the fault, in one slice. */
const ALPHA = 0.001;

/** A service that loses one of 200 requests at any time has seconds in which one of 60 fails: that is no dip. */
function isUsual({ good, bad }: Slice, usual: number): boolean {
  return usual > 0 && (bad === 0 || 1 - binomialAtMost(bad - 1, good + bad, usual) > ALPHA);
}

/** The share of bad requests before the fault; 0 where there were none. */
function shareOfBad(slices: readonly Slice[]): number {
  const bad = slices.reduce((sum, slice) => sum + slice.bad, 0);
  const all = slices.reduce((sum, slice) => sum + slice.good, bad);
  return all === 0 ? 0 : bad / all;
}

/**
 * The lowest share of all runs of slices that are no longer than they need to be for `ENOUGH` requests. A longer run consists of such
 * ones and a rest, so that its share is hardly lower. Undefined where there are too few requests in all.
 */
function lowestShare(slices: readonly Slice[]): number | undefined {
  let lowest: number | undefined;
  let [first, good, all] = [0, 0, 0];
  for (const slice of slices) {
    good += slice.good;
    all += slice.good + slice.bad;
    // Each run that ends here counts, from the one that was just long enough before down to the shortest that is.
    while (all >= ENOUGH) {
      lowest = Math.min(lowest ?? 1, good / all);
      const oldest = slices[first];
      if (oldest === undefined || all - oldest.good - oldest.bad < ENOUGH) break;
      good -= oldest.good;
      all -= oldest.good + oldest.bad;
      first += 1;
    }
  }
  return lowest;
}

/** Milliseconds from slices below the target to the next slices with requests, or to their own ends if those are the last. */
function timeBelow(
  slices: readonly Slice[],
  isBelow: (slice: Slice) => boolean,
  { injectedAt, endedAt }: Pick<MeasuredTime, 'injectedAt' | 'endedAt'>,
): number {
  let below = 0;
  for (const [index, slice] of slices.entries()) {
    if (!isBelow(slice)) continue;
    const next = slices[index + 1];
    below += Math.max(0, (next?.from ?? Math.min(endedAt, slice.to)) - Math.max(injectedAt, slice.from));
  }
  return below;
}
