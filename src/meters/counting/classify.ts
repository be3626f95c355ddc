import { SluiceError } from '../../core/errors.ts';
import type { Arm, Counter } from '../../judge/readings.ts';
import { endingOf } from '../endings/endings.ts';
import type { Rule } from '../queries/rules.ts';
import { createIdentities, type Identities } from '../series/identities.ts';
import type { Scraped } from '../series/same-process.ts';
import { createPlacer, type Measurement, type Placer, placeSeries } from '../series/scraped-series.ts';
import { createFilter, format, type Labels } from '../series/selector.ts';

/** The newest measurement of one series. Times are milliseconds since the epoch. */
export interface Sample extends Measurement {
  /** The pod that was asked and the start of its process, if known from outside. */
  readonly instance?: string;
  readonly startedAt?: number;
  /** The start times of a process that started several times, newest last. */
  readonly starts?: readonly number[] | undefined;
}

/** A sample and what it counts. One sample can be a count of requests and one of errors. */
export interface Classified<S extends Sample> {
  readonly arm: Arm;
  readonly counter: Counter;
  readonly sample: S;
  /** The start times of its process, several if it restarted; milliseconds since the epoch. */
  readonly starts: readonly number[];
  /** The labels do not tell how these requests ended. */
  readonly untold?: true;
}

/** @param ups the labels of `up` of the targets that the samples were scraped from, as far as known */
export type Classifier = <S extends Sample>(samples: readonly S[], ups?: readonly Labels[]) => Classified<S>[];

/**
 * Assigns series to the counters of both arms, each counter once (see `createIdentities`).
 *
 * The classifier throws SluiceError `bad-query` for a series that the selectors of both arms match.
 *
 * @param identities what earlier classifiers of the same rollout know of the series
 */
export function createClassifier(
  rules: readonly Rule[],
  identities: Identities = createIdentities(askedLabels(rules)),
): Classifier {
  const compiled = rules.map((rule) => ({ ...rule, picks: createFilter(rule.selector) }));

  return (samples, ups = []) => {
    const found = samples.flatMap((sample) => {
      const matching = compiled.filter(
        ({ picks, isOfArm }) => picks(sample.labels) && isOfArm?.(sample.labels) !== false,
      );
      if (matching.length === 0) return [];
      refuseBothArms(matching, sample.labels);
      // Alternative rules for the same counter, such as three names of a status label, may all match one series.
      const kinds = new Map<Counter['kind'], Rule>(matching.filter(isCounterRule).map((rule) => [rule.kind, rule]));
      const untold = addEnding(kinds, sample.labels);
      return [{ sample, kinds, untold, isStart: matching.some(({ kind }) => kind === 'start') }];
    });
    const starts = found.flatMap(({ sample, isStart }) => (isStart ? [sample] : []));
    const place = createPlacer(
      ups,
      starts.map(({ labels }) => labels),
    );
    const started = startsOf(starts, place);
    const counting = found.filter(({ kinds }) => kinds.size > 0);
    const scraped = scrapedSeries(
      counting.map(({ sample }) => sample),
      place,
    );
    const sources = new Map(scraped.map((one, index) => [one, counting[index]]));
    return identities.keep(scraped).flatMap(({ scraped: kept, identity, runningSince }) => {
      const source = sources.get(kept);
      if (!source) return [];
      const { sample, kinds, untold } = source;
      const outside = sample.starts ?? (sample.startedAt === undefined ? [] : [sample.startedAt]);
      const starts = started.get(kept.target) ?? outside;
      const startedAt = starts.at(-1);
      return [...kinds].map(([kind, { arm, perSecond }]) => ({
        arm,
        counter: {
          kind,
          ...(kind === 'bucket' && { le: boundOf(sample.labels.le ?? '', perSecond) }),
          ...identity,
          value: sample.value,
          at: sample.at,
          ...(startedAt !== undefined && Number.isFinite(startedAt) && { startedAt }),
          ...(runningSince !== undefined && { runningSince }),
        },
        sample,
        starts,
        ...(untold && { untold }),
      }));
    });
  };
}

/** The labels that queries ask for. */
export function askedLabels(rules: readonly Rule[]): Set<string> {
  return new Set(rules.flatMap(({ selector }) => selector.map(({ label }) => label)));
}

/** The origin of each series. All labels of a process that Sluice itself asked are the application's. */
function scrapedSeries(samples: readonly Sample[], place: Placer): Scraped[] {
  return placeSeries(samples, place).map(({ measurement, ...placed }): Scraped => {
    const { instance, labels } = measurement;
    if (instance === undefined) return { ...placed, measurement };
    return { target: instance, known: true, instance, process: instance, labels, measurement, asked: instance };
  });
}

/** The start times of the process behind each target; milliseconds since the epoch. A sidecar has start times of its own. */
function startsOf(starts: readonly Sample[], place: Placer): Map<string, number[]> {
  return new Map(
    starts.map(({ labels, value, instance, history }) => [
      instance ?? place(labels).key,
      (history ?? [{ value }]).map((point) => point.value * 1_000),
    ]),
  );
}

/** Adds the other counters of a series of requests, by how the requests ended. @returns true if the labels do not tell that. */
function addEnding(kinds: Map<Counter['kind'], Rule>, labels: Labels): true | undefined {
  const rule = kinds.get('requests');
  if (!rule?.endings) return undefined;
  const ending = endingOf(labels, rule.endings);
  if (ending === 'failed' || ending === 'unanswered') kinds.set('errors', rule);
  if (ending === 'unanswered') kinds.set('unanswered', rule);
  return ending === undefined ? true : undefined;
}

function isCounterRule<R extends Rule>(rule: R): rule is R & { readonly kind: Counter['kind'] } {
  return rule.kind !== 'start';
}

/** Whether this counts the stable arm's requests, which every other counter is compared with. */
export function isStableRequest({ arm, counter }: Classified<Sample>): boolean {
  return arm === 'stable' && counter.kind === 'requests';
}

/** The time of the newest measurement; 0 without any. */
export function newestOf(classified: readonly Classified<Sample>[]): number {
  return classified.reduce((newest, { counter }) => Math.max(newest, counter.at), 0);
}

/** The counters of one arm. */
export function countersOf(arm: Arm, classified: readonly Classified<Sample>[]): Counter[] {
  return classified.flatMap((one) => (one.arm === arm ? [one.counter] : []));
}

/** Upper bound of a bucket in seconds. The division of 300 ms gives exactly the number that is written as 0.3 s. */
export function boundOf(le: string, perSecond: Rule['perSecond']): number {
  if (/^\+?Inf$/i.test(le)) return Number.POSITIVE_INFINITY;
  return le === '' ? Number.NaN : Number(le) / perSecond;
}

function refuseBothArms(matching: readonly Rule[], labels: Labels): void {
  const stable = matching.find(({ arm }) => arm === 'stable');
  const canary = matching.find(({ arm }) => arm === 'canary');
  if (!stable || !canary) return;
  throw new SluiceError('bad-query', {
    about: `queries ${format(stable.selector)} and ${format(canary.selector)}`,
    problem: `both pick ${JSON.stringify(labels)}, so the arms can't be told apart.`,
    next: `Give each arm a query of its own, or one with a placeholder such as \${workload}.`,
  });
}
