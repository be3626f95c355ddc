import { likelihoodRatios, logSumExp, type Outcome, pairing, type Tolerance } from './likelihood.ts';
import { probability } from './ranges.ts';

export interface HealthyOptions extends Tolerance {
  /** Probability that a canary at or beyond the tolerance is called healthy, per step; 0 < beta < 1. */
  readonly beta: number;
}

/** The canary is healthy once its rate is surely below tolerance · stable + excess. */
export interface Early {
  /** >= 1. Default the larger of 2 and the tolerance for a breach; with 1, only a canary better than stable can be healthy. */
  readonly tolerance?: number;
  /** Default the excess for a breach. */
  readonly excess?: number;
  /** Probability of calling a canary at that rate healthy, per step. Default 0.05. */
  readonly beta?: number;
}

/** Options of the healthy test. `early` defaults to what is accepted without a breach; `beta` to 0.05. */
export function healthyOptions(accepted: Tolerance, early: Early = {}): HealthyOptions {
  return {
    tolerance: early.tolerance ?? Math.max(2, accepted.tolerance),
    excess: early.excess ?? accepted.excess,
    designEffect: accepted.designEffect,
    beta: early.beta ?? 0.05,
  };
}

export interface HealthyTest {
  /** Evidence in nats at which the canary is called healthy: ln(1 / beta). */
  readonly limit: number;
  /** Evidence in nats, 0 at the start of a step. */
  evidence(): number;
  /** Starts over, because health at one weight does not prove it for the next. */
  restart(): void;
  /** Adds what the two arms did in one interval. */
  add(canary: Outcome, stable: Outcome): void;
}

/** The rate ratios of a good canary, relative to stable and not to the tolerance: 1 is "as good as stable". */
const ALTERNATIVES = [
  { ratio: 0.5, weight: 0.1 },
  { ratio: 0.75, weight: 0.3 },
  { ratio: 1, weight: 0.6 },
] as const;

/**
 * The inverse of the breach test, to end a step early: an e-process against the null "the canary's bad-request rate is at least
 * tolerance · stable + excess". With a tolerance of 1 and no excess only a canary that is better than stable can ever be called
 * healthy.
 */
export function healthyTest(options: HealthyOptions): HealthyTest {
  const ratios = ALTERNATIVES.map(({ ratio }) => ratio);
  const pairs = pairing();
  let since = likelihoodRatios(ratios, options);
  let evidence = 0;
  return {
    limit: Math.log(1 / probability('beta', options.beta)),
    evidence: () => evidence,
    restart() {
      pairs.forget();
      since = likelihoodRatios(ratios, options);
      evidence = 0;
    },
    add(canary, stable) {
      const pair = pairs.add(canary, stable);
      if (!pair || !since.add(pair.canary, pair.stable)) return;
      evidence = logSumExp(Float64Array.from(ALTERNATIVES, ({ weight }, j) => Math.log(weight) + (since.logs[j] ?? 0)));
    },
  };
}
