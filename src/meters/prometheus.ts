import { SluiceError } from '../canary/errors.ts';
import type { Clock, Gauge, Meter, Reading } from '../canary/ports.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import {
  type Classified,
  type Classifier,
  countersOf,
  createClassifier,
  isStableRequest,
  newestOf,
  type Sample,
} from './classify.ts';
import type { Names, Rule } from './default-queries.ts';
import { withBuckets } from './latency.ts';
import { type Catalog, explainNoSeries, requireErrors } from './no-series.ts';
import { once } from './once.ts';
import {
  createPrometheusApi,
  isPartialAnswer,
  type PrometheusConnection,
  partialAnswer,
  type QueryResult,
} from './prometheus-api.ts';
import { parseExpression, refusePadding } from './promql.ts';
import { type Queries, ruleVariants, stableBucketSelectors, stableRequestSelectors } from './queries.ts';
import { createBaselineGuard, type History, type Point, readiness, requestRate, usualInterval } from './readiness.ts';
import { dueTimes, targetSelector } from './scrape-times.ts';
import { equal, format, type Labels, NAME, type Selector, union } from './selector.ts';

export interface PrometheusOptions {
  readonly kind: 'prometheus';
  readonly connection: PrometheusConnection;
  readonly names: Names;
  readonly queries: Queries;
  /** The latencies that are judged, in seconds: each a bound of the histogram's buckets. */
  readonly latencyBounds: readonly number[];
  /** The expressions that `evaluate` will be asked, to be checked by `preflight`. */
  readonly thresholds: readonly string[];
}

/** The newest measurement of a series, with those before it. */
interface Series extends Sample {
  readonly history: History;
}

/** How the counters are asked for, once it is known which series exist. */
interface Question {
  readonly rules: readonly Rule[];
  /** PromQL; one as a rule. */
  readonly selectors: readonly string[];
  readonly classify: Classifier;
}

/** Milliseconds of the past in the first look: Prometheus' own idea of what is still present. */
const LOOKBACK = 300_000;
/** Milliseconds after which a measurement is old where scraping is usual: two and a half times the longest usual interval. */
const LEAST_STALE = 150_000;

/** Milliseconds for which the preflight waits for an answer in which no data are missing. */
const PARTIAL_PATIENCE = 30_000;
/** Measurements of a counter after which it counts as standing still. */
const ENOUGH_POINTS = 4;

/**
 * Reads raw cumulative counters from Prometheus: one request a look, an instant query of a range selector. Its answer carries
 * the time of each scrape, where an instant vector carries the time of the question and looks new even when Prometheus has
 * not scraped for minutes (https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness). The points before the
 * last one tell the scrape interval and the growth in the same request. Nothing is calculated by Prometheus: rates would
 * lose the first errors.
 *
 * The scrape targets are scraped at different moments of an interval, so `interval` is a quarter of it.
 */
export function createPrometheusMeter(
  options: PrometheusOptions,
  {
    client,
    clock,
    env,
  }: { client?: KubernetesClient; clock: Clock; env: Readonly<Record<string, string | undefined>> },
): Meter {
  const { queries, names, latencyBounds } = options;
  const api = createPrometheusApi(options.connection, { env, ...(client && { client }) });
  const guard = createBaselineGuard(api.name);
  const variants = once(() => ruleVariants(queries, names, 'prometheus'));
  let question: Question | undefined;
  let scrapeInterval: number | undefined;
  let newest = 0;

  async function look({ selectors, classify }: Question, range: number, signal: AbortSignal) {
    const queries = selectors.map((selector) => api.query(`${selector}[${Math.ceil(range / 1_000)}s]`, signal));
    const answers = await Promise.all(queries);
    return {
      found: classify(answers.flatMap(({ data }) => seriesOf(data))),
      warnings: answers.flatMap(({ warnings }) => warnings.map((warning) => `${api.name} warns: ${warning}`)),
      /** What the server says against its answer; with anything of it, data are missing. */
      missing: answers.flatMap(({ warnings }) => warnings),
    };
  }

  /**
   * Finds the first variant of the questions that the stable arm's requests answer to.
   *
   * @throws SluiceError `unreachable` where nothing was found, which may be due to a partial answer
   */
  async function choose(signal: AbortSignal) {
    for (const rules of await variants()) {
      const counters = questionOf(withBuckets(rules, [], []));
      const { found, missing } = await look(counters, LOOKBACK, signal);
      if (!found.some(isStableRequest)) {
        if (missing.length > 0) throw partialAnswer(api.name, missing);
        continue;
      }
      const asked =
        latencyBounds.length === 0
          ? counters
          : questionOf(withBuckets(rules, latencyBounds, await bucketsOf(rules, signal)));
      return { question: asked, found, missing };
    }
    return undefined;
  }

  /** As `choose`, with some patience for stores that come back. */
  async function chooseWhole(signal: AbortSignal) {
    const until = clock.now() + PARTIAL_PATIENCE;
    for (;;) {
      try {
        const chosen = await choose(signal);
        if (chosen && chosen.missing.length > 0) throw partialAnswer(api.name, chosen.missing);
        return chosen;
      } catch (error) {
        if (!isPartialAnswer(error) || clock.now() > until) throw error;
        await clock.sleep(2_000, signal);
      }
    }
  }

  /** Only what was measured lately shows what there is. */
  const since = () => clock.now() - LOOKBACK;

  async function bucketsOf(rules: readonly Rule[], signal: AbortSignal): Promise<string[]> {
    const values = await Promise.all(
      stableBucketSelectors(rules).map((selector) => api.labelValues('le', format(selector), since(), signal)),
    );
    return [...new Set(values.flat())];
  }

  const catalog = (signal: AbortSignal): Catalog => ({
    about: api.name,
    metricNames: () => api.labelValues(NAME, undefined, undefined, signal),
    series: (selector) => api.series(format(selector), since(), signal),
  });

  /** Refuses threshold queries that can't tell anything; gives back what the server remarks on the others. */
  async function checkThresholds(signal: AbortSignal): Promise<string[]> {
    if (options.thresholds.length === 0) return [];
    const remarks: string[] = [];
    const known = new Set(await catalog(signal).metricNames());
    for (const query of options.thresholds) {
      const expression = await parseExpression(query, 'threshold query');
      refusePadding(expression, query, 'threshold query');
      const unknown = expression.metrics.find((metric) => !known.has(metric));
      if (unknown !== undefined) throw await explainNoSeries([[equal(NAME, unknown)]], catalog(signal));
      const { data, infos } = await api.query(query, signal);
      remarks.push(...infos.map((info) => `${api.name} remarks on ${query}: ${info}`));
      if (data.resultType === 'vector' && data.result.length > 1) {
        throw new SluiceError('bad-query', {
          about: `threshold query ${query}`,
          problem: `${severalSeries(data.result)}, where one number is needed.`,
          next: 'Aggregate it, for example with sum() or max().',
        });
      }
    }
    return remarks;
  }

  /** The first look, repeated until the counters are seen to grow, or were measured often enough to say that they don't. */
  async function compare(signal: AbortSignal) {
    const until = clock.now() + LEAST_STALE;
    for (;;) {
      const chosen = await chooseWhole(signal);
      if (!chosen) throw await explainNoSeries(stableRequestSelectors(await variants()), catalog(signal));
      const stable = chosen.found.filter(isStableRequest);
      requireFresh(stable, chosen.question);
      const histories = stable.map(({ sample }) => sample.history);
      const interval = usualInterval(histories);
      const grew = (requestRate(histories) ?? 0) > 0;
      const often = histories.some((history) => history.length >= ENOUGH_POINTS);
      if (interval !== undefined && (grew || often || clock.now() > until)) return { ...chosen, stable, interval };
      if (clock.now() > until) {
        throw new SluiceError('bad-query', {
          about: `query ${chosen.question.selectors.join(', ')}`,
          problem: `was measured only once in ${LEAST_STALE / 1_000} s, so it can't be seen to grow.`,
          next: 'Let Prometheus scrape these targets at least once a minute.',
        });
      }
      await clock.sleep(1_000, signal);
    }
  }

  function requireFresh(stable: readonly Classified<Series>[], { selectors }: Question): void {
    const age = clock.now() - newestOf(stable);
    const limit = staleAfter(usualInterval(stable.map(({ sample }) => sample.history)));
    if (age <= limit) return;
    throw new SluiceError('bad-query', {
      about: `query ${selectors.join(', ')}`,
      problem: `was last measured ${Math.round(age / 1_000)} s ago, by the clock of this runner: ${api.name} no longer scrapes it.`,
      next: 'Check the scrape targets and the clocks.',
    });
  }

  /** When the canary's pods were scraped that have no counters yet: many services show one only after its first request. */
  async function scrapesOfCanary({ rules }: Question, stable: Reading['stable'], signal: AbortSignal) {
    const targets = targetSelector(rules);
    // Counted before the pods, as by a gateway: both arms' counters come with the same scrapes.
    if (!targets) return stable;
    const { data } = await api.query(`${format(targets)}[${Math.ceil(LOOKBACK / 1_000)}s]`, signal);
    return seriesOf(data).map(({ labels, at }) => ({ instance: labels.pod ?? '', at }));
  }

  return {
    kind: 'prometheus',
    get source() {
      return `${api.name}${question ? `: ${question.selectors.join(', ')}` : ''}`;
    },
    permissions: api.permissions,
    get interval() {
      return Math.min(Math.max((scrapeInterval ?? 0) / 4, 1_000), 5_000);
    },

    async preflight(signal) {
      const found = await compare(signal);
      const requests = found.stable.map(({ sample }) => sample.labels);
      const notes = await requireErrors(found.question.rules, requests, catalog(signal));
      const remarks = await checkThresholds(signal);
      question = found.question;
      scrapeInterval = found.interval;
      const histories = (arm: 'stable' | 'canary') =>
        found.found.flatMap(({ arm: of, counter, sample }) =>
          of === arm && counter.kind === 'requests' ? [sample.history] : [],
        );
      return readiness(
        `${api.name}, ${question.selectors.join(', ')}`,
        { stable: histories('stable'), canary: histories('canary') },
        [...notes, ...remarks, `scraped every ${Number((found.interval / 1_000).toPrecision(2))} s`],
      );
    },

    async read(signal) {
      if (!question) {
        const chosen = await choose(signal);
        question = chosen?.question;
        scrapeInterval = chosen && usualInterval(chosen.found.map(({ sample }) => sample.history));
      }
      if (!question) return guard({ at: newest, stable: [], canary: [] });
      const range = Math.min(Math.max((scrapeInterval ?? LOOKBACK) * 4, 15_000), LOOKBACK);
      const { found, warnings } = await look(question, range, signal);
      const [stable, canary] = [countersOf('stable', found), countersOf('canary', found)];
      if (warnings.length > 0) return { at: newestOf(found), stable, canary, warnings, partial: true };
      newest = Math.max(newest, newestOf(found));
      const reading = guard({ at: newest, stable, canary, warnings });
      if (scrapeInterval === undefined) return reading;
      const measured = { stable, canary: canary.length > 0 ? canary : await scrapesOfCanary(question, stable, signal) };
      return { ...reading, due: dueTimes(measured, scrapeInterval, clock.now()) };
    },

    async evaluate(query, signal) {
      const expression = await parseExpression(query, 'threshold query');
      refusePadding(expression, query, 'threshold query');
      const [answer, ...measured] = await Promise.all([
        api.query(query, signal),
        ...expression.selectors.map((selector) => api.query(`max(timestamp(${selector}))`, signal)),
      ]);
      // The age of what was asked is a part of the answer.
      const missing = [answer, ...measured].flatMap(({ warnings }) => warnings);
      if (missing.length > 0) return { missing: `the answer is partial: ${[...new Set(missing)].join('; ')}` };
      const ages = measured.map(({ data }) => singleValue(data));
      return gaugeOf(answer.data, ages, staleAfter(scrapeInterval));
    },
  };
}

function questionOf(rules: readonly Rule[]): Question {
  return { rules, selectors: selectorsOf(rules).map(format), classify: createClassifier(rules) };
}

/** One selector for everything; or one for each arm where they have no label in common, rather than none but the name. */
function selectorsOf(rules: readonly Rule[]): Selector[] {
  const all = union(rules.map(({ selector }) => selector));
  if (all.some(({ label }) => label !== NAME && label !== 'le')) return [all];
  const arms = Map.groupBy(rules, ({ arm }) => arm);
  return [...arms.values()].map((ofArm) => union(ofArm.map(({ selector }) => selector)));
}

function seriesOf(data: QueryResult): Series[] {
  if (data.resultType !== 'matrix') return [];
  return data.result.flatMap(({ metric, values }) => {
    const history = values.map(pointOf);
    const last = history.at(-1);
    return last ? [{ labels: metric, ...last, history }] : [];
  });
}

/** A sample of the API: Unix seconds, and the value as text. */
function pointOf([time, value]: readonly [number, string]): Point {
  return { at: Math.round(time * 1_000), value: numberOf(value) };
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

function staleAfter(interval: number | undefined): number {
  return Math.max((interval ?? 0) * 4, LEAST_STALE);
}

function singleValue(data: QueryResult): { value: number; at: number } | string {
  if (data.resultType === 'scalar') return pointOf(data.result);
  if (data.resultType === 'string') return 'the answer is a text';
  if (data.resultType === 'matrix') return 'the answer is a range of values; ask for an instant';
  const [first, ...more] = data.result;
  if (!first) return 'the answer is empty';
  if (more.length > 0) return `the answer ${severalSeries(data.result)}`;
  return first.value ? pointOf(first.value) : 'the answer is a native histogram';
}

function severalSeries(result: readonly { readonly metric: Labels }[]): string {
  const shown = result.slice(0, 3).map(({ metric }) => JSON.stringify(metric));
  return `has ${result.length} series (${shown.join(', ')}${result.length > 3 ? ', …' : ''})`;
}

/**
 * @param measured When each selector of the query was last measured, in Unix seconds: an answer is as old as its oldest part.
 * @param limit Milliseconds after which a measurement is stale.
 */
function gaugeOf(data: QueryResult, measured: readonly ReturnType<typeof singleValue>[], limit: number): Gauge {
  const single = singleValue(data);
  if (typeof single === 'string') return { missing: single };
  const { value, at: asked } = single;
  if (!Number.isFinite(value)) return { missing: `the answer is ${value}` };
  const times = measured.flatMap((newest) => (typeof newest === 'string' ? [] : [Math.round(newest.value * 1_000)]));
  const at = Math.min(asked, ...times);
  if (asked - at > limit)
    return { missing: `the answer is stale: measured ${Math.round((asked - at) / 1_000)} s before` };
  return { value, at };
}
