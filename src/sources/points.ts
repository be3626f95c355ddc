import type { Window } from '../judge/looks/look.ts';

/** A number of an interval, by the time at which the interval begins: milliseconds since the epoch. */
export interface IntervalPoint {
  readonly at: number;
  readonly value: number;
}

interface Freshness {
  /** Milliseconds that one interval lasts. */
  readonly interval: number;
  /** Milliseconds after its end in which a point is fresh. */
  readonly staleAfter: number;
}

/** The newest point whose interval is over at the end of the window, by the time of its end; undefined where none is fresh. */
export function newestWholePoint(
  points: readonly IntervalPoint[],
  { to }: Pick<Window, 'to'>,
  { interval, staleAfter }: Freshness,
): IntervalPoint | undefined {
  return points
    .map(({ at, value }) => ({ at: at + interval, value }))
    .filter(({ at }) => at <= to && at >= to - staleAfter)
    .toSorted((a, b) => b.at - a.at)[0];
}
