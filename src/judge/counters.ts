import { type CountingProcess, createProcess, type Found } from './process.ts';
import type { Arm, Counter, Reading } from './readings.ts';
import type { Counts, Interval } from './types.ts';

/** The counts of both arms since the first reading. They never decrease. */
export interface Sample {
  /** The newest measurement in it, milliseconds since the epoch. */
  readonly at: number;
  readonly stable: Counts;
  readonly canary: Counts;
}

/** The result of taking one reading. */
interface Tallied {
  readonly sample: Sample;
  /** False for a reading that is no newer than the last one: the reading is ignored, and `sample` is the previous one. */
  readonly fresh: boolean;
  /**
   * What could not be used, one sentence each: counters with invalid values, errors without a matching request. A problem
   * that lasts is reported once.
   */
  readonly problems: readonly string[];
  /** Why this reading cannot be judged: some of its series do not behave like counters. */
  readonly unusable?: string;
}

/** Turns successive readings of raw counters into cumulative totals per arm. */
export interface Tally {
  take(reading: Reading): Tallied;
}

interface Totals {
  requests: number;
  errors: number;
  unanswered: number;
  within: Map<number, number>;
}

const ARMS = ['stable', 'canary'] as const satisfies readonly Arm[];

/**
 * Counts the growth of the counters since the first reading, which is the baseline.
 * - A value below the last one: the process restarted, and the whole new value counts. If every request counter of an instance
 *   fell, its other counters restarted too, even if they have already grown past their old values. `startedAt` after the last
 *   look also means a restart, without a fall. If `startedAt` says that there was no restart, or if it is unknown and the
 *   counter falls a second time, the values are no counters (see `createProcess`).
 * - A series that was absent counts from zero, since a counter of errors appears with the first error. Exception: on an
 *   instance that is new to the tally but ran before the first reading, its first value is the baseline.
 * - A series that vanishes keeps its count, and continues from its last value when it returns.
 * - A measurement no newer than the last one of its series is left out: a replica of Prometheus that lags behind must not look
 *   like a restart.
 * - NaN, infinite and negative values are reported and never counted.
 *
 * Errors and requests may be read an instant apart, so an interval can show more new errors than requests. Errors beyond the
 * requests of an interval are carried into the next instead of being dropped, and likewise in a histogram the requests of a
 * bucket beyond those of the next wider one. What has no matching request after a second reading is reported.
 */
export function createTally(): Tally {
  const processes = new Map<string, CountingProcess>();
  const totals: Record<Arm, Totals> = { stable: noTotals(), canary: noTotals() };
  let firstAt: number | undefined;
  let sample: Sample | undefined;
  let carrying: readonly Arm[] = [];
  let lasting: readonly string[] = [];
  let toldErratic = false;

  const count = (instance: string, found: readonly Found[]) => {
    const process = processes.get(instance) ?? createProcess(instance);
    processes.set(instance, process);
    const counted = process.count(found, firstAt);
    for (const { arm, counter, gained } of counted.gains) addTo(totals[arm], counter, gained);
    return counted;
  };

  return {
    take(reading) {
      if (sample && reading.at <= sample.at) return { sample, fresh: false, problems: [] };
      const counted = [...byInstance(reading)].map(([instance, found]) => count(instance, found));
      const problems = counted.flatMap((one) => one.problems);
      const unusable = counted.find(({ erratic }) => erratic !== undefined)?.erratic;
      // All processes of a service have the same counters, so one of them is enough as an example.
      if (unusable !== undefined && !toldErratic) problems.push(unusable);
      toldErratic ||= unusable !== undefined;
      firstAt ??= reading.at;

      const next: Sample = {
        at: reading.at,
        stable: advance(sample?.stable, totals.stable),
        canary: advance(sample?.canary, totals.canary),
      };
      sample = next;
      const ahead = ARMS.filter((arm) => Math.floor(totals[arm].errors) > next[arm].errors);
      for (const arm of ahead.filter((one) => carrying.includes(one))) {
        problems.push(`The ${arm} arm counts more errors than requests: the queries may count different things.`);
      }
      carrying = ahead;
      const news = problems.filter((problem) => !lasting.includes(problem));
      lasting = problems;
      return { sample, fresh: true, problems: news, ...(unusable !== undefined && { unusable }) };
    },
  };
}

/** The difference of two samples, `before` the older one, at a canary weight in per cent. */
export function difference(before: Sample, after: Sample, weight: number): Interval {
  return {
    from: before.at,
    to: after.at,
    weight,
    stable: combine(after.stable, before.stable, -1),
    canary: combine(after.canary, before.canary, -1),
  };
}

/** Merges two successive intervals of one weight. Throws RangeError for different weights, which are never pooled. */
export function merge(earlier: Interval, later: Interval): Interval {
  if (earlier.weight !== later.weight) {
    throw new RangeError(`intervals at weight ${earlier.weight} and ${later.weight} can't be merged`);
  }
  return {
    from: earlier.from,
    to: later.to,
    weight: later.weight,
    stable: combine(earlier.stable, later.stable, 1),
    canary: combine(earlier.canary, later.canary, 1),
  };
}

function combine(a: Counts, b: Counts, sign: 1 | -1): Counts {
  const bounds = new Set([...a.within.keys(), ...b.within.keys()]);
  const within = new Map(
    [...bounds].map((bound) => [bound, (a.within.get(bound) ?? 0) + sign * (b.within.get(bound) ?? 0)]),
  );
  const unanswered = (a.unanswered ?? 0) + sign * (b.unanswered ?? 0);
  return {
    requests: a.requests + sign * b.requests,
    errors: a.errors + sign * b.errors,
    ...(unanswered > 0 && { unanswered }),
    within,
  };
}

function noTotals(): Totals {
  return { requests: 0, errors: 0, unanswered: 0, within: new Map() };
}

function byInstance(reading: Reading): Map<string, Found[]> {
  const found = ARMS.flatMap((arm) =>
    reading[arm].map((counter) => ({
      arm,
      key: JSON.stringify([arm, counter.kind, counter.le ?? null, counter.series]),
      counter,
    })),
  );
  return Map.groupBy(found, ({ counter }) => counter.instance);
}

function addTo(totals: Totals, counter: Counter, gained: number): void {
  if (counter.kind === 'requests') totals.requests += gained;
  else if (counter.kind === 'errors') totals.errors += gained;
  else if (counter.kind === 'unanswered') totals.unanswered += gained;
  else if (counter.le !== undefined) totals.within.set(counter.le, (totals.within.get(counter.le) ?? 0) + gained);
}

/** The totals as whole counts. Each grows by no more than the count that contains it. */
function advance(last: Counts | undefined, totals: Totals): Counts {
  const requests = Math.floor(totals.requests);
  const grown = (before: number, total: number, most: number) => before + Math.min(Math.floor(total) - before, most);
  const within = new Map<number, number>();
  let most = Number.POSITIVE_INFINITY;
  for (const [bound, total] of [...totals.within].toSorted(([a], [b]) => b - a)) {
    const before = last?.within.get(bound) ?? 0;
    const now = grown(before, total, most);
    within.set(bound, now);
    most = now - before;
  }
  const errors = grown(last?.errors ?? 0, totals.errors, requests - (last?.requests ?? 0));
  const unanswered = grown(last?.unanswered ?? 0, totals.unanswered, errors - (last?.errors ?? 0));
  return { requests, errors, ...(unanswered > 0 && { unanswered }), within };
}
