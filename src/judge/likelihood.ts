import { atLeast } from './ranges.ts';

/** The requests of one arm, and how many of them were bad (an error, or too slow). */
export interface Outcome {
  readonly requests: number;
  readonly bad: number;
}

/** What is accepted of the canary. */
export interface Tolerance {
  /** Accepted ratio of the canary's bad-request rate to the stable one, >= 1. */
  readonly tolerance: number;
  /** Bad requests per request that are accepted in addition, >= 0. */
  readonly excess: number;
  /**
   * Variance of the number of bad requests over that of independent ones, >= 1: about the size of the groups in which they come
   * if a client retries or a page fails as a whole.
   */
  readonly designEffect: number;
}

/** Evidence of several alternatives in parallel, each in nats and 0 at the start. */
export interface Evidence {
  readonly logs: Float64Array;
  /** Adds an interval in which both arms had requests; false if it contains no information and nothing changed. */
  add(canary: Outcome, stable: Outcome): boolean;
}

/**
 * The factors by which one bad request moves the evidence for the rate ratio `ratio` against `tolerance`, where the canary
 * has the share `share` of the requests: `canary` for a bad one of the canary, `stable` for a bad one of the stable arm.
 *
 * Given that a request is bad, it is the canary's with probability share·ψ / (1 − share + share·ψ); the factors are that
 * likelihood at `ratio` over the one at `tolerance`. They are safe for binomial counts of any rate, known or not: under
 * p_canary <= tolerance · p_stable + excess and since 1 + x <= exp x,
 *   E[canary^x_c · stable^x_b · exp(−n_c · excess · (canary − 1))]
 *     <= exp(p_stable · (n_c · tolerance · (canary − 1) + n_b · (stable − 1))) = exp 0 for ratios above the tolerance,
 * and the same holds for ratios below it under p_canary >= tolerance · p_stable + excess.
 */
export function factors(ratio: number, tolerance: number, share: number): { canary: number; stable: number } {
  const stable = (1 - share + share * tolerance) / (1 - share + share * ratio);
  return { canary: (ratio / tolerance) * stable, stable };
}

/**
 * Likelihood ratios of two binomial arms for each of `ratios` against what is accepted, one stratum per interval. The canary's
 * share of the requests is that of the interval, so a rate that changes over time for both arms has no effect.
 */
export function likelihoodRatios(ratios: readonly number[], accepted: Tolerance): Evidence {
  const tolerance = atLeast(1, 'tolerance', accepted.tolerance);
  const excess = atLeast(0, 'excess', accepted.excess);
  const designEffect = atLeast(1, 'designEffect', accepted.designEffect);
  const logs = new Float64Array(ratios.length);
  return {
    logs,
    add(canary, stable) {
      if (canary.bad === 0 && stable.bad === 0 && excess === 0) return false;
      const share = canary.requests / (canary.requests + stable.requests);
      for (let j = 0; j < ratios.length; j++) {
        const factor = factors(ratios[j] ?? tolerance, tolerance, share);
        const gain =
          canary.bad * Math.log(factor.canary) +
          stable.bad * Math.log(factor.stable) -
          canary.requests * excess * (factor.canary - 1);
        logs[j] = (logs[j] ?? 0) + gain / designEffect;
      }
      return true;
    },
  };
}

/** ln Σ exp(terms), without overflow. -Infinity without terms. */
export function logSumExp(terms: Float64Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const term of terms) if (term > largest) largest = term;
  if (largest === Number.NEGATIVE_INFINITY) return largest;
  let sum = 0;
  for (const term of terms) sum += Math.exp(term - largest);
  return largest + Math.log(sum);
}

/** ln(exp a + exp b). */
export function logAdd(a: number, b: number): number {
  const larger = Math.max(a, b);
  return larger === Number.NEGATIVE_INFINITY ? larger : larger + Math.log1p(Math.exp(Math.min(a, b) - larger));
}

/**
 * Keeps an interval in which one arm had no requests, and returns it merged with the next ones as soon as both arms had some.
 * `forget` drops kept intervals, as counts of different weights are never pooled. Dropping is safe for the error guarantee,
 * because it depends on the numbers of requests alone and never on how many of them were bad.
 */
export function pairing(): { add(canary: Outcome, stable: Outcome): Pair | undefined; forget(): void } {
  let waiting: Pair | undefined;
  return {
    add(canary, stable) {
      const pair = waiting
        ? { canary: sum(waiting.canary, canary), stable: sum(waiting.stable, stable) }
        : { canary, stable };
      const complete = pair.canary.requests > 0 && pair.stable.requests > 0;
      waiting = complete ? undefined : pair;
      return complete ? pair : undefined;
    },
    forget() {
      waiting = undefined;
    },
  };
}

interface Pair {
  readonly canary: Outcome;
  readonly stable: Outcome;
}

export function sum(a: Outcome, b: Outcome): Outcome {
  return { requests: a.requests + b.requests, bad: a.bad + b.bad };
}
