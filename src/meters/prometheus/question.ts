import { type Classifier, createClassifier } from '../counting/classify.ts';
import { boundsToRead, withBuckets } from '../counting/latency.ts';
import type { Rule } from '../queries/rules.ts';
import type { Identities } from '../series/identities.ts';
import { format, NAME, type Selector, union } from '../series/selector.ts';

/** How the counters are asked for, once it is known which series exist. */
export interface Question {
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

/** @param latencyBounds the latencies that are judged, in seconds */
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

/** One selector for everything; or one for each arm where they have no label in common, rather than none but the name. */
function selectorsOf(rules: readonly Rule[]): Selector[] {
  const all = union(rules.map(({ selector }) => selector));
  if (all.some(({ label }) => label !== NAME && label !== 'le')) return [all];
  const arms = Map.groupBy(rules, ({ arm }) => arm);
  return [...arms.values()].map((ofArm) => union(ofArm.map(({ selector }) => selector)));
}
