import type { Arm, Counter, Reading } from '../canary/ports.ts';
import type { Counts, Interval } from './types.ts';

/** What both arms have counted since the first reading. None of it ever falls. */
export interface Sample {
  /** The newest measurement in it, milliseconds since the epoch. */
  readonly at: number;
  readonly stable: Counts;
  readonly canary: Counts;
}

/** What one reading brought. */
export interface Tallied {
  readonly sample: Sample;
  /** False for a reading that is no newer than the one before: it says nothing, and the sample is the one before. */
  readonly fresh: boolean;
  /** What could not be used, one sentence each: counters that are no count, errors that no request belongs to. */
  readonly problems: readonly string[];
}

/** Turns successive readings of raw counters into cumulative totals per arm. */
export interface Tally {
  take(reading: Reading): Tallied;
}

interface Series {
  /** Undefined as long as every value was unusable. */
  value: number | undefined;
  at: number;
  startedAt: number | undefined;
}

/** Series by key: arm, kind, bound and labels. */
type Process = Map<string, Series>;

interface Totals {
  requests: number;
  errors: number;
  within: Map<number, number>;
}

const ARMS = ['stable', 'canary'] as const satisfies readonly Arm[];

/**
 * Counts what the counters gained since the first reading, which is the baseline.
 * - A value below the last one: the process restarted, and the whole new value counts. When that is so for every request
 *   counter of an instance, its other counters restarted too, even if they have already grown past their old values.
 *   `startedAt` after the last look says the same without a fall.
 * - A series that was absent counts from zero: a counter of errors appears with the first error. Except on an instance
 *   that is new to us and was already running before the first reading: there its first value is the baseline.
 * - A series that vanishes keeps what it counted, and goes on from its last value when it returns.
 * - A measurement no newer than the last one of its series is left out: a replica of Prometheus that lags behind must not
 *   look like a restart.
 * - NaN, infinite and negative values are reported and never counted.
 *
 * Errors and requests may be read an instant apart, so an interval can show more new errors than requests. Errors beyond
 * the requests of an interval are carried into the next instead of being dropped, and likewise in a histogram the requests
 * of a bucket beyond those of the next wider one. What stays without a request for a second reading is reported.
 */
export function createTally(): Tally {
  const processes = new Map<string, Process>();
  const totals: Record<Arm, Totals> = { stable: noTotals(), canary: noTotals() };
  let firstAt: number | undefined;
  let sample: Sample | undefined;
  let carried: Record<Arm, number> = { stable: 0, canary: 0 };

  const gain = (process: Process, isNew: boolean, key: string, counter: Counter): number => {
    const series = process.get(key);
    process.set(key, { value: counter.value, at: counter.at, startedAt: counter.startedAt });
    if (firstAt === undefined) return 0;
    if (series) {
      if (series.value === undefined) return 0;
      return hasRestarted(series, counter) ? counter.value : counter.value - series.value;
    }
    const ranBefore = counter.startedAt !== undefined && counter.startedAt < firstAt;
    return isNew && ranBefore ? 0 : counter.value;
  };

  return {
    take(reading) {
      if (sample && reading.at <= sample.at) return { sample, fresh: false, problems: [] };
      const problems: string[] = [];
      for (const [instance, found] of byInstance(reading)) {
        const known = processes.get(instance);
        const process: Process = known ?? new Map();
        processes.set(instance, process);
        if (everyRequestCounterRestarted(process, found)) {
          for (const series of process.values()) series.value = 0;
        }
        for (const { arm, key, counter } of found) {
          const why = unusable(counter);
          if (why) {
            problems.push(`${arm} ${named(counter)} of ${instance} is ${why} and was not counted.`);
            if (!process.has(key))
              process.set(key, { value: undefined, at: Number.NEGATIVE_INFINITY, startedAt: undefined });
          } else if (counter.at > (process.get(key)?.at ?? Number.NEGATIVE_INFINITY)) {
            addTo(totals[arm], counter, gain(process, known === undefined, key, counter));
          }
        }
      }
      firstAt ??= reading.at;

      const next = {
        at: reading.at,
        stable: advance(sample?.stable, totals.stable),
        canary: advance(sample?.canary, totals.canary),
      };
      for (const arm of ARMS) {
        const excess = Math.floor(totals[arm].errors) - next[arm].errors;
        if (excess > 0 && carried[arm] > 0) {
          problems.push(
            `The ${arm} arm counts ${excess} more errors than requests: the queries may count different things.`,
          );
        }
        carried = { ...carried, [arm]: excess };
      }
      sample = next;
      return { sample, fresh: true, problems };
    },
  };
}

/** What happened between two samples, `before` the older one, at a canary weight in per cent. */
export function difference(before: Sample, after: Sample, weight: number): Interval {
  return {
    from: before.at,
    to: after.at,
    weight,
    stable: combine(after.stable, before.stable, -1),
    canary: combine(after.canary, before.canary, -1),
  };
}

/** Two successive intervals of one weight as one. Throws RangeError for different weights: those are never pooled. */
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
  return { requests: a.requests + sign * b.requests, errors: a.errors + sign * b.errors, within };
}

function noTotals(): Totals {
  return { requests: 0, errors: 0, within: new Map() };
}

interface Found {
  readonly arm: Arm;
  readonly key: string;
  readonly counter: Counter;
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

function everyRequestCounterRestarted(process: Process, found: readonly Found[]): boolean {
  const compared = found.flatMap(({ key, counter }) => {
    const series = process.get(key);
    const comparable =
      counter.kind === 'requests' && !unusable(counter) && series?.value !== undefined && counter.at > series.at;
    return comparable ? [hasRestarted(series, counter)] : [];
  });
  return compared.length > 0 && compared.every(Boolean);
}

function hasRestarted(last: Series, now: Counter): boolean {
  if (last.value !== undefined && now.value < last.value) return true;
  if (now.startedAt === undefined || last.startedAt === undefined) return false;
  return now.startedAt > last.startedAt && now.startedAt > last.at;
}

function unusable(counter: Counter): string | undefined {
  if (!Number.isFinite(counter.value) || counter.value < 0) return String(counter.value);
  if (counter.kind === 'bucket' && !(counter.le !== undefined && counter.le >= 0)) return 'a bucket without a bound';
  return undefined;
}

function named(counter: Counter): string {
  const bound = counter.kind === 'bucket' ? ` le=${counter.le}` : '';
  return `counter ${counter.kind}${bound} ${counter.series}`;
}

function addTo(totals: Totals, counter: Counter, gained: number): void {
  if (counter.kind === 'requests') totals.requests += gained;
  else if (counter.kind === 'errors') totals.errors += gained;
  else if (counter.le !== undefined) totals.within.set(counter.le, (totals.within.get(counter.le) ?? 0) + gained);
}

/** The totals as whole counts, of which each grew by no more than the count that contains it. */
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
  return { requests, errors: grown(last?.errors ?? 0, totals.errors, requests - (last?.requests ?? 0)), within };
}
