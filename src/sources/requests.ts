import { once } from '../core/lazy.ts';
import type { Source } from '../gates/ports.ts';
import { slowerThan } from '../judge/latency.ts';
import type { Look, Window } from '../judge/looks/look.ts';
import type { Arm } from '../judge/readings.ts';
import type { Counts } from '../judge/types.ts';
import { askedLabels, type Classified, isStableRequest, newestOf } from '../meters/counting/classify.ts';
import { requireErrors } from '../meters/counting/require-errors.ts';
import { ownTraffic } from '../meters/own/own-paths.ts';
import { type Series, staleAfter } from '../meters/prometheus/answers.ts';
import { type PrometheusApi, partialAnswer } from '../meters/prometheus/api.ts';
import { catalogOf } from '../meters/prometheus/catalog.ts';
import { createChoice } from '../meters/prometheus/choice.ts';
import { createLook, LOOKBACK } from '../meters/prometheus/look.ts';
import { makeQuestion, type Question } from '../meters/prometheus/question.ts';
import { type DefaultQueries, defaultQueries } from '../meters/queries/default-queries.ts';
import { explainNoSeries } from '../meters/queries/no-series.ts';
import { stableRequestSelectors } from '../meters/queries/queries.ts';
import type { Names, Rule } from '../meters/queries/rules.ts';
import { createIdentities } from '../meters/series/identities.ts';
import { requestRate, usualInterval } from '../meters/series/readiness.ts';
import { listPods, type PodPlace, type PodTarget, podPermissions } from './cluster/workload-pods.ts';
import { countWindow, measuredAt } from './count-window.ts';
import { doubtfulRequests } from './doubtful-requests.ts';
import type { SourceWorld } from './world.ts';

/** The requests of one version of a service, by the metrics that the canary's meter counts with. */
export interface RequestsQuery {
  readonly metrics: DefaultQueries;
  readonly names: Names;
  /** The version that is counted. */
  readonly arm: Arm;
  /** Seconds, above which a request is bad; without it, those are bad that failed. */
  readonly slowerThan?: number;
  /** The pods, where they count their requests themselves: those that they get without a user are not counted. */
  readonly pods?: { readonly target: PodTarget; readonly place: PodPlace };
}

/**
 * Requests, and those of them that failed or were slow, by a preset of metrics: with the queries, the reading of statuses and the
 * counting of the canary's meter (`meters`), between the two ends of a window.
 */
export function requestsSource(query: RequestsQuery, api: PrometheusApi, { clock }: SourceWorld): Source {
  const { names, arm, pods, metrics } = query;
  const bounds = query.slowerThan === undefined ? [] : [query.slowerThan];
  const variants = once(async () => defaultQueries(metrics, names, 'prometheus').map((rules) => rulesOf(rules, query)));
  const ask = createLook(api, async (signal) => (pods ? { own: await ownOf(pods, signal) } : {}), pods !== undefined);
  const choice = createChoice({ api, clock, look: ask, variants, latencyBounds: bounds });
  let chosen: Question | undefined;

  async function choose(signal: AbortSignal) {
    const found = await choice.choose(signal);
    if (!found) throw await explainNoSeries(stableRequestSelectors(await variants()), catalogOf(api, clock, signal));
    if (found.missing.length > 0) throw partialAnswer(api.name, found.missing);
    chosen = found.question;
    return found;
  }

  /** The question for one window: what is known of the series of another one, a day before, does not count. */
  async function questionOfWindow(signal: AbortSignal): Promise<Question> {
    const question = chosen ?? (await choose(signal)).question;
    return makeQuestion({ ...question, identities: createIdentities(askedLabels(question.base)) }, bounds);
  }

  return {
    kind: 'requests',
    asked: `requests of ${nameOf(names, arm)} by the metrics of ${metrics.kind} (${api.name})`,
    permissions: [...api.permissions, ...(pods ? podPermissions(pods.target, pods.place.namespace) : [])],
    lag: 0,

    async preflight(signal) {
      const { question, found } = await choose(signal);
      const requests = found.filter(isStableRequest);
      const labels = requests.map(({ sample }) => sample.labels);
      const notes = bounds.length > 0 ? [] : await requireErrors(question.rules, labels, catalogOf(api, clock, signal));
      const rate = requestRate(requests.map(({ sample }) => sample.history)) ?? 0;
      const counted = `${requests.length} series of ${question.selectors.join(', ')}, ${Number(rate.toPrecision(3))} a second`;
      return { evidence: [counted, ...notes].join('; ') };
    },

    async look(window, signal): Promise<Look> {
      const question = await questionOfWindow(signal);
      const range = window.to - window.from + LOOKBACK;
      const { found, own, missing } = await ask(question, range, signal, window.to);
      if (missing.length > 0)
        return { kind: 'missing', reason: `the answer is partial: ${[...new Set(missing)].join('; ')}` };
      const unusable = whyUnusable(found, window) ?? (bounds.length > 0 ? undefined : whyUntold(found, window));
      if (unusable !== undefined) return { kind: 'missing', reason: unusable };
      const counts = countWindow(found, window);
      if (typeof counts === 'string') return { kind: 'missing', reason: counts };
      const outcome = outcomeOf(counts, query.slowerThan);
      if (!outcome) return { kind: 'missing', reason: 'the latency histogram has no series' };
      const doubtful = pods ? doubtfulRequests(found, window, { own, rules: question.rules }) : 0;
      return { kind: 'counts', total: outcome.requests, bad: outcome.bad, ...(doubtful > 0 && { doubtful }) };
    },
  };
}

/** The rules of the one version, as those of the arm that everything is asked for. */
function rulesOf(rules: readonly Rule[], { arm, slowerThan: bound }: RequestsQuery): Rule[] {
  const own = rules.filter((rule) => rule.arm === arm && (rule.kind !== 'bucket' || bound !== undefined));
  return own.map((rule) => ({ ...rule, arm: 'stable' }));
}

async function ownOf({ target, place }: NonNullable<RequestsQuery['pods']>, signal: AbortSignal) {
  const pods = await listPods(target, place, signal);
  return pods.flatMap((pod) => ownTraffic(pod, undefined) ?? []);
}

function nameOf({ namespace, ...arms }: Names, arm: Arm): string {
  const { workload, service } = arms[arm];
  return `${namespace}/${service ?? workload}`;
}

function outcomeOf(counts: Counts, bound: number | undefined) {
  if (bound !== undefined) return slowerThan(bound, counts);
  return { requests: counts.requests, bad: counts.errors };
}

/** Why there is nothing to count in a window. */
function whyUnusable(found: readonly Classified<Series>[], { to }: Window): string | undefined {
  const requests = found.filter(isStableRequest);
  if (requests.length === 0) return 'its requests have no series';
  const age = to - newestOf(requests);
  const isStale = age > staleAfter(usualInterval(requests.map(({ sample }) => sample.history)));
  return isStale ? `its requests were last measured ${Math.round(age / 1_000)} s before` : undefined;
}

/** A status that is not known is no success. */
function whyUntold(found: readonly Classified<Series>[], { from, to }: Window): string | undefined {
  const grew = (one: Classified<Series>) => valueAt(one, to) > 0 && valueAt(one, to) !== valueAt(one, from);
  const untold = found.find((one) => one.untold && grew(one));
  return (
    untold && `the labels ${JSON.stringify(untold.sample.labels)} do not tell how requests ended: count with "ratio"`
  );
}

function valueAt(one: Classified<Series>, at: number): number {
  return measuredAt(one, at)[0]?.value ?? 0;
}
