import { excerpt } from '../../core/text.ts';
import type { Requests, Tally, TellRequests } from '../ports.ts';
import { createGapList, type Gap, type Span } from './gap-list.ts';
import { addLatency, type Latencies, percentiles } from './latencies.ts';
import type { Latency, Measured } from './measured.ts';

const SECOND = 1_000;
/** How long reasons and times of answers are kept together. */
const PERIOD = 10 * SECOND;
/** The most slices that are kept: more than a day of seconds. What comes later is a gap. */
const MOST_SLICES = 100_000;
/** The most different reasons that are told apart, and the longest one in characters. */
const MOST_REASONS = 50;
const LONGEST_REASON = 160;
const OTHER_REASONS = 'other reasons';

/** The requests of a short time. Times in milliseconds since the Unix epoch; `to` belongs to the next one. */
export interface Slice {
  readonly from: number;
  readonly to: number;
  readonly good: number;
  readonly bad: number;
  /** When the last bad request was sent; for counts, the end of their window. Undefined where none was bad. */
  readonly lastBad: number | undefined;
}

/** What is known of the requests of a drill. A part of time is given as `from` and `to`; what overlaps it belongs to it. */
export interface RequestLog extends TellRequests {
  /**
   * A fault is injected at this time. To be called as it happens, before the write: what is sent later is counted apart. A request that
   * is on its way then and fails counts as sent at this time, since the fault may have hit it.
   */
  injecting(at: number): void;
  /** Something else begins or ends at this time, such as the removal of a fault: what is sent later is counted apart. */
  border(at: number): void;
  /**
   * The slices of a part of time, in order. Own requests are in slices of one second by the time at which they were sent, and borders
   * divide these; counts are as they were counted. A time without requests has no slice, or one without requests.
   */
  slices(from: number, to: number): readonly Slice[];
  latency(from: number, to: number): Latency | undefined;
  /** The reasons of bad ones, the most frequent first. At most 50 are told apart. */
  faults(from: number, to: number): Measured['faults'];
  /** The times of which nothing is known, cut to this part, in order. A gap that counts cover later is none. */
  gaps(from: number, to: number): readonly Gap[];
}

interface GrowingSlice {
  readonly from: number;
  to: number;
  good: number;
  bad: number;
  lastBad: number | undefined;
}

interface Period {
  readonly from: number;
  to: number;
  readonly latencies: Latencies;
  readonly faults: Map<string, number>;
}

/**
 * Collects the requests of a drill. Memory is bounded by its time and not by the number of requests: an hour takes some 20 MB at most.
 *
 * @param kind whether each tally is a request of its own, or a window of counts
 */
export function createRequestLog(kind: Requests['kind']): RequestLog {
  const slices = new Map<string, GrowingSlice>();
  const periods = new Map<string, Period>();
  const reasons = new Set<string>();
  const injections: number[] = [];
  const borders: number[] = [];
  const gaps = createGapList();

  // A border changes where a slice of own requests ends, but not where it begins.
  const keyOf = (from: number, to: number) => (kind === 'own' ? `${from}` : `${from} ${to}`);
  const divide = (at: number) => {
    borders.push(at);
    for (const part of [...slices.values(), ...periods.values()]) {
      if (kind === 'own' && part.from < at && part.to > at) part.to = at;
    }
  };
  const sliceOf = (from: number, to: number) => {
    const known = slices.get(keyOf(from, to));
    if (known !== undefined) return known;
    if (slices.size >= MOST_SLICES) {
      gaps.add({ from, to, reason: 'the log of requests is full' });
      return undefined;
    }
    const slice: GrowingSlice = { from, to, good: 0, bad: 0, lastBad: undefined };
    slices.set(keyOf(from, to), slice);
    return slice;
  };
  const periodOf = ({ from, to }: Span) => {
    const period = periods.get(keyOf(from, to)) ?? { from, to, latencies: new Map(), faults: new Map() };
    if (periods.size < MOST_SLICES) periods.set(keyOf(from, to), period);
    return period;
  };
  const reasonOf = (fault: string | undefined) => {
    const reason = fault === undefined ? 'no reason known' : excerpt(fault, LONGEST_REASON);
    if (reasons.size >= MOST_REASONS && !reasons.has(reason)) return OTHER_REASONS;
    reasons.add(reason);
    return reason;
  };

  return {
    tally(tally) {
      const sent = kind === 'own' ? sentAt(tally, injections) : tally.from;
      const span = kind === 'own' ? spanOf(sent, SECOND, borders) : tally;
      const slice = sliceOf(span.from, span.to);
      if (slice === undefined) return;
      slice.good += tally.good;
      slice.bad += tally.bad;
      if (tally.bad > 0) slice.lastBad = Math.max(slice.lastBad ?? 0, kind === 'own' ? sent : tally.to);
      if (tally.took === undefined && tally.bad === 0) return;
      const period = periodOf(kind === 'own' ? spanOf(sent, PERIOD, borders) : tally);
      if (tally.took !== undefined) addLatency(period.latencies, tally.took);
      if (tally.bad > 0) add(period.faults, reasonOf(tally.fault), tally.bad);
    },
    gap(from, to, reason) {
      gaps.add({ from, to, reason: excerpt(reason, LONGEST_REASON) });
    },
    injecting(at) {
      injections.push(at);
      divide(at);
    },
    border: divide,
    slices(from, to) {
      return within([...slices.values()], from, to).toSorted((a, b) => a.from - b.from || a.to - b.to);
    },
    latency(from, to) {
      return percentiles(within([...periods.values()], from, to).map(({ latencies }) => latencies));
    },
    faults(from, to) {
      const sum = new Map<string, number>();
      for (const period of within([...periods.values()], from, to)) {
        for (const [fault, count] of period.faults) add(sum, fault, count);
      }
      return [...sum].map(([fault, count]) => ({ fault, count })).toSorted((a, b) => b.count - a.count);
    },
    gaps(from, to) {
      return gaps.within(from, to, kind === 'counted' ? this.slices(from, to) : []);
    },
  };
}

/** When a request counts as sent: a bad one that was on its way as a fault was injected counts from then on. */
function sentAt({ from, to, bad }: Tally, injections: readonly number[]): number {
  return (bad > 0 ? injections.find((at) => from < at && to > at) : undefined) ?? from;
}

/** The part of time of this length, from a whole multiple of it and divided by the borders, in which an instant lies. */
function spanOf(at: number, length: number, borders: readonly number[]): Span {
  let from = Math.floor(at / length) * length;
  let to = from + length;
  for (const border of borders) {
    if (border <= at) from = Math.max(from, border);
    else to = Math.min(to, border);
  }
  return { from, to };
}

function within<T extends Span>(all: T[], from: number, to: number): T[] {
  return all.filter((part) => part.to > from && part.from < to);
}

function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}
