import { isStableRequest } from '../counting/classify.ts';
import { createOriginOf } from '../own/own-paths.ts';
import type { ClusterNames } from '../queries/cluster-names.ts';
import { startsOfPod } from '../queries/pod-identities.ts';
import { createScrapeTargets } from '../series/scrape-targets.ts';
import { seriesOf } from './answers.ts';
import type { PrometheusApi } from './api.ts';
import type { Question } from './question.ts';

/** How far the first look goes back, in milliseconds: Prometheus' own limit for what is still present. */
export const LOOKBACK = 300_000;

export type Look = ReturnType<typeof createLook>;

/**
 * Asks a question once.
 *
 * @param inPods the pods themselves count the requests, including those that their own specification causes
 */
export function createLook(api: PrometheusApi, namesNow: ClusterNames, inPods: boolean) {
  const targetsOf = createScrapeTargets(async (selector, signal) => {
    const { data } = await api.query(`${selector}[${LOOKBACK / 1_000}s]`, signal);
    return seriesOf(data).map(({ labels }) => labels);
  });

  /**
   * @param range how far to look back, in milliseconds
   * @param at from when on, in milliseconds since the epoch; without it, from now on
   */
  return async function look(
    { rules, selectors, classify }: Question,
    range: number,
    signal: AbortSignal,
    at?: number,
  ) {
    const queries = selectors.map((selector) => api.query(`${selector}[${Math.ceil(range / 1_000)}s]`, signal, at));
    const [{ pods, own = pods?.own ?? [] }, ...answers] = await Promise.all([namesNow(signal), ...queries]);
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
      /** The server's remarks that data are missing. */
      missing: answers.flatMap(({ warnings }) => warnings),
    };
  };
}
