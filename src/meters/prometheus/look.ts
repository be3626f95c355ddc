import { isStableRequest } from '../counting/classify.ts';
import { createOriginOf } from '../own/own-paths.ts';
import type { ClusterNames } from '../queries/cluster-names.ts';
import { startsOfPod } from '../queries/pod-identities.ts';
import { createScrapeTargets } from '../series/scrape-targets.ts';
import { seriesOf } from './answers.ts';
import type { PrometheusApi } from './api.ts';
import type { Question } from './question.ts';

/** Milliseconds of the past in the first look: Prometheus' own idea of what is still present. */
export const LOOKBACK = 300_000;

export type Look = ReturnType<typeof createLook>;

/**
 * Asks a question once.
 *
 * @param inPods the pods themselves count the requests, and with them what they are asked by their own specification
 */
export function createLook(api: PrometheusApi, namesNow: ClusterNames, inPods: boolean) {
  const targetsOf = createScrapeTargets(async (selector, signal) => {
    const { data } = await api.query(`${selector}[${LOOKBACK / 1_000}s]`, signal);
    return seriesOf(data).map(({ labels }) => labels);
  });

  /** @param range milliseconds of the past */
  return async function look({ rules, selectors, classify }: Question, range: number, signal: AbortSignal) {
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
  };
}
