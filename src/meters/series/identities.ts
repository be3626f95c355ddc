import { usualInterval } from './readiness.ts';
import {
  type Comparison,
  compareTargets,
  historyOf,
  identity,
  nameOf,
  type Scraped,
  type ScrapedTarget,
} from './same-process.ts';

/** The name of a series in readings, constant during a rollout. */
interface Identity {
  readonly instance: string;
  readonly series: string;
}

interface Kept {
  readonly scraped: Scraped;
  readonly identity: Identity;
  /** For a process that was first taken for another one: when it was first seen, in milliseconds since the epoch. */
  readonly runningSince?: number;
}

/** Keeps one series of each counter, however often its process is scraped, with the same name in every look. */
export interface Identities {
  keep(scraped: readonly Scraped[]): Kept[];
}

/** After this many intervals without a measurement, a target counts as no longer scraped. */
const MISSED = 2.5;
/** After this many scrapes of a target without a series, the series is taken from another target. */
const SCRAPES_WITHOUT = 2;

/** What must not change between looks: a series under a new name would be counted again from zero. */
interface Memory {
  /** By the series with all of its labels. */
  readonly identities: Map<string, Identity>;
  /** The series that was last counted under an identity. */
  readonly counted: Map<string, string>;
  /** The targets from which each metric of a process is taken. */
  readonly chosen: Set<string>;
  /** Pairs of targets that have turned out to be two processes. */
  readonly different: Set<string>;
  /** When each target was first seen, in milliseconds since the epoch. */
  readonly firstSeen: Map<string, number>;
}

/**
 * A process that is scraped twice (two jobs, two ports, two replicas of Prometheus) shows every counter twice. Each of its
 * metrics is then taken from one target, and from the same one as long as that is scraped; series that only another target
 * shows are taken from there. Two processes in one pod with the same labels are distinguished by their measurements.
 *
 * @param asked labels that the queries ask for
 */
export function createIdentities(asked: ReadonlySet<string>): Identities {
  const memory: Memory = {
    identities: new Map(),
    counted: new Map(),
    chosen: new Set(),
    different: new Set(),
    firstSeen: new Map(),
  };
  return {
    keep(scraped) {
      const processes = [...Map.groupBy(scraped, ({ process }) => process).values()];
      const kept = processes.flatMap((ofProcess) => {
        for (const one of ofProcess) {
          const first = historyOf(one)[0]?.at ?? one.measurement.at;
          memory.firstSeen.set(one.target, Math.min(memory.firstSeen.get(one.target) ?? first, first));
        }
        const targets = targetsOf(ofProcess);
        const [only, ...others] = targets;
        const wanted = only && others.length === 0 ? only.series : withoutSecondScrapes(targets, asked, memory);
        const order = new Map(ofProcess.map((one, index) => [one, index]));
        return [...wanted].toSorted((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
      });
      return named(kept, memory);
    },
  };
}

/** The targets of a process, those measured most often first. */
function targetsOf(scraped: readonly Scraped[]): ScrapedTarget[] {
  const targets = [...Map.groupBy(scraped, ({ target }) => target)].map(([key, series]) => ({
    key,
    known: series.every(({ known }) => known),
    series,
    interval: usualInterval(series.map(historyOf)) ?? Number.POSITIVE_INFINITY,
  }));
  return targets.toSorted((a, b) => (a.interval < b.interval || (a.interval === b.interval && a.key < b.key) ? -1 : 1));
}

type Compare = (one: ScrapedTarget, other: ScrapedTarget) => Comparison;

function withoutSecondScrapes(
  targets: readonly ScrapedTarget[],
  asked: ReadonlySet<string>,
  memory: Memory,
): Scraped[] {
  const comparisons = new Map<string, Comparison>();
  const compare: Compare = (one, other) => {
    const pair = pairOf(one, other);
    const known = comparisons.get(pair) ?? compareTargets(one, other, asked);
    comparisons.set(pair, known);
    return known;
  };
  const isSame = (one: ScrapedTarget, other: ScrapedTarget) => {
    const { overlaps, contradicts, isUnlike } = compare(one, other);
    if (contradicts) memory.different.add(pairOf(one, other));
    return overlaps && !isUnlike && !memory.different.has(pairOf(one, other));
  };
  const processes: ScrapedTarget[][] = [];
  for (const target of targets) {
    const same = processes.find((known) => known.some((other) => isSame(other, target)));
    if (same) same.push(target);
    else processes.push([target]);
  }
  return processes.flatMap((known) => takeOnce(known, compare, memory));
}

function pairOf(one: ScrapedTarget, other: ScrapedTarget): string {
  return [one.key, other.key].toSorted().join(' ');
}

/** The series of one process: for each metric those of one target, and those that only other targets show. */
function takeOnce(targets: readonly ScrapedTarget[], compare: Compare, memory: Memory): Scraped[] {
  const names = new Set(targets.flatMap(({ series }) => series.map(nameOf)));
  return [...names].flatMap((name) => {
    const showing = targets
      .map((target): Showing => ({ target, series: target.series.filter((one) => nameOf(one) === name) }))
      .filter(({ series }) => series.length > 0);
    const chosen = choose(showing, name, memory);
    if (!chosen) return [];
    const taken = chosen.series.map((series) => ({ series, target: chosen.target }));
    for (const { target, series: others } of showing.filter((one) => one !== chosen)) {
      for (const series of others) {
        const twin = taken.find((one) => compare(one.target, target).twinOf(series) === one.series);
        if (twin) callAlike(series, twin.series, memory);
        else if (hasMissed(chosen, series)) taken.push({ series, target });
      }
    }
    return taken.map(({ series }) => series);
  });
}

/** One metric of a target. */
interface Showing {
  readonly target: ScrapedTarget;
  readonly series: readonly Scraped[];
}

/** The target that the metric was taken from before, unless it is no longer scraped; else the first one that is. */
function choose(showing: readonly Showing[], name: string, memory: Memory): Showing | undefined {
  const newest = Math.max(...showing.map(newestOf));
  const longest = Math.max(...showing.map((one) => usualInterval(one.series.map(historyOf)) ?? 0));
  const isScraped = (one: Showing) => longest === 0 || newest - newestOf(one) <= MISSED * longest;
  const keyOf = ({ target, series }: Showing) => `${series[0]?.process} ${name} ${target.key}`;
  const scraped = showing.filter(isScraped);
  const chosen = scraped.find((one) => memory.chosen.has(keyOf(one))) ?? scraped[0];
  for (const one of showing) memory.chosen.delete(keyOf(one));
  if (chosen) memory.chosen.add(keyOf(chosen));
  return chosen;
}

function newestOf({ series }: Showing): number {
  return Math.max(...series.map(({ measurement }) => measurement.at));
}

/** Whether the target was scraped several times while it did not show this series. */
function hasMissed({ series }: Showing, missing: Scraped): boolean {
  const since = historyOf(missing)[0]?.at ?? missing.measurement.at;
  const scrapes = new Set(series.flatMap((one) => historyOf(one).map(({ at }) => at)));
  return [...scrapes].filter((at) => at > since).length >= SCRAPES_WITHOUT;
}

/** Gives a series the name of its twin, so that it can replace the twin when that is no longer scraped. */
function callAlike(series: Scraped, twin: Scraped, memory: Memory): void {
  const key = seriesKey(series);
  if (!memory.identities.has(key)) memory.identities.set(key, identityOf(twin, memory));
}

function identityOf(scraped: Scraped, memory: Memory): Identity {
  const { instance, labels } = scraped;
  return memory.identities.get(seriesKey(scraped)) ?? { instance, series: identity(labels, buckets) };
}

/** A series identified by all labels with which it was found, except `le`: the buckets of a histogram share a key. */
function seriesKey({ measurement, asked = '' }: Scraped): string {
  return `${asked} ${identity(measurement.labels, buckets)}`;
}

const buckets = new Set(['le']);

/** Gives each series a unique name. */
function named(kept: readonly Scraped[], memory: Memory): Kept[] {
  const claims = kept.map((scraped) => ({
    scraped,
    key: seriesKey(scraped),
    identity: identityOf(scraped, memory),
  }));
  // A process keeps the name under which it was counted before.
  const owners = new Map<string, string>();
  for (const { key, identity: claimed } of claims) {
    const name = nameText(claimed);
    if (memory.counted.get(name) === key) owners.set(name, key);
  }
  return claims.map(({ scraped, key, identity: claimed }) => {
    const name = nameText(claimed);
    const owner = owners.get(name) ?? key;
    owners.set(name, owner);
    const own = owner === key ? claimed : { ...claimed, instance: `${scraped.instance} ${scraped.target}` };
    memory.identities.set(key, own);
    memory.counted.set(nameText(own), key);
    const runningSince = owner === key ? undefined : memory.firstSeen.get(scraped.target);
    return { scraped, identity: own, ...(runningSince !== undefined && { runningSince }) };
  });
}

function nameText({ instance, series }: Identity): string {
  return JSON.stringify([instance, series]);
}
