import type { Tally } from '../canary/events.ts';
import { type Report, sum } from './report.ts';

/** What the plots show. Times are milliseconds since `start`, weights per cent, rates fractions. */
export interface Series {
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly length: number;
  /** Each weight holds from its time to that of the next one. */
  readonly weights: readonly { readonly time: number; readonly weight: number }[];
  /** Evenly spaced; a rate is undefined where its arm got no request. */
  readonly rates: readonly { readonly time: number; readonly stable?: number; readonly canary?: number }[];
  readonly breach?: { readonly time: number; readonly weight: number };
}

/** A rate of fewer canary requests than this is that of a longer stretch, so that the plot is no noise. */
export const FEWEST_REQUESTS = 100;

/** Both arms' error rates and the weights over time, in at most so many slices; undefined where nothing was measured. */
export function seriesOf(report: Report, most: number): Series | undefined {
  const { points, weights, breach } = report;
  const start = Math.min(points[0]?.at ?? Number.POSITIVE_INFINITY, weights[0]?.at ?? Number.POSITIVE_INFINITY);
  const last = Math.max(points.at(-1)?.at ?? 0, weights.at(-1)?.at ?? 0);
  if (points.length < 2 || last <= start) return undefined;
  // A little longer, so that the weight is seen to fall in the end.
  const end = last + (last - start) * 0.02;
  return {
    start,
    length: end - start,
    weights: weights.map(({ at, weight }) => ({ time: at - start, weight })),
    rates: ratesOf(points, start, end, Math.min(most, points.length)),
    ...(breach && { breach: { time: breach.at - start, weight: breach.weight } }),
  };
}

function ratesOf(points: Report['points'], start: number, end: number, count: number): Series['rates'] {
  const width = (end - start) / count;
  return Array.from({ length: count }, (_, index) => {
    const to = start + (index + 1) * width;
    const until = points.findLastIndex(({ at }) => at <= to);
    const last = points[until];
    if (last === undefined || last.at <= to - 3 * width) return { time: to - start };
    let counted = last;
    for (let back = until - 1; back >= 0; back -= 1) {
      const earlier = points[back];
      if (earlier === undefined || earlier.weight !== last.weight) break;
      if (earlier.at <= to - width && counted.canary.requests >= FEWEST_REQUESTS) break;
      counted = { ...counted, ...sum(counted, earlier) };
    }
    return { time: to - start, ...rate('stable', counted.stable), ...rate('canary', counted.canary) };
  });
}

function rate(arm: 'stable' | 'canary', { requests, errors }: Tally): { stable?: number; canary?: number } {
  return requests === 0 ? {} : { [arm]: errors / requests };
}

/** The unit in which a length of time is told on an axis. */
export function timeUnit(length: number): { readonly name: string; readonly milliseconds: number } {
  if (length < 180_000) return { name: 'seconds', milliseconds: 1_000 };
  if (length < 3 * 3_600_000) return { name: 'minutes', milliseconds: 60_000 };
  return { name: 'hours', milliseconds: 3_600_000 };
}

/** Round values from 0 on, about `count` of them, the last one not below `most`: 0, 2, 4, 6. */
export function ticks(most: number, count: number): number[] {
  const raw = most / count;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * magnitude >= raw) ?? 10) * magnitude;
  const last = Math.ceil(most / step - 1e-9);
  return Array.from({ length: last + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}
