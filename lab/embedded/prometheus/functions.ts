/**
 * The increase of a counter over a range, extrapolated to its ends as in Prometheus (promql/functions.go, `extrapolatedRate`);
 * undefined with fewer than two samples.
 */
export function extrapolated(
  samples: readonly { readonly at: number; readonly value: number }[],
  from: number,
  to: number,
): number | undefined {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined || samples.length < 2) return undefined;
  let increase = last.value - first.value;
  let previous = first.value;
  for (const { value } of samples) {
    if (value < previous) increase += previous;
    previous = value;
  }
  const sampled = last.at - first.at;
  const average = sampled / (samples.length - 1);
  const threshold = average * 1.1;
  const toEnd = to - last.at < threshold ? to - last.at : average / 2;
  let toStart = first.at - from < threshold ? first.at - from : average / 2;
  // A counter can't have started below zero.
  if (increase > 0 && first.value >= 0) toStart = Math.min(toStart, sampled * (first.value / increase));
  return increase * ((sampled + toStart + toEnd) / sampled);
}

/** The φ-quantile of a histogram's cumulative buckets, linear within a bucket (promql/quantile.go, `bucketQuantile`). */
export function quantile(phi: number, given: readonly { readonly bound: number; readonly count: number }[]): number {
  const buckets = [...given].sort((a, b) => a.bound - b.bound);
  const total = buckets.at(-1)?.count ?? 0;
  if (buckets.length < 2 || buckets.at(-1)?.bound !== Number.POSITIVE_INFINITY || total === 0) return Number.NaN;
  const rank = phi * total;
  const index = buckets.findIndex(({ count }) => count >= rank);
  const bucket = buckets[index];
  const below = buckets[index - 1];
  if (bucket === undefined) return Number.NaN;
  if (bucket.bound === Number.POSITIVE_INFINITY) return below?.bound ?? Number.NaN;
  const start = below?.bound ?? 0;
  const countBelow = below?.count ?? 0;
  return start + (bucket.bound - start) * ((rank - countBelow) / (bucket.count - countBelow));
}
