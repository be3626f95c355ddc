import { createTally, difference, type Sample } from '../../judge/counters.ts';
import type { Reading } from '../../judge/readings.ts';
import type { Interval } from '../../judge/types.ts';

/** The news in one reading. */
type News =
  /** Nothing, although a reading was due. */
  | { readonly kind: 'silence'; readonly reason: string }
  /** Nothing, and nothing was due: it is between two scrapes. */
  | { readonly kind: 'early' }
  /** The first counts, from which everything is counted. */
  | { readonly kind: 'baseline' }
  /** What was counted since the previous reading. */
  | { readonly kind: 'interval'; readonly interval: Interval };

/** A reading that was taken, for `newsOf`. */
interface Taken {
  readonly reading: Reading;
  /** Undefined if only some of the sources answered. */
  readonly counted: ReturnType<ReturnType<typeof createTally>['take']> | undefined;
}

/** What an evaluation needs to know of the requests. Times in milliseconds. */
interface RequestFacts {
  /** Since the metrics last brought new data. */
  readonly sinceReading: number;
  readonly silent: boolean;
  /** Why the data can't be used. */
  readonly noCounters?: string;
  readonly sinceCanaryRequest: number;
  readonly canaryUnmeasured: boolean;
  /** The most canary requests since the weight was entered that may not come from users. */
  readonly own: number;
}

/** The sum of a rollout's readings, and the times of new data. Instants in milliseconds. */
export interface Requests {
  take(reading: Reading): Taken;
  newsOf(taken: Taken, now: number): News;
  /** Counts a last reading, without judging it. */
  finish(reading: Reading): void;
  /** From now on the canary gets this weight. */
  enter(weight: number, now: number): void;
  /** If no requests are counted, a look at the pods counts as new data. */
  seePods(now: number): void;
  facts(now: number): RequestFacts;
  /** Since the first reading; undefined before it. */
  total(): Interval | undefined;
  /** When the arms are measured next, if the meter knows. */
  readonly due: Reading['due'];
  readonly lastReading: number;
}

/**
 * @param interval milliseconds between two looks that can bring new data
 * @param started when the rollout began
 */
export function createRequests(interval: number, started: number): Requests {
  const tally = createTally();
  let first: Sample | undefined;
  let last: Sample | undefined;
  let weight = 0;
  let canaryUnmeasured = true;
  let lastReading = started;
  /** Milliseconds between the last two readings with new data: the source's own pace. */
  let cadence = interval;
  let lastCanaryRequest = started;
  let due: Reading['due'];
  let noCounters: string | undefined;
  /** The most canary requests that may not come from users: now, and when the weight was entered. */
  let own = 0;
  let ownBefore = 0;

  const isSilent = (now: number) => now - lastReading > 2 * cadence;

  function take(reading: Reading): Taken {
    due = reading.due;
    canaryUnmeasured &&= reading.canary.length === 0;
    return { reading, counted: reading.partial ? undefined : tally.take(reading) };
  }

  return {
    take,

    newsOf({ reading, counted }, now) {
      if (counted) noCounters = counted.unusable;
      if (noCounters !== undefined) return { kind: 'silence', reason: noCounters };
      if (!counted?.fresh) {
        if (!isSilent(now)) return { kind: 'early' };
        return { kind: 'silence', reason: counted ? 'the metrics show nothing new' : 'the answers are partial' };
      }
      const before = last;
      last = counted.sample;
      cadence = before ? Math.max(now - lastReading, interval) : interval;
      lastReading = now;
      first ??= last;
      if (before === undefined) return { kind: 'baseline' };
      const counts = difference(before, last, weight);
      const ownNow = reading.own?.canary ?? 0;
      if (counts.canary.requests > Math.max(0, ownNow - own)) lastCanaryRequest = now;
      own = ownNow;
      return { kind: 'interval', interval: counts };
    },

    finish(reading) {
      const { counted } = take(reading);
      if (counted?.fresh) last = counted.sample;
    },

    enter(next, now) {
      weight = next;
      lastCanaryRequest = now;
      ownBefore = own;
    },

    seePods(now) {
      lastReading = now;
    },

    facts: (now) => ({
      sinceReading: now - lastReading,
      silent: isSilent(now),
      ...(noCounters !== undefined && { noCounters }),
      sinceCanaryRequest: now - lastCanaryRequest,
      canaryUnmeasured,
      own: own - ownBefore,
    }),

    total: () => (first && last ? difference(first, last, weight) : undefined),

    get due() {
      return due;
    },
    get lastReading() {
      return lastReading;
    },
  };
}
