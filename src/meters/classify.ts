import { SluiceError } from '../canary/errors.ts';
import type { Arm, Counter } from '../canary/ports.ts';
import type { Rule } from './default-queries.ts';
import { endingOf } from './endings.ts';
import { createFilter, format, type Labels } from './selector.ts';

/** The newest measurement of one series. Times are milliseconds since the epoch. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly at: number;
  /** Where the process that counts is known from outside: the pod that was asked, and when it began. */
  readonly instance?: string;
  readonly startedAt?: number;
}

/** A sample and what it counts. One sample can be a count of requests and one of errors. */
export interface Classified<S extends Sample> {
  readonly arm: Arm;
  readonly counter: Counter;
  readonly sample: S;
  /** It can't be told how these requests ended. */
  readonly untold?: true;
}

export type Classifier = <S extends Sample>(samples: readonly S[]) => Classified<S>[];

/** Labels that name the process; the first that a series has is taken. */
const instanceLabels = ['pod', 'kubernetes_pod_name', 'k8s_pod_name', 'controller_pod', 'instance'];

/** Labels that say which scrape brought a series, not what it counts, unless a selector asks for them. */
const scrapeLabels = [
  'job',
  'instance',
  'endpoint',
  'container',
  'service',
  'prometheus',
  'prometheus_replica',
  'replica',
];

/**
 * Sorts series into the counters of both arms. A process that is scraped twice (two jobs, two ports, two Prometheus replicas)
 * shows every counter twice; its counters are then taken from one of the scrapes, and always from the same one.
 *
 * The classifier throws SluiceError `bad-query` for a series that both arms' selectors pick.
 */
export function createClassifier(rules: readonly Rule[]): Classifier {
  const compiled = rules.map((rule) => ({ ...rule, picks: createFilter(rule.selector) }));
  const asked = new Set(rules.flatMap(({ selector }) => selector.map(({ label }) => label)));
  const ignored = new Set(scrapeLabels.filter((label) => !asked.has(label)));

  return (samples) => {
    /** Of the process behind each scrape: a pod's sidecar began at a time of its own. */
    const started = new Map<string, number>();
    const found = samples.flatMap((sample) => {
      const matching = compiled.filter(({ picks }) => picks(sample.labels));
      if (matching.length === 0) return [];
      refuseBothArms(matching, sample.labels);
      const instance = sample.instance ?? instanceOf(sample.labels);
      const scrape = JSON.stringify([instance, ...[...ignored].map((label) => sample.labels[label] ?? '')]);
      if (matching.some(({ kind }) => kind === 'start')) started.set(scrape, sample.value * 1_000);
      // Alternative rules for one thing, such as three names of a status label, may all pick one series.
      const kinds = new Map<Counter['kind'], Rule>(matching.filter(isCounterRule).map((rule) => [rule.kind, rule]));
      const untold = addEnding(kinds, sample.labels);
      const series = seriesOf(sample.labels, ignored);
      return kinds.size === 0 ? [] : [{ sample, instance, scrape, series, kinds, ...(untold && { untold }) }];
    });
    return withoutSecondScrapes(found).flatMap(({ sample, instance, scrape, series, kinds, untold }) => {
      const startedAt = started.get(scrape) ?? sample.startedAt;
      return [...kinds].map(([kind, { arm, perSecond }]) => ({
        arm,
        counter: {
          kind,
          ...(kind === 'bucket' && { le: boundOf(sample.labels.le ?? '', perSecond) }),
          instance,
          series,
          value: sample.value,
          at: sample.at,
          ...(startedAt !== undefined && Number.isFinite(startedAt) && { startedAt }),
        },
        sample,
        ...(untold && { untold }),
      }));
    });
  };
}

/** Adds what else a series of requests counts, by how they ended. @returns true where that can't be told. */
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

/** Whether this is a count of the stable arm's requests: what every other question is measured against. */
export function isStableRequest({ arm, counter }: Classified<Sample>): boolean {
  return arm === 'stable' && counter.kind === 'requests';
}

/** When the newest of them was measured; 0 where there is none. */
export function newestOf(classified: readonly Classified<Sample>[]): number {
  return classified.reduce((newest, { counter }) => Math.max(newest, counter.at), 0);
}

/** The counters of one arm. */
export function countersOf(arm: Arm, classified: readonly Classified<Sample>[]): Counter[] {
  return classified.flatMap((one) => (one.arm === arm ? [one.counter] : []));
}

/** Upper bound of a bucket in seconds. Division makes 300 ms the very number that is written as 0.3 s. */
export function boundOf(le: string, perSecond: Rule['perSecond']): number {
  if (/^\+?Inf$/i.test(le)) return Number.POSITIVE_INFINITY;
  return le === '' ? Number.NaN : Number(le) / perSecond;
}

function instanceOf(labels: Labels): string {
  const label = instanceLabels.find((candidate) => labels[candidate]);
  return label === undefined ? '' : (labels[label] ?? '');
}

function seriesOf(labels: Labels, ignored: ReadonlySet<string>): string {
  const pairs = Object.entries(labels).filter(([label]) => label !== 'le' && !ignored.has(label));
  return JSON.stringify(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

interface Found {
  readonly sample: Sample;
  readonly instance: string;
  readonly scrape: string;
  readonly series: string;
}

function withoutSecondScrapes<F extends Found>(found: readonly F[]): F[] {
  return [...Map.groupBy(found, ({ instance }) => instance).values()].flatMap((ofInstance) => {
    const identities = new Set(ofInstance.map(({ sample, series }) => `${sample.labels.le ?? ''} ${series}`));
    if (identities.size === ofInstance.length) return ofInstance;
    const [kept] = ofInstance.map(({ scrape }) => scrape).toSorted();
    return ofInstance.filter(({ scrape }) => scrape === kept);
  });
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
