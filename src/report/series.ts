import type { Tallies, Tally } from '../judge/types.ts';
import { sum } from './canary-report.ts';
import type { Report } from './canary-report-schema.ts';

/** The data of the plots. Times are milliseconds since `start`, weights per cent, rates fractions. */
export interface Series {
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly length: number;
  /** Each weight holds until the time of the next one. */
  readonly weights: readonly { readonly time: number; readonly weight: number }[];
  /** In order of time; a rate is undefined where its arm got no request, and both are where nothing was measured. */
  readonly rates: readonly ({ readonly time: number } & Rates)[];
  readonly breach?: { readonly time: number; readonly weight: number };
}

/**
 * The fewest canary requests for a rate; if there are fewer, the rate covers a longer period, so that the plot shows no noise.
 */
export const FEWEST_REQUESTS = 100;

/**
 * The error rates of both arms and the weights over time, in at most `most` slices; undefined where nothing was measured and
 * no request was moved.
 */
export function seriesOf(report: Report, most: number): Series | undefined {
  const { points, weights, breach } = report;
  const times = [...points, ...weights, ...(breach ? [breach] : [])].map(({ at }) => at);
  if (times.length === 0) return undefined;
  const start = times.reduce((earliest, at) => Math.min(earliest, at));
  const last = times.reduce((latest, at) => Math.max(latest, at));
  // A little longer, so that the final fall of the weight is visible.
  const length = Math.max(last - start, SHORTEST) * 1.02;
  return {
    start,
    length,
    weights: weights.map(({ at, weight }) => ({ time: at - start, weight })),
    rates: ratesOf(points, start, most),
    ...(breach && { breach: { time: breach.at - start, weight: breach.weight } }),
  };
}

/** The shortest time that a plot shows, in milliseconds. */
const SHORTEST = 1_000;

/** Points that are farther apart than this many usual distances have a gap between them. */
const GAP = 3;

/**
 * Slices of the time from the first to the last measurement; none is shorter than the usual distance between two points.
 */
function ratesOf(points: Report['points'], start: number, most: number): Series['rates'] {
  const [first, newest] = [points[0], points.at(-1)];
  if (!first || !newest) return [];
  const usual = usualDistance(points);
  const from = first.at - usual;
  const count = Math.min(most, Math.max(1, Math.floor((newest.at - from) / usual)));
  const width = (newest.at - from) / count;
  return Array.from({ length: count }, (_, index) => {
    // The last slice ends exactly at the last measurement, despite rounding errors.
    const to = index === count - 1 ? newest.at : from + (index + 1) * width;
    const until = points.findLastIndex(({ at }) => at <= to);
    const time = to - start;
    const [last, next] = [points[until]?.at ?? from, points[until + 1]?.at ?? newest.at];
    if (last <= to - width && next - last > GAP * usual) return { time };
    return { time, ...rateUntil(points, until, to - width, GAP * usual) };
  });
}

/**
 * The rates of both arms at a point, including as many earlier points as are needed for a rate without noise, but never across
 * a gap or a change of weight.
 *
 * @param from milliseconds since the epoch: points after this time always belong to the rate
 */
function rateUntil(points: Report['points'], until: number, from: number, gap: number): Rates {
  const last = points[until];
  if (last === undefined) return {};
  let counted: Tallies = last;
  for (let back = until - 1; back >= 0; back -= 1) {
    const [earlier, later] = [points[back], points[back + 1]];
    if (earlier === undefined || later === undefined || earlier.weight !== last.weight) break;
    if (later.at - earlier.at > gap) break;
    if (earlier.at <= from && counted.canary.requests >= FEWEST_REQUESTS) break;
    counted = sum(counted, earlier);
  }
  return { ...rate('stable', counted.stable), ...rate('canary', counted.canary), counted };
}

interface Rates {
  readonly stable?: number;
  readonly canary?: number;
  /** The requests that the rates are of. */
  readonly counted?: Tallies;
}

/** The median distance of two points, in milliseconds; SHORTEST for a single measurement. */
function usualDistance(points: Report['points']): number {
  const distances = points.slice(1).map(({ at }, index) => at - (points[index]?.at ?? at));
  return distances.toSorted((a, b) => a - b)[Math.floor(distances.length / 2)] || SHORTEST;
}

function rate(arm: 'stable' | 'canary', { requests, errors }: Tally): Rates {
  return requests === 0 ? {} : { [arm]: errors / requests };
}

/** The unit for a length of time on an axis. */
export function timeUnit(length: number): { readonly name: string; readonly milliseconds: number } {
  if (length < 180_000) return { name: 'seconds', milliseconds: 1_000 };
  if (length < 3 * 3_600_000) return { name: 'minutes', milliseconds: 60_000 };
  return { name: 'hours', milliseconds: 3_600_000 };
}

/** About `count` round values from 0 on, the last one at least `most`: 0, 2, 4, 6. */
export function ticks(most: number, count: number): number[] {
  const raw = most / count;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * magnitude >= raw) ?? 10) * magnitude;
  const last = Math.ceil(most / step - 1e-9);
  return Array.from({ length: last + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}
