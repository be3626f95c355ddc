import { count, figure, percent } from '../core/wording.ts';
import type { Outcome } from './likelihood.ts';
import type { Gauge } from './readings.ts';
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
  return { ...compared(rate, limit, 'above'), sentence, figures: { ...figures, canaryRate: rate } };
}

/** A limit for a gauge: a number, or a multiple of the stable arm's answer to the same query. */
export interface GaugeLimit {
  /** The side of the limit that is a breach. The limit itself is accepted. */
  readonly breach: 'above' | 'below';
  readonly limit: number;
  readonly relativeTo?: 'stable';
}

/**
 * Compares one answer of a metric query with a limit. A missing answer, NaN or infinity is neither success nor failure but
 * unknown. Relative to a stable value of 0, every canary value above 0 is above the limit: a ratio would hide it.
 */
export function judgeGauge(rule: GaugeLimit, canary: Gauge | undefined, stable: Gauge | undefined): Finding {
  const measured = finite('canary', canary);
  if ('missing' in measured) return unknown(measured.missing);
  if (rule.relativeTo === undefined) {
    const sentence = `canary ${figure(measured.value)}, breach ${rule.breach} ${figure(rule.limit)}`;
    const figures = { canary: measured.value, limit: rule.limit };
    return { ...compared(measured.value, rule.limit, rule.breach), sentence, figures };
  }
  const reference = finite('stable arm', stable);
  if ('missing' in reference) return unknown(reference.missing);
  const limit = rule.limit * reference.value;
  const sentence = `canary ${figure(measured.value)}, stable ${figure(reference.value)}, breach ${rule.breach} ${figure(limit)} (${figure(rule.limit)} times stable)`;
  const figures = { canary: measured.value, stable: reference.value, limit };
  return { ...compared(measured.value, limit, rule.breach), sentence, figures };
}

function finite(arm: string, gauge: Gauge | undefined): { value: number } | { missing: string } {
  if (gauge === undefined) return { missing: `no value for the ${arm} yet` };
  if ('missing' in gauge) return { missing: `no value for the ${arm}: ${gauge.missing}` };
  return Number.isFinite(gauge.value) ? gauge : { missing: `the value for the ${arm} is ${gauge.value}` };
}

/** The finding if the data that a rule needs are missing. */
export function unknown(missing: string): Finding {
  return { state: 'unknown', missing, progress: 0, sentence: missing, figures: {} };
}

function compared(value: number, limit: number, breach: 'above' | 'below'): Pick<Finding, 'state' | 'progress'> {
  if (breach === 'above' ? value > limit : value < limit) return { state: 'breach', progress: 1 };
  const used = breach === 'above' ? value / limit : limit / value;
  return { state: 'healthy', progress: Number.isFinite(used) ? Math.min(1, Math.max(0, used)) : 0 };
}
