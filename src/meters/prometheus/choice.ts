import type { Clock } from '../../core/clock.ts';
import { askedLabels, type Classified, isStableRequest } from '../counting/classify.ts';
import { withBuckets } from '../counting/latency.ts';
import { tells } from '../counting/require-errors.ts';
import { type OwnTraffic, onlyOwn } from '../own/own-paths.ts';
import { stableBucketSelectors } from '../queries/queries.ts';
import type { Rule } from '../queries/rules.ts';
import type { Variants } from '../queries/variants.ts';
import { createIdentities } from '../series/identities.ts';
import { format } from '../series/selector.ts';
import type { Series } from './answers.ts';
import { isPartialAnswer, type PrometheusApi, partialAnswer } from './api.ts';
import { LOOKBACK, type Look } from './look.ts';
import { makeQuestion, type Question } from './question.ts';

/** Milliseconds for which the preflight waits for an answer without missing data. */
const PARTIAL_PATIENCE = 30_000;

export type Choice = ReturnType<typeof createChoice>;

/** Chooses the question that matches the existing series. */
export function createChoice({
  api,
  clock,
  look,
  variants,
  latencyBounds,
}: {
  readonly api: PrometheusApi;
  readonly clock: Clock;
  readonly look: Look;
  readonly variants: Variants;
  /** The judged latencies, in seconds. */
  readonly latencyBounds: readonly number[];
}) {
  /** The question, updated by pods that were created since. */
  async function upToDate(question: Question, signal: AbortSignal): Promise<Question> {
    const base = (await variants(signal))[question.variant];
    return base === undefined || base === question.base ? question : makeQuestion({ ...question, base }, latencyBounds);
  }

  /**
   * Finds the first variant of the questions that matches the stable arm's requests.
   *
   * @throws SluiceError `unreachable` if nothing was found, which may be due to a partial answer
   */
  async function choose(signal: AbortSignal) {
    let chosen:
      | { readonly counters: Question; readonly found: Classified<Series>[]; readonly missing: string[] }
      | undefined;
    let onlyOwnOf: readonly OwnTraffic[] | undefined;
    for (const [variant, base] of (await variants(signal)).entries()) {
      const identities = createIdentities(askedLabels(base));
      const counters = makeQuestion({ variant, base, buckets: [], identities }, latencyBounds);
      const { found, own, countsStable, missing } = await look(counters, LOOKBACK, signal);
      const stable = found.filter(isStableRequest).map(({ sample }) => sample.labels);
      if (stable.length === 0) {
        if (missing.length > 0) throw partialAnswer(api.name, missing);
        if (countsStable) onlyOwnOf = own;
        continue;
      }
      // A service may have two such metrics, of which only one has the status.
      const telling = tells(base, stable);
      if (telling || !chosen) chosen = { counters, found, missing };
      if (telling) break;
    }
    if (!chosen && onlyOwnOf) throw onlyOwn(api.name, onlyOwnOf);
    if (!chosen) return undefined;
    const { counters, found, missing } = chosen;
    const buckets = await bucketsOf(counters.base, signal);
    // Refuses a latency limit that the histogram can't measure, and one without a histogram.
    withBuckets(counters.base, latencyBounds, buckets);
    return { question: makeQuestion({ ...counters, buckets }, latencyBounds), found, missing };
  }

  /** As `choose`, but waits for a while for stores that come back. */
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

  async function bucketsOf(rules: readonly Rule[], signal: AbortSignal): Promise<string[]> {
    const values = await Promise.all(
      stableBucketSelectors(rules).map(async (selector) => {
        if (latencyBounds.length > 0) return api.labelValues('le', format(selector), clock.now() - LOOKBACK, signal);
        const { data } = await api.query(`count by (le) (${format(selector)})`, signal);
        return data.resultType === 'vector' ? data.result.flatMap(({ metric }) => metric.le ?? []) : [];
      }),
    );
    return [...new Set(values.flat())];
  }

  return { choose, chooseWhole, upToDate };
}
