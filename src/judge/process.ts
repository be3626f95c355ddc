import type { Arm, Counter } from './readings.ts';

/** A counter of one arm, with its identity within the process. */
export interface Found {
  readonly arm: Arm;
  readonly key: string;
  readonly counter: Counter;
}

/** The growth of one counter. */
interface Gain {
  readonly arm: Arm;
  readonly counter: Counter;
  readonly gained: number;
}

/** The result of one look at a process. */
interface Counted {
  readonly gains: readonly Gain[];
  /** Unusable values, one sentence each. */
  readonly problems: readonly string[];
  /** Its values fall repeatedly without a restart, so they are no counters. A sentence. */
  readonly erratic?: string;
}

/** Follows the counters of one process, which resets them all together. */
export interface CountingProcess {
  /** @param firstAt when the very first reading was taken; undefined for that reading */
  count(found: readonly Found[], firstAt: number | undefined): Counted;
}

interface Series {
  /** Undefined as long as every value was unusable. */
  readonly value: number | undefined;
  readonly at: number;
  readonly startedAt: number | undefined;
}

/** The growth of a process since an unexplained fall. */
interface Held {
  /** The start of the process, if known, and its last measurement before the fall. */
  readonly startedAt: number | undefined;
  readonly at: number;
  readonly looks: number;
  readonly gains: readonly Gain[];
}

/** `fell`: below the last value, without a restart. `other`: the process began before the one that was seen last. */
type Change = 'grew' | 'restarted' | 'fell' | 'other';

const NEVER_USABLE: Series = { value: undefined, at: Number.NEGATIVE_INFINITY, startedAt: undefined };

/** A second fall without a restart in this many milliseconds proves that the values are no counters. */
const FALLS_TOGETHER = 600_000;
/** After this many looks without another fall, the first one counts as a reset: gateways drop the counters of removed routes. */
const LOOKS_HELD = 5;
/** Milliseconds by which the clock of start times may be behind the clock of measurements. */
const CLOCK_SKEW = 30_000;
/** Milliseconds by which reports of the same start may differ. */
const START_JITTER = 2_000;
/** More requests than a process has served right after its start. */
const TOO_MANY = 100;

/**
 * A counter of a process falls only when the process restarts. A value that falls without a restart is no counter: several
 * worker processes answer in turn, or it is a rate. After an unexplained fall, the growth of the process is held back until its
 * start is reported, or some looks pass without a second fall. A second fall ends the counting.
 */
export function createProcess(instance: string): CountingProcess {
  const known = new Map<string, Series>();
  let isNew = true;
  let falls: readonly number[] = [];
  let held: Held | undefined;
  let erratic: string | undefined;

  /** The growth in this look, and in held back looks that turn out to be real. */
  function released(
    gains: readonly Gain[],
    changes: ReadonlySet<Change>,
    before: Omit<Held, 'looks' | 'gains'>,
  ): Gain[] {
    if (changes.has('fell') || changes.has('other')) {
      held = { ...before, looks: 0, gains };
      return [];
    }
    if (!held) return [...gains];
    const { startedAt, at, looks } = held;
    const all = [...held.gains, ...gains];
    const restarted = gains.some(
      ({ counter }) =>
        counter.startedAt !== undefined &&
        counter.startedAt > (startedAt ?? Number.POSITIVE_INFINITY) + START_JITTER &&
        counter.startedAt > at - CLOCK_SKEW,
    );
    if (restarted) falls = [];
    held = restarted || looks + 1 >= LOOKS_HELD ? undefined : { startedAt, at, looks: looks + 1, gains: all };
    return held ? [] : all;
  }

  return {
    count(found, firstAt) {
      if (erratic !== undefined) return { gains: [], problems: [], erratic };
      const problems: string[] = [];
      const gains: Gain[] = [];
      const moved = found.flatMap(({ key, counter }) => {
        const last = known.get(key);
        return last?.value !== undefined && !unusable(counter) && counter.at > last.at
          ? [{ counter, last, change: changeOf(last, counter) }]
          : [];
      });
      const before = {
        startedAt: newest(moved.flatMap(({ last }) => last.startedAt ?? [])),
        at: newest(moved.map(({ last }) => last.at)) ?? 0,
      };
      const unexplained = moved.filter(({ last, counter, change }) => isUnexplained(last, counter, change));
      const [fall] = unexplained;
      if (fall) {
        falls = [...falls.filter((at) => fall.counter.at - at <= FALLS_TOGETHER), fall.counter.at];
        if (falls.length > 1) {
          erratic = describeFalls(instance, fall.last, fall.counter);
          return { gains: [], problems: [], erratic };
        }
      }
      const requests = moved.filter(({ counter }) => counter.kind === 'requests');
      if (requests.length > 0 && requests.every(({ change }) => change === 'restarted' || change === 'fell')) {
        for (const [key, series] of known) known.set(key, { ...series, value: 0 });
      }
      for (const { arm, key, counter } of found) {
        const last = known.get(key);
        const why = unusable(counter);
        if (why) {
          if (!last) known.set(key, NEVER_USABLE);
          problems.push(`The ${arm} arm's ${named(counter)} of ${instance} is ${why} and is not counted.`);
        } else if (!last || counter.at > last.at) {
          known.set(key, { value: counter.value, at: counter.at, startedAt: counter.startedAt });
          const ranBefore = firstAt === undefined || (isNew && startedBefore(counter, firstAt));
          gains.push({ arm, counter, gained: last ? gainSince(last, counter) : ranBefore ? 0 : counter.value });
        }
      }
      isNew = false;
      return { gains: released(gains, new Set(moved.map(({ change }) => change)), before), problems };
    },
  };
}

function newest(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.max(...times);
}

function changeOf(last: Series, now: Counter): Change {
  const fell = last.value !== undefined && now.value < last.value;
  if (now.startedAt === undefined || last.startedAt === undefined) {
    // A process that has just started can't have served that many requests already.
    const most = Math.max((last.value ?? 0) / 2, TOO_MANY);
    return !fell ? 'grew' : now.value > most ? 'fell' : 'restarted';
  }
  if (now.startedAt < last.startedAt - START_JITTER) return 'other';
  const isLater = now.startedAt > last.startedAt && now.startedAt > last.at - (fell ? CLOCK_SKEW : 0);
  if (isLater) return 'restarted';
  return fell ? 'fell' : 'grew';
}

/** Whether no start explains a fall. If no start is known, a single fall may be a restart, but not several in a row. */
function isUnexplained(last: Series, now: Counter, change: Change): boolean {
  if (change === 'fell' || change === 'other') return true;
  return change === 'restarted' && (now.startedAt === undefined || last.startedAt === undefined);
}

function gainSince(last: Series, now: Counter): number {
  if (last.value === undefined) return 0;
  const change = changeOf(last, now);
  if (change === 'other') return 0;
  return change === 'grew' ? now.value - last.value : now.value;
}

function startedBefore({ startedAt, runningSince }: Counter, moment: number): boolean {
  if (startedAt !== undefined) return startedAt < moment;
  return runningSince !== undefined && runningSince <= moment;
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

function describeFalls(instance: string, { value }: Series, counter: Counter): string {
  return (
    `The ${named(counter)} of ${instance} went from ${value} to ${counter.value}, as it did before, although the process did not restart: it counts nothing. ` +
    'Where several worker processes answer for one endpoint, use the multiprocess mode of the Prometheus client library, one worker per container, or the metrics of the gateway; where the query reads a rate or a gauge, give a counter.'
  );
}
