import type { Report } from '../canary-report-schema.ts';
import type { Gap } from './parts.ts';

/** Measurements that are farther apart than this many usual distances have a gap between them. */
const GAP = 3;

/** The times without data, and the longest time between two measurements, in milliseconds. */
export interface Missing {
  readonly gaps: readonly Gap[];
  readonly longest: number;
}

/**
 * The times in which looks brought nothing, and those in which nothing was measured without a word of why: between two
 * measurements, and from the last one to the end of the last step.
 */
export function missingOf({ points, gaps, steps, run }: Pick<Report, 'points' | 'gaps' | 'steps' | 'run'>): Missing {
  const last = points.at(-1)?.at;
  const end = steps.at(-1)?.endedAt;
  const times = [
    ...points.map(({ at }) => at),
    ...(last !== undefined && end !== undefined && end > last ? [end] : []),
  ];
  const distances = times.slice(1).map((to, index) => ({ from: times[index] ?? to, to }));
  const lengths = distances.map(({ from, to }) => to - from).toSorted((a, b) => a - b);
  const usual = Math.max(run?.interval ?? 0, lengths[Math.floor(lengths.length / 2)] ?? 0, 1_000);
  const limit = GAP * (points.length > 2 ? usual : Math.max(run?.interval ?? 0, 1_000));
  const silent = distances
    .filter(({ from, to }) => to - from > limit && !gaps.some((gap) => gap.from < to && gap.to > from))
    .map((distance) => ({ ...distance, reason: 'nothing was measured in this time' }));
  return { gaps: [...gaps, ...silent].toSorted((a, b) => a.from - b.from), longest: lengths.at(-1) ?? 0 };
}
