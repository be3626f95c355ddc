import {
  factors,
  likelihoodRatios,
  logAdd,
  logSumExp,
  type Outcome,
  pairing,
  sum,
  type Tolerance,
} from './likelihood.ts';
import { atLeast, probability } from './ranges.ts';

export interface BreachOptions extends Tolerance {
  /** Probability that a canary within the tolerance is called a breach, over the whole rollout; 0 < alpha < 1. */
  readonly alpha: number;
  /** How many weights of the plan are observed, >= 1. */
  readonly steps: number;
}

/** The test for a breach. It may be evaluated after every interval without losing its error guarantee. */
export interface BreachTest {
  /** Evidence in nats at which a breach is declared: ln(1 / alpha). */
  readonly limit: number;
  /** Evidence in nats, 0 at the start: ln of the e-value. */
  evidence(): number;
  /** The route now has this canary weight in per cent. The same weight again changes nothing. */
  enter(weight: number): void;
  /** Adds the counts of the two arms in one interval, all of it at the weight last entered. */
  add(canary: Outcome, stable: Outcome): void;
}

/** The rate ratios that the test looks for, as multiples of the tolerance, with the weight of each in the mixture. */
const ALTERNATIVES = [
  { ratio: 1.2, weight: 0.1 },
  { ratio: 1.5, weight: 0.15 },
  { ratio: 2, weight: 0.25 },
  { ratio: 4, weight: 0.25 },
  { ratio: 10, weight: 0.15 },
  { ratio: 100, weight: 0.1 },
] as const;

/** The part of the mixture that watches from the rollout's start; the rest is shared by restarts, one a step. */
const FROM_START = 0.5;

/**
 * A sequential test of two binomial arms with no prior knowledge of the stable rate: an e-process, which under the null
 * "the canary's bad-request rate is at most tolerance · stable + excess" reaches 1 / alpha at any time with probability
 * at most alpha (Ville's inequality; Ramdas, Grünwald, Vovk, Shafer, "Game-theoretic statistics and safe anytime-valid
 * inference", 2023). The e-value is a mean of e-values: over ALTERNATIVES, and over the time from which the fault exists (the
 * rollout's start, or any step, so that a fault that appears only under load is found as fast as an early one). A step not yet
 * begun counts with the e-value 1.
 *
 * All copies add the same intervals, so a copy that began later is the first one divided by its value at that moment: one
 * number per alternative (`origins`) holds them all, and an interval costs the same in the first step and the tenth.
 *
 * At weight 100 no stable arm is left; see `againstBaseline`. Weight 0 is no step: it only tells the stable rate.
 */
export function breachTest(options: BreachOptions): BreachTest {
  const { tolerance } = options;
  const alpha = probability('alpha', options.alpha);
  const steps = atLeast(1, 'steps', options.steps);
  const ratios = ALTERNATIVES.map(({ ratio }) => ratio * tolerance);
  const sinceStart = likelihoodRatios(ratios, options);
  const origins = Float64Array.from(ALTERNATIVES, ({ weight }) => Math.log(FROM_START * weight));
  const restartShare = (1 - FROM_START) / steps;
  const pairs = pairing();
  const terms = new Float64Array(ALTERNATIVES.length + 2);
  let begun = 0;
  let weight: number | undefined;
  let stableHere: Outcome = { requests: 0, bad: 0 };
  let stableBefore: Outcome = stableHere;
  let last: Baseline | undefined;
  let evidence = 0;

  const weigh = () => {
    for (let j = 0; j < ALTERNATIVES.length; j++) terms[j] = (origins[j] ?? 0) + (sinceStart.logs[j] ?? 0);
    terms[ALTERNATIVES.length] = Math.log(restartShare * (steps - begun));
    terms[ALTERNATIVES.length + 1] = last ? Math.log(restartShare) + last.evidence() : Number.NEGATIVE_INFINITY;
    evidence = logSumExp(terms);
  };

  return {
    limit: Math.log(1 / alpha),
    evidence: () => evidence,

    enter(next) {
      if (next === weight) return;
      weight = next;
      pairs.forget();
      if (stableHere.requests > 0) stableBefore = stableHere;
      stableHere = { requests: 0, bad: 0 };
      if (weight === 0 || begun === steps) return;
      begun += 1;
      if (weight === 100) {
        last = againstBaseline(stableBefore, ratios, options);
      } else {
        for (const [j, alternative] of ALTERNATIVES.entries()) {
          const restart = Math.log(restartShare * alternative.weight) - (sinceStart.logs[j] ?? 0);
          origins[j] = logAdd(origins[j] ?? 0, restart);
        }
      }
      weigh();
    },

    add(canary, stable) {
      if (weight === 100) {
        if (last?.add(canary)) weigh();
        return;
      }
      stableHere = sum(stableHere, stable);
      const pair = pairs.add(canary, stable);
      if (pair && sinceStart.add(pair.canary, pair.stable)) weigh();
    },
  };
}

interface Baseline {
  evidence(): number;
  /** False if nothing changed. */
  add(canary: Outcome): boolean;
}

/** Canary requests per stable request of the previous step, up to which a component of `againstBaseline` looks: 1/4096 to 32. */
const HORIZONS = Array.from({ length: 18 }, (_, i) => 2 ** (i - 12));

/**
 * Compares the canary alone with the stable arm of the previous step, without knowing the stable rate: its uncertainty is
 * accounted for because the stable count is part of the e-value itself.
 *
 * For a horizon r fixed in advance let N = r · n_b, and take the factors A (canary) and B (stable) at the share
 * r / (1 + r), where N · tolerance · (A − 1) = n_b · (1 − B). With a stable rate p that stayed as it was, and n canary
 * requests so far,
 *   M_n = A^x_c · B^x_b · exp(−n · excess · (A − 1)) <= M_n · exp(p · tolerance · (A − 1) · (N − n))   for n <= N.
 * The right side is a supermartingale in n, and its expectation at n = 0 is at most
 * exp(−p · n_b · (1 − B) + p · N · tolerance · (A − 1)) = 1. So M_n, stopped at N, is an e-process, also when n_b was itself
 * decided by looking at the data. The mean over HORIZONS and alternatives is one again; beyond its horizon a component
 * keeps its value. (Derived here; the inequality per request is that of `factors`.)
 */
function againstBaseline(stable: Outcome, ratios: readonly number[], accepted: Tolerance): Baseline {
  const { tolerance, excess, designEffect } = accepted;
  const components = HORIZONS.flatMap((horizon) =>
    ratios.map((ratio, j) => {
      const factor = factors(ratio, tolerance, horizon / (1 + horizon));
      return {
        until: horizon * stable.requests,
        perBad: Math.log(factor.canary) / designEffect,
        perRequest: (excess * (factor.canary - 1)) / designEffect,
        atStart:
          Math.log((ALTERNATIVES[j]?.weight ?? 0) / HORIZONS.length) +
          (stable.bad * Math.log(factor.stable)) / designEffect,
      };
    }),
  );
  const logs = Float64Array.from(components, ({ atStart }) => atStart);
  let requests = 0;
  return {
    evidence: () => logSumExp(logs),
    add(canary) {
      requests += canary.requests;
      for (const [i, component] of components.entries()) {
        if (requests > component.until) continue;
        logs[i] = (logs[i] ?? 0) + canary.bad * component.perBad - canary.requests * component.perRequest;
      }
      return canary.bad > 0 || excess > 0;
    },
  };
}
