import { type Classifier, createClassifier } from '../counting/classify.ts';
import { boundsToRead, withBuckets } from '../counting/latency.ts';
import type { Rule } from '../queries/rules.ts';
import type { Identities } from '../series/identities.ts';
import { format, NAME, type Selector, union } from '../series/selector.ts';

/** How to ask for the counters, once it is known which series exist. */
export interface Question {
  /** The index of the variant that it is made from. */
  readonly variant: number;
  readonly base: readonly Rule[];
  /** The bounds of the histogram, as its series write them. */
  readonly buckets: readonly string[];
  readonly identities: Identities;
  readonly rules: readonly Rule[];
  /** PromQL, usually a single selector. */
  readonly selectors: readonly string[];
  readonly classify: Classifier;
}

/** @param latencyBounds the judged latencies, in seconds */
export function makeQuestion(
  parts: Pick<Question, 'variant' | 'base' | 'buckets' | 'identities'>,
  latencyBounds: readonly number[],
): Question {
  const bounds = parts.buckets.length === 0 ? [] : boundsToRead(latencyBounds, parts.base, parts.buckets);
  const rules = withBuckets(parts.base, bounds, parts.buckets);
  return {
    ...parts,
    rules,
    selectors: selectorsOf(rules).map(format),
    classify: createClassifier(rules, parts.identities),
  };
}

/** One selector for everything. If the arms have no label in common, one for each, so that no selector has only a name. */
function selectorsOf(rules: readonly Rule[]): Selector[] {
  const all = union(rules.map(({ selector }) => selector));
  if (all.some(({ label }) => label !== NAME && label !== 'le')) return [all];
  const arms = Map.groupBy(rules, ({ arm }) => arm);
  return [...arms.values()].map((ofArm) => union(ofArm.map(({ selector }) => selector)));
}
