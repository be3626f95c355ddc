import type { SluiceError } from '../../core/errors.ts';
import { once } from '../../core/lazy.ts';
import {
  type Classified,
  type Classifier,
  createClassifier,
  isStableRequest,
  type Sample,
} from '../counting/classify.ts';
import { boundsToRead, withBuckets } from '../counting/latency.ts';
import { tells } from '../counting/require-errors.ts';
import { createOriginOf, onlyOwn } from '../own/own-paths.ts';
import { type Catalog, explainNoSeries } from '../queries/no-series.ts';
import { stableBucketSelectors, stableRequestSelectors } from '../queries/queries.ts';
import type { Rule } from '../queries/rules.ts';
import type { Variants } from '../queries/variants.ts';
import { createFilter, createNameFilter, NAME } from '../series/selector.ts';
import { ownOf, type PodAnswer } from './pod-sources.ts';
import type { Scrape } from './scrape.ts';

/** What is asked of the pods, once it is known which series exist. */
export interface Question {
  readonly rules: readonly Rule[];
  readonly classify: Classifier;
}

/** What one look found; without a question where the stable arm's requests answer to none. */
interface Found {
  readonly answers: readonly PodAnswer[];
  readonly found: readonly Classified<Sample>[];
  readonly question?: Question;
}

export type Look = ReturnType<typeof createLook>;

/** Asks the pods, and chooses the question by what they show. */
export function createLook({
  about,
  scrape,
  variants,
  inPods,
  latencyBounds,
}: {
  /** The pods, for errors. */
  readonly about: string;
  readonly scrape: Scrape;
  readonly variants: Variants;
  /** The pods themselves count the requests, and with them what they are asked by their own specification. */
  readonly inPods: boolean;
  /** The latencies that are judged, in seconds. */
  readonly latencyBounds: readonly number[];
}) {
  let question: Question | undefined;

  /** One look, with the first variant of the questions that the stable arm's requests answer to. */
  async function look(signal: AbortSignal): Promise<Found> {
    if (question) {
      const { rules, classify } = question;
      const answers = await scrape.askAll(createNameFilter(rules.map(({ selector }) => selector)), signal);
      return { answers, found: classify(ofUsers(answers, rules)), question };
    }
    const candidates = await variants(signal);
    const answers = await scrape.askAll(createNameFilter(candidates.flat().map(({ selector }) => selector)), signal);
    const samples = ofUsers(answers, candidates.flat());
    let chosen: readonly Rule[] | undefined;
    for (const rules of candidates) {
      const withoutBuckets = withBuckets(rules, [], []);
      const stable = createClassifier(withoutBuckets)(samples).filter(isStableRequest);
      if (stable.length === 0) continue;
      // A service may have two such metrics, and only one of them has the status of its requests.
      const telling = tells(
        rules,
        stable.map(({ sample }) => sample.labels),
      );
      if (telling || !chosen) chosen = rules;
      if (telling) break;
    }
    if (!chosen) return { answers, found: [] };
    const available = bucketsOf(chosen, samples);
    const asked = withBuckets(chosen, boundsToRead(latencyBounds, chosen, available), available);
    question = { rules: asked, classify: createClassifier(asked) };
    return { answers, found: question.classify(samples), question };
  }

  /** Without what pods ask of themselves, where a label tells. What goes through a gateway comes from outside. */
  function ofUsers(answers: readonly PodAnswer[], rules: readonly Rule[]): Sample[] {
    const samples = answers.flatMap((answer) => answer.samples);
    if (!inPods) return samples;
    const originOf = createOriginOf(ownOf(answers), rules);
    return samples.filter(({ labels }) => originOf(labels) !== 'own');
  }

  /** Reads everything the pods show, but only when it is asked for. */
  function catalog(signal: AbortSignal): Catalog {
    const everything = once(async () => {
      const answers = await scrape.askAll(() => true, signal);
      return answers.flatMap(({ samples }) => samples.map(({ labels }) => labels));
    });
    return {
      about,
      metricNames: async () => [...new Set((await everything()).map((labels) => labels[NAME] ?? ''))],
      series: async (selector) => (await everything()).filter(createFilter(selector)),
    };
  }

  /** Why no question fits. */
  async function explainNothing(answers: readonly PodAnswer[], signal: AbortSignal): Promise<SluiceError> {
    const candidates = await variants(signal);
    const samples = answers.flatMap((answer) => answer.samples);
    if (!candidates.some((rules) => createClassifier(withBuckets(rules, [], []))(samples).some(isStableRequest))) {
      return explainNoSeries(stableRequestSelectors(candidates), catalog(signal));
    }
    return onlyOwn(about, ownOf(answers));
  }

  return { look, catalog, explainNothing };
}

function bucketsOf(rules: readonly Rule[], samples: readonly Sample[]): string[] {
  const filters = stableBucketSelectors(rules).map(createFilter);
  const buckets = samples.filter(({ labels }) => filters.some((picks) => picks(labels)));
  return [...new Set(buckets.flatMap(({ labels }) => labels.le ?? []))];
}
