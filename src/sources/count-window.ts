import { createTally, difference, type Sample as Totals } from '../judge/counters.ts';
import type { Window } from '../judge/looks/look.ts';
import type { Counter } from '../judge/readings.ts';
import type { Counts } from '../judge/types.ts';
import type { Classified } from '../meters/counting/classify.ts';
import type { Series } from '../meters/prometheus/answers.ts';

/** Milliseconds between two readings of one window: resets are seen between them. */
const READING = 15_000;

/** What the counters of the stable arm counted between the two ends of a window; or why that can't be told. */
export function countWindow(classified: readonly Classified<Series>[], { from, to }: Window): Counts | string {
  const tally = createTally();
  let before: Totals | undefined;
  let last: Totals | undefined;
  let unusable: string | undefined;
  for (let at = from; ; at = Math.min(to, at + READING)) {
    const stable = classified.flatMap((one) => measuredAt(one, at));
    const newest = Math.max(...stable.map((counter) => counter.at), Number.NEGATIVE_INFINITY);
    if (stable.length > 0) {
      const taken = tally.take({ at: newest, stable, canary: [] });
      last = taken.sample;
      unusable = taken.unusable ?? unusable;
    }
    before ??= last;
    if (at >= to) break;
  }
  if (unusable !== undefined) return unusable;
  if (!before || !last) return 'nothing was measured in this time';
  return difference(before, last, 0).stable;
}

/** A counter as it was last measured before a time; none where it was not measured yet. */
export function measuredAt({ counter, sample }: Classified<Series>, at: number): Counter[] {
  const point = sample.history.findLast((one) => one.at <= at);
  return point ? [{ ...counter, value: point.value, at: point.at }] : [];
}
