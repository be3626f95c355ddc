import type { Latency } from './measured.ts';

/** The most that a percentile is off, as a fraction. */
const PRECISION = 0.001;
/** The width of a bucket: a value differs from the middle of its bucket by at most `PRECISION`. */
const WIDTH = Math.log((1 + PRECISION) / (1 - PRECISION));
/** The shortest and the longest time that is told apart, in milliseconds: they bound the number of buckets. */
const [SHORTEST, LONGEST] = [0.01, 36_000_000];

/**
 * Counts of times in buckets of equal relative width, so that percentiles have a fixed relative error of 0.1 % (as DDSketch: Masson,
 * Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019).
 */
export type Latencies = Map<number, number>;

/** @param took milliseconds */
export function addLatency(latencies: Latencies, took: number): void {
  const bucket = Math.round(Math.log(Math.min(LONGEST, Math.max(SHORTEST, took))) / WIDTH);
  latencies.set(bucket, (latencies.get(bucket) ?? 0) + 1);
}

/** Percentiles by nearest rank: the least time within which at least that share was answered. Undefined where there are none. */
export function percentiles(all: Iterable<Latencies>): Latency | undefined {
  const sum: Latencies = new Map();
  for (const latencies of all) {
    for (const [bucket, count] of latencies) sum.set(bucket, (sum.get(bucket) ?? 0) + count);
  }
  const buckets = [...sum].toSorted(([a], [b]) => a - b);
  const answered = buckets.reduce((total, [, count]) => total + count, 0);
  if (answered === 0) return undefined;
  const at = (share: number) => {
    const rank = Math.ceil(share * answered);
    let seen = 0;
    const found = buckets.find(([, count]) => {
      seen += count;
      return seen >= rank;
    });
    return Math.exp((found?.[0] ?? 0) * WIDTH);
  };
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
