import { SluiceError } from '../canary/errors.ts';
import type { Clock, Meter, Permission, Reading } from '../canary/ports.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import {
  type Classified,
  type Classifier,
  countersOf,
  createClassifier,
  isStableRequest,
  newestOf,
} from './classify.ts';
import type { Names, Rule } from './default-queries.ts';
import { boundsToRead, withBuckets } from './latency.ts';
import { type Catalog, explainNoSeries } from './no-series.ts';
import { once } from './once.ts';
import { createOriginOf, type OwnTraffic, onlyOwn } from './own-paths.ts';
import { type ArmPods, createOwnScrapes } from './own-scrapes.ts';
import {
  gaugeOf,
  LEAST_STALE,
  type Series,
  seriesOf,
  severalSeries,
  singleValue,
  staleAfter,
} from './prometheus-answers.ts';
import { createPrometheusApi, type PrometheusConnection } from './prometheus-api.ts';
import { parseExpression, refusePadding } from './promql.ts';
import { type Queries, ruleVariants, stableBucketSelectors, stableRequestSelectors } from './queries.ts';
import { createBaselineGuard, readiness, requestRate, usualInterval } from './readiness.ts';
import { requireErrors, tells } from './require-errors.ts';
import { dueTimes, targetSelector } from './scrape-times.ts';
import { equal, format, NAME, type Selector, union } from './selector.ts';
import { createUntoldGuard } from './untold.ts';

export interface PrometheusOptions {
  readonly kind: 'prometheus';
  readonly connection: PrometheusConnection;
  readonly names: Names;
  readonly queries: Queries;
  /** The latencies that are judged, in seconds: each a bound of the histogram's buckets. */
  readonly latencyBounds: readonly number[];
  /** The expressions that `evaluate` will be asked, to be checked by `preflight`. */
  readonly thresholds: readonly string[];
  /** The arms' pods, whose specification says what they are asked by others than users. */
  readonly pods?: ArmPods;
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
    signal: lifetime,
  }: {
    client?: KubernetesClient;
    clock: Clock;
    env: Readonly<Record<string, string | undefined>>;
    /** Ends the watch for the arms' pods. */
    signal?: AbortSignal;
  },
): Meter {
  const { queries, names, latencyBounds } = options;
  const api = createPrometheusApi(options.connection, { env, ...(client && { client }) });
  const guard = createBaselineGuard(api.name);
  const untold = createUntoldGuard();
  // What goes through a gateway comes from outside.
  const inPods = !['istio', 'envoy', 'nginx', 'traefik'].includes(queries.kind);
  const ownScrapes = createOwnScrapes(inPods ? options.pods : undefined, {
    ...(client && { client }),
    ...(lifetime && { signal: lifetime }),
  });
  const variants = once(() => ruleVariants(queries, names, 'prometheus'));
  let question: Question | undefined;
  let scrapeInterval: number | undefined;
  let newest = 0;

  async function look({ rules, selectors, classify }: Question, range: number, signal: AbortSignal) {
    const queries = selectors.map((selector) => api.query(`${selector}[${Math.ceil(range / 1_000)}s]`, signal));
    const [own, ...answers] = await Promise.all([ownScrapes.own(signal), ...queries]);
    const originOf = inPods ? createOriginOf(own, rules) : () => 'user';
    const all = answers.flatMap(({ data }) => seriesOf(data));
    return {
      own,
      countsStable: classify(all).some(isStableRequest),
      found: classify(all.filter(({ labels }) => originOf(labels) !== 'own')),
      warnings: answers.flatMap(({ warnings }) => warnings.map((warning) => `${api.name} warns: ${warning}`)),
    };
  }

  /** Finds the first variant of the questions that the stable arm's requests answer to. */
  async function choose(signal: AbortSignal) {
    let chosen: { readonly rules: Rule[]; readonly found: Classified<Series>[] } | undefined;
    let onlyOwnOf: readonly OwnTraffic[] | undefined;
    for (const rules of await variants()) {
      const { found, own, countsStable } = await look(questionOf(withBuckets(rules, [], [])), LOOKBACK, signal);
      const stable = found.filter(isStableRequest).map(({ sample }) => sample.labels);
      if (stable.length === 0 && countsStable) onlyOwnOf = own;
      if (stable.length === 0) continue;
      // A service may have two such metrics, of which one says how its requests ended.
      const telling = tells(rules, stable);
      if (telling || !chosen) chosen = { rules, found };
      if (telling) break;
    }
    if (!chosen && onlyOwnOf) throw onlyOwn(api.name, onlyOwnOf);
    if (!chosen) return undefined;
    const { rules, found } = chosen;
    const available = await bucketsOf(rules, signal);
    return {
      question: questionOf(withBuckets(rules, boundsToRead(latencyBounds, rules, available), available)),
      found,
    };
  }

  /** Only what was measured lately shows what there is. */
  const since = () => clock.now() - LOOKBACK;

  async function bucketsOf(rules: readonly Rule[], signal: AbortSignal): Promise<string[]> {
    const values = await Promise.all(
      stableBucketSelectors(rules).map(async (selector) => {
        if (latencyBounds.length > 0) return api.labelValues('le', format(selector), since(), signal);
        const { data } = await api.query(`count by (le) (${format(selector)})`, signal);
        return data.resultType === 'vector' ? data.result.flatMap(({ metric }) => metric.le ?? []) : [];
      }),
    );
    return [...new Set(values.flat())];
  }

  const catalog = (signal: AbortSignal): Catalog => ({
    about: api.name,
    metricNames: () => api.labelValues(NAME, undefined, undefined, signal),
    series: (selector) => api.series(format(selector), since(), signal),
  });

  async function checkThresholds(signal: AbortSignal): Promise<void> {
    if (options.thresholds.length === 0) return;
    const known = new Set(await catalog(signal).metricNames());
    for (const query of options.thresholds) {
      const expression = await parseExpression(query, 'threshold query');
      refusePadding(expression, query, 'threshold query');
      const unknown = expression.metrics.find((metric) => !known.has(metric));
      if (unknown !== undefined) throw await explainNoSeries([[equal(NAME, unknown)]], catalog(signal));
      const { data } = await api.query(query, signal);
      if (data.resultType === 'vector' && data.result.length > 1) {
        throw new SluiceError('bad-query', {
          about: `threshold query ${query}`,
          problem: `${severalSeries(data.result)}, where one number is needed.`,
          next: 'Aggregate it, for example with sum() or max().',
        });
      }
    }
  }

  /** The first look, repeated until the counters are seen to grow, or were measured often enough to say that they don't. */
  async function compare(signal: AbortSignal) {
    const until = clock.now() + LEAST_STALE;
    for (;;) {
      const chosen = await choose(signal);
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
    permissions: [...api.permissions, ...(inPods ? podPermissions(options.pods) : [])],
    get interval() {
      return Math.min(Math.max((scrapeInterval ?? 0) / 4, 1_000), 5_000);
    },

    async preflight(signal) {
      const found = await compare(signal);
      const requests = found.stable.map(({ sample }) => sample.labels);
      const notes = await requireErrors(found.question.rules, requests, catalog(signal));
      await checkThresholds(signal);
      question = found.question;
      scrapeInterval = found.interval;
      const histories = (arm: 'stable' | 'canary') =>
        found.found.flatMap(({ arm: of, counter, sample }) =>
          of === arm && counter.kind === 'requests' ? [sample.history] : [],
        );
      return readiness(
        `${api.name}, ${question.selectors.join(', ')}`,
        { stable: histories('stable'), canary: histories('canary') },
        [...notes, `scraped every ${Number((found.interval / 1_000).toPrecision(2))} s`],
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
      const { found, own, warnings } = await look(question, range, signal);
      newest = Math.max(newest, newestOf(found));
      const [stable, canary] = [countersOf('stable', found), countersOf('canary', found)];
      guard({ at: newest, stable, canary, warnings });
      const { known, warnings: unknown } = untold(found);
      const ownRequests = inPods ? ownScrapes.count(own, question.rules, found) : undefined;
      const reading: Reading = {
        at: newest,
        stable: known('stable') ? stable : [],
        canary: known('canary') ? canary : [],
        warnings: [...warnings, ...unknown],
        ...(ownRequests && { own: ownRequests }),
      };
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
      if (answer.warnings.length > 0) return { missing: `the answer is partial: ${answer.warnings.join('; ')}` };
      const ages = measured.map(({ data }) => singleValue(data));
      return gaugeOf(answer.data, ages, staleAfter(scrapeInterval));
    },
  };
}

function podPermissions(pods: ArmPods | undefined): Permission[] {
  return pods ? [{ apiGroup: '', resource: 'pods', verbs: ['list', 'watch'], namespace: pods.namespace }] : [];
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
