import type { Meter } from '../../canary/ports.ts';
import type { KubernetesClient } from '../../cluster/client.ts';
import type { Clock } from '../../core/clock.ts';
import type { Permission } from '../../core/permission.ts';
import type { Arm, Reading } from '../../judge/readings.ts';
import type { Connection } from '../../remote/connection.ts';
import { countersOf, newestOf } from '../counting/classify.ts';
import { createUntoldGuard } from '../counting/untold.ts';
import { createClusterNames } from '../queries/cluster-names.ts';
import type { Queries } from '../queries/queries.ts';
import type { Names } from '../queries/rules.ts';
import { createVariants } from '../queries/variants.ts';
import { createBaselineGuard, usualInterval } from '../series/readiness.ts';
import { createPrometheusApi } from './api.ts';
import { createChoice } from './choice.ts';
import { createLook, LOOKBACK } from './look.ts';
import { createOwnScrapes } from './own-scrapes.ts';
import { createPreflight } from './preflight.ts';
import type { Question } from './question.ts';
import { dueTimes, scrapesOfCanary } from './scrape-times.ts';

/** The pods of both arms: their namespace and label selectors. */
interface PodSelectors {
  readonly namespace: string;
  readonly selectors: Readonly<Record<Arm, string>>;
}

export interface PrometheusOptions {
  readonly kind: 'prometheus';
  readonly connection: Connection;
  readonly names: Names;
  readonly queries: Queries;
  /** The judged latencies, in seconds: each must be a bound of the histogram's buckets. */
  readonly latencyBounds: readonly number[];
  /** The arms' pods; without them, pods are recognized by the usual names of a workload's pods. */
  readonly pods?: PodSelectors;
}

/** The current question, and the scrape interval in milliseconds; both unknown before the first look. */
interface Asked {
  readonly question?: Question | undefined;
  readonly scrapeInterval?: number | undefined;
}

/**
 * Reads raw cumulative counters from Prometheus: one request a look, an instant query of a range selector. Its answer has the
 * time of each scrape, while an instant vector has the time of the query and looks new even if Prometheus has not scraped for
 * minutes (https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness). The earlier points in the same answer give
 * the scrape interval and the growth. Prometheus calculates nothing: rates would lose the first errors.
 *
 * The targets are scraped at different moments of an interval, so `interval` is a quarter of it.
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
  const variants = createVariants(queries, names, 'prometheus', namesNow);
  const untold = createUntoldGuard();
  // Requests through a gateway come from outside the cluster.
  const inPods = !['istio', 'envoy', 'nginx', 'traefik'].includes(queries.kind);
  const ownScrapes = createOwnScrapes();
  const look = createLook(api, namesNow, inPods);
  const choice = createChoice({ api, clock, look, variants, latencyBounds });
  const preflight = createPreflight({ api, clock, choice, variants });
  let asked: Asked = {};
  let newest = 0;

  /** Updates the question by pods that were created since; without a question, chooses the first one that matches. */
  async function refresh(signal: AbortSignal): Promise<Asked> {
    if (asked.question) asked = { ...asked, question: await choice.upToDate(asked.question, signal) };
    else {
      const chosen = await choice.choose(signal);
      asked = {
        question: chosen?.question,
        scrapeInterval: chosen && usualInterval(chosen.found.map(({ sample }) => sample.history)),
      };
    }
    return asked;
  }

  return {
    kind: 'prometheus',
    get source() {
      return `${api.name}${asked.question ? `: ${asked.question.selectors.join(', ')}` : ''}`;
    },
    permissions: [...api.permissions, ...(inPods ? podPermissions(options.pods) : [])],
    get interval() {
      return Math.min(Math.max((asked.scrapeInterval ?? 0) / 4, 1_000), 5_000);
    },

    async preflight(signal) {
      const found = await preflight(signal);
      asked = { question: found.question, scrapeInterval: found.interval };
      return found.readiness;
    },

    async read(signal) {
      const { question, scrapeInterval } = await refresh(signal);
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
      const measured = {
        stable,
        canary: canary.length > 0 ? canary : await scrapesOfCanary(question.rules, stable, api, signal),
      };
      return { ...reading, due: dueTimes(measured, scrapeInterval, clock.now()) };
    },
  };
}

function podPermissions(pods: PodSelectors | undefined): Permission[] {
  return pods ? [{ apiGroup: '', resource: 'pods', verbs: ['list', 'watch'], namespace: pods.namespace }] : [];
}
