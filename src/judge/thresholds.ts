import { count, percent } from '../core/wording.ts';
import type { Outcome } from './likelihood.ts';
import type { Opinion } from './types.ts';

/** The finding of a plain rule; `progress` says how near the value is to its limit, 1 at a breach. */
export type Finding = Pick<Opinion, 'state' | 'missing' | 'progress' | 'sentence' | 'figures'>;

export interface MaxErrorRate {
  /** The highest accepted rate of bad requests, a fraction. */
  readonly limit: number;
  /** With fewer canary requests than this, >= 1, there is no finding. */
  readonly minRequests: number;
}

/** Compares the canary's bad requests in this step with a fixed limit. It has no error guarantee: it only reports the count. */
export function judgeErrorRate(rule: MaxErrorRate, canary: Outcome): Finding {
  const { limit, minRequests } = rule;
  const figures = { canaryRequests: canary.requests, canaryBad: canary.bad, limit };
  if (canary.requests < minRequests) {
    const sentence = `${count(canary.requests)} of at least ${count(minRequests)} canary requests; limit ${percent(limit)}`;
    return { ...unknown(sentence), figures };
  }
  const rate = canary.bad / canary.requests;
  const sentence = `canary ${percent(rate)} of ${count(canary.requests)} requests, limit ${percent(limit)}`;
  return { ...compared(rate, limit), sentence, figures: { ...figures, canaryRate: rate } };
}

/** The finding if the data that a rule needs are missing. */
export function unknown(missing: string): Finding {
  return { state: 'unknown', missing, progress: 0, sentence: missing, figures: {} };
}

function compared(value: number, limit: number): Pick<Finding, 'state' | 'progress'> {
  if (value > limit) return { state: 'breach', progress: 1 };
  const used = value / limit;
  return { state: 'healthy', progress: Number.isFinite(used) ? Math.min(1, Math.max(0, used)) : 0 };
}
