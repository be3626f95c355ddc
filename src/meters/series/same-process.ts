import type { History, Point } from './readiness.ts';
import type { Measurement, ScrapedSeries } from './scraped-series.ts';
import { type Labels, NAME } from './selector.ts';

/** Two scrapes of one counter at one moment differ by less than this part of the larger value. */
const UNLIKE = 0.1;

/** A series with its measurement. */
export interface Scraped extends ScrapedSeries {
  readonly measurement: Measurement;
  /** The pod that Sluice itself asked, which is not in the labels. */
  readonly asked?: string;
}

/** What one scrape target shows of a process. */
export interface ScrapedTarget {
  readonly key: string;
  readonly known: boolean;
  readonly series: readonly Scraped[];
}

/** Which series of two targets are the same, if both show the same process. */
export interface Comparison {
  /** The other target's series that equals this one. */
  twinOf(series: Scraped): Scraped | undefined;
  /** Both show some of the same series. */
  readonly overlaps: boolean;
  /** The measurements can't be those of one counter. */
  readonly contradicts: boolean;
  /** There is only one measurement of each, at the same moment, and the values differ widely. */
  readonly isUnlike: boolean;
}

/**
 * Compares the series of two targets by the application's labels. If the target's labels had to be guessed, a label with one
 * value in each target, and different values in the two, counts as the target's; the measurements then show whether that is
 * true. Labels that the queries ask for never count so, because they distinguish errors from requests.
 */
export function compareTargets(one: ScrapedTarget, other: ScrapedTarget, asked: ReadonlySet<string>): Comparison {
  const names = new Set(one.series.map(nameOf)).intersection(new Set(other.series.map(nameOf)));
  const common = (target: ScrapedTarget) => target.series.filter((series) => names.has(nameOf(series)));
  const known = one.known && other.known;
  const ignored = known
    ? sharedConstants(common(one), common(other))
    : differingConstants(common(one), common(other), asked);
  const identify = (series: Scraped) => identity(series.labels, ignored);
  const ofOne = new Map(common(one).map((series) => [identify(series), series]));
  const ofOther = new Map(common(other).map((series) => [identify(series), series]));
  const both = [...ofOne].flatMap(([id, series]) => {
    const twin = ofOther.get(id);
    return twin ? [[series, twin] as const] : [];
  });
  return {
    twinOf: (series) => (series.target === one.key ? ofOther : ofOne).get(identify(series)),
    overlaps: both.length > 0,
    contradicts: both.some(([a, b]) => areTwoCounters(historyOf(a), historyOf(b))),
    isUnlike: !known && both.some(([a, b]) => areUnlike(historyOf(a), historyOf(b))),
  };
}

/** The measurements of a series; only the newest one if no others are known. */
export function historyOf({ measurement }: Scraped): History {
  return measurement.history ?? [measurement];
}

export function nameOf({ labels }: Scraped): string {
  return labels[NAME] ?? '';
}

/** Labels in a fixed order, without the ignored ones. */
export function identity(labels: Labels, ignored: ReadonlySet<string> = new Set()): string {
  const pairs = Object.entries(labels).filter(([label]) => !ignored.has(label));
  return JSON.stringify(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function differingConstants(one: readonly Scraped[], other: readonly Scraped[], asked: ReadonlySet<string>) {
  const differ = labelsOf(one, other).filter((label) => {
    const [a, b] = [constant(one, label), constant(other, label)];
    return label !== NAME && !asked.has(label) && a !== null && b !== null && a !== b;
  });
  return new Set(differ);
}

/** Labels with the same value in both, in one from its target and in the other from the application, whose labels are honored. */
function sharedConstants(one: readonly Scraped[], other: readonly Scraped[]): Set<string> {
  const raw = (of: readonly Scraped[]) => of.map(({ measurement }) => ({ labels: measurement.labels }));
  const shared = labelsOf(one, other).filter((label) => {
    const value = constant(raw(one), label);
    const own = [constant(one, label), constant(other, label)];
    return value && value === constant(raw(other), label) && own.includes(value) && own.includes(undefined);
  });
  return new Set(shared);
}

type Labelled = Pick<Scraped, 'labels'>;

function labelsOf(one: readonly Labelled[], other: readonly Labelled[]): string[] {
  return [...new Set([...one, ...other].flatMap(({ labels }) => Object.keys(labels)))];
}

/** The only value of a label, undefined if no series has it, null if the values differ. */
function constant(of: readonly Labelled[], label: string): string | null | undefined {
  const values = new Set(of.map(({ labels }) => labels[label]));
  return values.size === 1 ? [...values][0] : null;
}

/**
 * Whether these measurements must be those of two counters. One counter that is scraped twice rises from each measurement to
 * the next, whichever scrape it came with. A scrape takes time and clocks differ, so a value is compared with the measurement
 * before the last one and the one after the next. Nothing is concluded around a restart.
 */
function areTwoCounters(a: History, b: History): boolean {
  return contradicts(a, b) || contradicts(b, a);
}

function areUnlike([a, ...moreOfA]: History, [b, ...moreOfB]: History): boolean {
  if (!a || !b || moreOfA.length + moreOfB.length > 0 || a.at !== b.at) return false;
  return Math.abs(a.value - b.value) > UNLIKE * Math.max(a.value, b.value);
}

function contradicts(history: History, others: History): boolean {
  return others.some((other) => {
    const last = history.findLastIndex(({ at }) => at <= other.at);
    if (last < 0) return false;
    const [before, after, later] = [history[last - 1], history[last + 1], history[last + 2]];
    const around = [before, history[last], after, later];
    if (around.some((point, index) => falls(around[index - 1], point))) return false;
    const tooLow = before !== undefined && after !== undefined && other.value < before.value;
    const tooHigh = later !== undefined && other.value > later.value;
    return tooLow || tooHigh;
  });
}

function falls(before: Point | undefined, point: Point | undefined): boolean {
  return before !== undefined && point !== undefined && point.value < before.value;
}
