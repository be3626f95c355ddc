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

/** How to read the counters from the pods, once it is known which series exist. */
export interface Question {
  readonly rules: readonly Rule[];
  readonly classify: Classifier;
}

/** The result of one look; without a question if none matches the stable arm's requests. */
interface Found {
  readonly answers: readonly PodAnswer[];
  readonly found: readonly Classified<Sample>[];
  readonly question?: Question;
}

export type Look = ReturnType<typeof createLook>;

/** Asks the pods, and chooses the question that matches their metrics. */
export function createLook({
  about,
  scrape,
  variants,
  inPods,
  latencyBounds,
}: {
  /** The pods' name in errors. */
  readonly about: string;
  readonly scrape: Scrape;
  readonly variants: Variants;
  /** The pods themselves count the requests, including those that their own specification causes. */
  readonly inPods: boolean;
  /** The judged latencies, in seconds. */
  readonly latencyBounds: readonly number[];
}) {
  let question: Question | undefined;

  /** Looks once. The first look chooses the first variant of the questions that matches the stable arm's requests. */
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
      // A service may have two such metrics, of which only one has the status.
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

  /** Removes the pods' own requests, where a label identifies them. Requests through a gateway come from outside. */
  function ofUsers(answers: readonly PodAnswer[], rules: readonly Rule[]): Sample[] {
    const samples = answers.flatMap((answer) => answer.samples);
    if (!inPods) return samples;
    const originOf = createOriginOf(ownOf(answers), rules);
    return samples.filter(({ labels }) => originOf(labels) !== 'own');
  }

  /** Reads everything that the pods show, at the first use. */
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

  /** Explains why no question matches. */
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
