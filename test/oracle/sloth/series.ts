import { binomial, type Random, seeded } from '../../../src/judge/random.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The pairs of windows of Sloth's alerts for a period of 30 days: https://sre.google/workbook/alerting-on-slos. */
export const pairs = {
  page: [
    { short: 5 * MINUTE, long: HOUR, above: 14.4 },
    { short: 30 * MINUTE, long: 6 * HOUR, above: 6 },
  ],
  ticket: [
    { short: 2 * HOUR, long: DAY, above: 3 },
    { short: 6 * HOUR, long: 3 * DAY, above: 1 },
  ],
} as const;

/** What is peculiar to the series of a case. */
export const kinds = [
  'near a limit',
  'burst',
  'restarts',
  'gap',
  'late start',
  'late errors',
  'no errors',
  'no traffic',
  'stopped',
  'errors without traffic',
] as const;
type Kind = (typeof kinds)[number];

/** One time series, with the samples that were scraped: milliseconds since the Unix epoch, and the value of the counter. */
export interface GeneratedSeries {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly (readonly [at: number, value: number])[];
}

export interface GeneratedCase {
  readonly kind: Kind;
  readonly series: readonly GeneratedSeries[];
}

interface CaseOptions {
  /** Which objective it is measured for: the value of the label `case`. */
  readonly index: number;
  readonly kind: Kind;
  /** The share of events that may be bad. */
  readonly budget: number;
  /** Whether bad events have a counter of their own, rather than a label. */
  readonly isSeparate: boolean;
  /** The time at which it is looked at, in milliseconds since the Unix epoch. */
  readonly now: number;
  readonly seed: number;
}

/** How events come and fail, by the milliseconds before now. */
interface Traffic {
  /** Events a second. */
  readonly rate: (ago: number) => number;
  /** The share of them that is bad. */
  readonly bad: (ago: number) => number;
  readonly isScraped: (ago: number) => boolean;
}

/** What is a little beside a limit, and what is far from it. */
const sides = [0, 0.9, 0.99, 0.998, 0.999, 1.001, 1.002, 1.01, 1.1, 3];

/** Three days of counters as they are scraped of some pods, whose last burst is about as bad as one of the limits. */
export function generateCase({ index, kind, budget, isSeparate, now, seed }: CaseOptions): GeneratedCase {
  const random = seeded(seed);
  const step = pick(random, [15, 30, 30, 60, 60, 120]) * SECOND;
  const traffic = trafficOf(kind, budget, random);
  const pods = Array.from({ length: 1 + Math.floor(random() * 2) }, (_, pod) => `shop-${pod}`);
  const isExact = random() < 0.7;
  const series = pods.flatMap((pod) => {
    const counted = countPod({ kind, traffic, step, now, isExact, isSeparate, random });
    const labels = { case: `${index}`, pod };
    const total = {
      name: 'requests_total',
      labels: isSeparate ? labels : { ...labels, code: '200' },
      samples: counted.total,
    };
    const bad = isSeparate
      ? { name: 'failures_total', labels, samples: counted.bad }
      : { name: 'requests_total', labels: { ...labels, code: '503' }, samples: counted.bad };
    return bad.samples.length === 0 ? [total] : [total, bad];
  });
  return { kind, series };
}

function trafficOf(kind: Kind, budget: number, random: Random): Traffic {
  const rate = 10 ** (random() * 3 - 1);
  const { long, above } = pick(random, [...pairs.page, ...pairs.ticket]);
  const aim = above * budget * pick(random, sides);
  // A burst that is shorter than the long window is worse by as much.
  const part = kind === 'near a limit' || random() < 0.5 ? 1.2 : 0.1 + 0.9 * random();
  const lasted = part * long;
  const share = Math.min(1, aim / Math.min(1, part));
  const ended = random() < 0.3 ? random() * 10 * MINUTE : 0;
  const before = random() < 0.5 ? 0 : budget * random();
  const quiet = pick(random, [4 * MINUTE, 20 * MINUTE, 2 * HOUR, 8 * HOUR, 4 * DAY]);
  const gone = pick(random, [10, 30, 100, 170, 250, 400, 1_500]) * SECOND;
  const hole = { from: random() * 90 * MINUTE, length: pick(random, [3, 8, 40, 200]) * MINUTE };
  const begun = pick(random, [2 * MINUTE, 10 * MINUTE, 45 * MINUTE, 5 * HOUR, 30 * HOUR]);
  return {
    rate: (ago) => (kind === 'no traffic' && ago < quiet ? 0 : rate),
    bad(ago) {
      if (kind === 'no errors') return 0;
      return ago >= ended && ago < ended + lasted ? share : before;
    },
    isScraped(ago) {
      if (kind === 'gap') return ago < hole.from || ago > hole.from + hole.length;
      if (kind === 'late start') return ago < begun;
      return kind !== 'stopped' || ago > gone;
    },
  };
}

interface PodOptions {
  readonly kind: Kind;
  readonly traffic: Traffic;
  /** Milliseconds between two scrapes. */
  readonly step: number;
  readonly now: number;
  /** Whether shares are kept to one event, rather than by chance. */
  readonly isExact: boolean;
  readonly isSeparate: boolean;
  readonly random: Random;
}

/** The counters of one pod. Without a counter of their own, bad events are no part of `total`, but beside it. */
function countPod({ kind, traffic, step, now, isExact, isSeparate, random }: PodOptions) {
  const total: [number, number][] = [];
  const bad: [number, number][] = [];
  const phase = Math.floor(random() * step);
  const restart = kind === 'restarts' ? (step / HOUR) * 4 : 0;
  const silent = kind === 'errors without traffic' ? random() * 8 * HOUR : 0;
  const counts = { total: Math.floor(random() * 1e6), bad: Math.floor(random() * 1e3) };
  let [due, dueBad] = [0, 0];
  // The minutes after now are there as well: the rules are evaluated a little later.
  for (let ago = 3 * DAY + HOUR - phase; ago > -8 * MINUTE; ago -= step) {
    if (random() < restart) Object.assign(counts, { total: 0, bad: 0 });
    due += (traffic.rate(ago) * step) / SECOND;
    const events = Math.floor(due);
    due -= events;
    dueBad += isExact ? events * traffic.bad(ago) : binomial(random, events, traffic.bad(ago));
    const failed = Math.min(events, Math.floor(dueBad));
    dueBad -= failed;
    counts.bad += failed;
    if (ago >= silent) counts.total += isSeparate ? events : events - failed;
    // A scrape is some milliseconds late.
    const at = now - ago + Math.floor(random() * 20);
    if (!traffic.isScraped(ago)) continue;
    total.push([at, counts.total]);
    if (kind === 'no errors') continue;
    if (kind !== 'late errors' || ago < 20 * MINUTE) bad.push([at, counts.bad]);
  }
  return { total, bad };
}

function pick<T>(random: Random, all: readonly T[]): T {
  const one = all[Math.floor(random() * all.length)];
  if (one === undefined) throw new Error('there is nothing to pick from');
  return one;
}
