import * as z from 'zod';
import type { Tally } from '../../drills/ports.ts';
import { thinnedBy } from '../thin.ts';

/** Requests of one second, or of one window of counts. Times in milliseconds; `at` is the beginning. */
const slice = z.object({
  at: z.number(),
  to: z.number(),
  good: z.number(),
  bad: z.number(),
  /** Milliseconds of answers; absent where none was measured. */
  p50: z.number().optional(),
  p95: z.number().optional(),
  /** Until the second is over: how many answers took about as long as each bucket says. */
  times: z.record(z.string(), z.number()).optional(),
});

export const requestsSchema = z.object({
  /** What is asked or counted, and of whom. */
  asked: z.string().optional(),
  kind: z.enum(['own', 'counted']).optional(),
  /** How it was shown that the question means something; absent where it was not. */
  evidence: z.string().optional(),
  slices: z.array(slice),
  gaps: z.array(z.object({ from: z.number(), to: z.number(), reason: z.string() })),
});
export type ReportedRequests = z.infer<typeof requestsSchema>;
export type RequestSlice = z.infer<typeof slice>;

const SECOND = 1_000;

/** How long a second stays open, because answers to its requests may still come. */
const OPEN = 120 * SECOND;

/** The most slices of a report: an hour of seconds. More of them are thinned out. */
const MOST_SLICES = 3_600;

const MOST_GAPS = 1_000;

/** Relative width of a bucket of times: a percentile is off by 1 % at most. */
const WIDTH = Math.log(1.02);

/** Adds requests to the second in which they were sent, or to their window. */
export function withTally(requests: ReportedRequests, tally: Tally): ReportedRequests {
  const isOwn = requests.kind !== 'counted';
  const at = isOwn ? Math.floor(tally.from / SECOND) * SECOND : tally.from;
  const to = isOwn ? at + SECOND : tally.to;
  const { slices } = requests;
  const place = slices.findLastIndex((one) => one.at <= at);
  const found = slices[place];
  if (found?.at === at && found.to === to)
    return { ...requests, slices: slices.with(place, withRequests(found, tally)) };
  const fresh = withRequests({ at, to, good: 0, bad: 0 }, tally);
  return { ...requests, slices: closed(slices.toSpliced(place + 1, 0, fresh)) };
}

function withRequests(one: RequestSlice, { good, bad, took }: Tally): RequestSlice {
  const added = { ...one, good: one.good + good, bad: one.bad + bad };
  // A second that is over keeps its percentiles.
  if (took === undefined || one.p95 !== undefined) return added;
  const bucket = String(Math.round(Math.log(Math.max(0.01, took)) / WIDTH));
  return { ...added, times: { ...one.times, [bucket]: (one.times?.[bucket] ?? 0) + 1 } };
}

/** Closes what is over, and thins it out where there is too much of it. */
function closed(slices: RequestSlice[]): RequestSlice[] {
  const until = (slices.at(-1)?.at ?? 0) - OPEN;
  const last = slices.findLastIndex(({ at }) => at < until);
  const one = slices[last];
  if (!one) return slices;
  const closing = one.times === undefined ? slices : slices.with(last, settled(one));
  if (last < MOST_SLICES * 1.2) return closing;
  // Only what is over is thinned out: a late answer must not look like a second of its own.
  const over = closing.slice(0, last + 1).map(settled);
  return [...thinnedSlices(over, MOST_SLICES), ...closing.slice(last + 1)];
}

/** With percentiles instead of buckets. */
function settled(one: RequestSlice): RequestSlice {
  if (one.times === undefined) return one;
  const { times, ...rest } = one;
  return { ...rest, p50: percentile(times, 0.5), p95: percentile(times, 0.95) };
}

/** By nearest rank: the least time within which at least that share was answered. */
function percentile(times: Readonly<Record<string, number>>, share: number): number {
  const buckets = Object.entries(times)
    .map(([bucket, count]) => ({ bucket: Number(bucket), count }))
    .toSorted((a, b) => a.bucket - b.bucket);
  const rank = Math.ceil(share * buckets.reduce((sum, { count }) => sum + count, 0));
  let seen = 0;
  const found = buckets.find(({ count }) => {
    seen += count;
    return seen >= rank;
  });
  return Number(Math.exp((found?.bucket ?? 0) * WIDTH).toPrecision(3));
}

/** The requests at the end of a drill, with the percentiles of all seconds, and without gaps that counts have covered later. */
export function settledRequests(requests: ReportedRequests): ReportedRequests {
  const { kind, slices, gaps } = requests;
  const open = kind === 'counted' ? gaps.flatMap((gap) => uncovered(gap, slices)) : gaps;
  return { ...requests, slices: [...thinnedSlices(slices.map(settled), MOST_SLICES)], gaps: open };
}

type Gap = ReportedRequests['gaps'][number];

function uncovered(gap: Gap, slices: readonly RequestSlice[]): Gap[] {
  const left: Gap[] = [];
  let { from } = gap;
  for (const { at, to } of slices) {
    if (to <= from || at >= gap.to) continue;
    if (at > from) left.push({ ...gap, from, to: at });
    from = to;
  }
  return from < gap.to ? [...left, { ...gap, from }] : left;
}

/**
 * Of each share of the time the worst slice, the slowest and the last one, where there are too many. What is left is as it was measured.
 *
 * @param most about how many are left
 */
export function thinnedSlices(slices: readonly RequestSlice[], most: number): readonly RequestSlice[] {
  return thinnedBy(slices, most, (share) => {
    const worst = share.reduce((least, one) => (successOf(one) < successOf(least) ? one : least));
    const slowest = share.reduce((most, one) => ((one.p95 ?? 0) > (most.p95 ?? 0) ? one : most));
    return [...new Set([worst, slowest, ...share.slice(-1)])];
  });
}

/** The share of good requests; 1 where there were none, so that a slice without requests is never the worst. */
function successOf({ good, bad }: RequestSlice): number {
  return good + bad === 0 ? 1 : good / (good + bad);
}

/** Adds a time of which nothing is known. It joins the one before it where they touch and have the same reason. */
export function withGap(
  requests: ReportedRequests,
  gap: { readonly from: number; readonly to: number; readonly reason: string },
): ReportedRequests {
  const { gaps } = requests;
  const last = gaps.at(-1);
  const joins = last !== undefined && gap.from <= last.to && gap.reason === last.reason;
  if (last === undefined || (!joins && gaps.length < MOST_GAPS)) return { ...requests, gaps: [...gaps, gap] };
  const joined = { from: Math.min(last.from, gap.from), to: Math.max(last.to, gap.to), reason: last.reason };
  return { ...requests, gaps: gaps.with(-1, joined) };
}
