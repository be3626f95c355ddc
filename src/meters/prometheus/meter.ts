import type { Meter } from '../../canary/ports.ts';
import type { KubernetesClient } from '../../cluster/client.ts';
import type { Clock } from '../../core/clock.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Permission } from '../../core/permission.ts';
import type { Arm, Reading } from '../../judge/readings.ts';
import {
  askedLabels,
  type Classified,
  type Classifier,
  countersOf,
  createClassifier,
  isStableRequest,
  newestOf,
} from '../counting/classify.ts';
import { boundsToRead, withBuckets } from '../counting/latency.ts';
import { requireErrors, tells } from '../counting/require-errors.ts';
import { createUntoldGuard } from '../counting/untold.ts';
import { createOriginOf, type OwnTraffic, onlyOwn } from '../own/own-paths.ts';
import { createClusterNames, type Found } from '../queries/cluster-names.ts';
import { type Catalog, explainNoSeries } from '../queries/no-series.ts';
import { startsOfPod } from '../queries/pod-identities.ts';
import { parseExpression, refusePadding } from '../queries/promql.ts';
import { type Queries, ruleVariants, stableBucketSelectors, stableRequestSelectors } from '../queries/queries.ts';
import type { Names, Rule } from '../queries/rules.ts';
import { createIdentities, type Identities } from '../series/identities.ts';
import { createBaselineGuard, readiness, requestRate, usualInterval } from '../series/readiness.ts';
import { createScrapeTargets } from '../series/scrape-targets.ts';
import { equal, format, NAME, type Selector, union } from '../series/selector.ts';
import { requireSteady, type Watched } from '../series/steady.ts';
import { gaugeOf, LEAST_STALE, type Series, seriesOf, severalSeries, singleValue, staleAfter } from './answers.ts';
import { createPrometheusApi, isPartialAnswer, type PrometheusConnection, partialAnswer } from './api.ts';
import { createOwnScrapes } from './own-scrapes.ts';
import { dueTimes, targetSelector } from './scrape-times.ts';

/** The pods of both arms: their namespace and label selectors. */
export interface PodSelectors {
  readonly namespace: string;
  readonly selectors: Readonly<Record<Arm, string>>;
}

export interface PrometheusOptions {
  readonly kind: 'prometheus';
  readonly connection: PrometheusConnection;
  readonly names: Names;
  readonly queries: Queries;
  /** The latencies that are judged, in seconds: each a bound of the histogram's buckets. */
  readonly latencyBounds: readonly number[];
  /** The expressions that `evaluate` will be asked, to be checked by `preflight`. */
  readonly thresholds: readonly string[];
  /** The arms' pods; without them the pods are told by how workloads usually name them. */
  readonly pods?: PodSelectors;
}

/** How the counters are asked for, once it is known which series exist. */
interface Question {
  /** Which of the variants it is made from. */
  readonly variant: number;
  readonly base: readonly Rule[];
  /** The bounds that the histogram has, as its series write them. */
  readonly buckets: readonly string[];
  readonly identities: Identities;
  readonly rules: readonly Rule[];
  /** PromQL; one as a rule. */
  readonly selectors: readonly string[];
  readonly classify: Classifier;
}

/** Milliseconds of the past in the first look: Prometheus' own idea of what is still present. */
const LOOKBACK = 300_000;

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
  const world = client && lifetime && { client, signal: lifetime };
  const namesNow = createClusterNames(queries, names, options.pods?.selectors, world);
  let variants: { readonly found: Found; readonly rules: readonly Rule[][] } | undefined;
  const targetsOf = createScrapeTargets(async (selector, signal) => {
    const { data } = await api.query(`${selector}[${LOOKBACK / 1_000}s]`, signal);
    return seriesOf(data).map(({ labels }) => labels);
  });
  const untold = createUntoldGuard();
  // What goes through a gateway comes from outside.
  const inPods = !['istio', 'envoy', 'nginx', 'traefik'].includes(queries.kind);
  const ownScrapes = createOwnScrapes();
  let question: Question | undefined;
  let scrapeInterval: number | undefined;
  let newest = 0;

  async function variantsNow(signal: AbortSignal): Promise<readonly Rule[][]> {
    const found = await namesNow(signal);
    if (variants?.found !== found) {
      variants = { found, rules: await ruleVariants(queries, names, 'prometheus', found) };
    }
    return variants.rules;
  }

  function questionOf(parts: Pick<Question, 'variant' | 'base' | 'buckets' | 'identities'>): Question {
    const bounds = parts.buckets.length === 0 ? [] : boundsToRead(latencyBounds, parts.base, parts.buckets);
    const rules = withBuckets(parts.base, bounds, parts.buckets);
    return {
      ...parts,
      rules,
      selectors: selectorsOf(rules).map(format),
      classify: createClassifier(rules, parts.identities),
    };
  }

  /** The question with the pods that have come since it was made. */
  async function upToDate(question: Question, signal: AbortSignal): Promise<Question> {
    const base = (await variantsNow(signal))[question.variant];
    return base === undefined || base === question.base ? question : questionOf({ ...question, base });
  }

  async function look({ rules, selectors, classify }: Question, range: number, signal: AbortSignal) {
    const queries = selectors.map((selector) => api.query(`${selector}[${Math.ceil(range / 1_000)}s]`, signal));
    const [{ pods }, ...answers] = await Promise.all([namesNow(signal), ...queries]);
    const own = pods?.own ?? [];
    const series = answers
      .flatMap(({ data }) => seriesOf(data))
      .map((one) => ({ ...one, starts: pods && startsOfPod(pods, one.labels) }));
    const ups = await targetsOf(
      series.map(({ labels }) => labels),
      signal,
    );
    const counted = classify(series, ups);
    const originOf = inPods ? createOriginOf(own, rules) : () => 'user';
    return {
      own,
      countsStable: counted.some(isStableRequest),
      found: counted.filter(({ sample }) => originOf(sample.labels) !== 'own'),
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
    let chosen:
      | { readonly counters: Question; readonly found: Classified<Series>[]; readonly missing: string[] }
      | undefined;
    let onlyOwnOf: readonly OwnTraffic[] | undefined;
    for (const [variant, base] of (await variantsNow(signal)).entries()) {
      const counters = questionOf({ variant, base, buckets: [], identities: createIdentities(askedLabels(base)) });
      const { found, own, countsStable, missing } = await look(counters, LOOKBACK, signal);
      const stable = found.filter(isStableRequest).map(({ sample }) => sample.labels);
      if (stable.length === 0) {
        if (missing.length > 0) throw partialAnswer(api.name, missing);
        if (countsStable) onlyOwnOf = own;
        continue;
      }
      // A service may have two such metrics, of which one says how its requests ended.
      const telling = tells(base, stable);
      if (telling || !chosen) chosen = { counters, found, missing };
      if (telling) break;
    }
    if (!chosen && onlyOwnOf) throw onlyOwn(api.name, onlyOwnOf);
    if (!chosen) return undefined;
    const { counters, found, missing } = chosen;
    const buckets = await bucketsOf(counters.base, signal);
    // Refuses a latency that the histogram can't tell, also where there is none.
    withBuckets(counters.base, latencyBounds, buckets);
    return { question: questionOf({ ...counters, buckets }), found, missing };
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
      if (!chosen) throw await explainNoSeries(stableRequestSelectors(await variantsNow(signal)), catalog(signal));
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
    const requests = rules.find(({ arm, kind }) => arm === 'canary' && kind === 'requests');
    if (!requests) return [];
    const targets = targetSelector(rules);
    // Counted before the pods, as by a gateway: both arms' counters come with the same scrapes.
    if (!targets) return stable;
    const { data } = await api.query(`${format(targets)}[${Math.ceil(LOOKBACK / 1_000)}s]`, signal);
    const scraped = seriesOf(data).filter(({ labels }) => requests.isOfArm?.(labels) !== false);
    return scraped.map(({ labels, at }) => ({ instance: labels.pod ?? '', at }));
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
      requireSteady(found.found.map(watched));
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
      if (question) question = await upToDate(question, signal);
      else {
        const chosen = await choose(signal);
        question = chosen?.question;
        scrapeInterval = chosen && usualInterval(chosen.found.map(({ sample }) => sample.history));
      }
      if (!question) return guard({ at: newest, stable: [], canary: [] });
      const range = Math.min(Math.max((scrapeInterval ?? LOOKBACK) * 4, 15_000), LOOKBACK);
      const { found, own, warnings } = await look(question, range, signal);
      const [stable, canary] = [countersOf('stable', found), countersOf('canary', found)];
      if (warnings.length > 0) return { at: newestOf(found), stable, canary, warnings, partial: true };
      newest = Math.max(newest, newestOf(found));
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
      // The age of what was asked is a part of the answer.
      const missing = [answer, ...measured].flatMap(({ warnings }) => warnings);
      if (missing.length > 0) return { missing: `the answer is partial: ${[...new Set(missing)].join('; ')}` };
      const ages = measured.map(({ data }) => singleValue(data));
      return gaugeOf(answer.data, ages, staleAfter(scrapeInterval));
    },
  };
}

function watched({ counter, sample, starts }: Classified<Series>): Watched {
  return { name: sample.labels[NAME] ?? '', instance: counter.instance, history: sample.history, starts };
}

function podPermissions(pods: PodSelectors | undefined): Permission[] {
  return pods ? [{ apiGroup: '', resource: 'pods', verbs: ['list', 'watch'], namespace: pods.namespace }] : [];
}

/** One selector for everything; or one for each arm where they have no label in common, rather than none but the name. */
function selectorsOf(rules: readonly Rule[]): Selector[] {
  const all = union(rules.map(({ selector }) => selector));
  if (all.some(({ label }) => label !== NAME && label !== 'le')) return [all];
  const arms = Map.groupBy(rules, ({ arm }) => arm);
  return [...arms.values()].map((ofArm) => union(ofArm.map(({ selector }) => selector)));
}
