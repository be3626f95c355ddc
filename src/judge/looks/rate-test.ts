import { logAdd, logSumExp, type Outcome } from '../likelihood.ts';
import { atLeast, probability } from '../ranges.ts';

export interface RateTestOptions {
  /** The highest accepted rate of bad requests, a fraction below 1. */
  readonly limit: number;
  /** Probability of calling a rate within the limit a breach, over all looks; 0 < alpha < 1. */
  readonly alpha: number;
  /** Parts of the time that is watched, in each of which a fault may begin, >= 1. */
  readonly parts: number;
  /** Variance of the number of bad requests over that of independent ones, >= 1. */
  readonly designEffect: number;
}

/** The test of one rate against a fixed limit. It may be looked at after every interval without losing its error guarantee. */
export interface RateTest {
  /** Evidence in nats that is a breach: ln(1 / alpha). */
  readonly limit: number;
  /** Evidence in nats, 0 at the start: ln of the e-value. */
  evidence(): number;
  /** The next part of the time begins. */
  next(): void;
  add(outcome: Outcome): void;
}

/** The odds ratios that the test looks for, and how much it expects each, as the test that compares two arms does. */
const ALTERNATIVES = [
  { odds: 1.2, weight: 0.1 },
  { odds: 1.5, weight: 0.15 },
  { odds: 2, weight: 0.25 },
  { odds: 4, weight: 0.25 },
  { odds: 10, weight: 0.15 },
  { odds: 100, weight: 0.1 },
] as const;

/** Share of the mixture that watches from the start; the rest is shared by restarts, one a part. */
const FROM_START = 0.5;

/**
 * An e-process against the null "the rate of bad requests is at most `limit`": a mixture of likelihood ratios of
 * Bernoulli(q) over Bernoulli(limit) for rates q above the limit. For q > limit the factor of one request,
 *   p q/limit + (1 − p) (1 − q)/(1 − limit),
 * rises with the true rate p and is 1 at p = limit, so its mean is at most 1 for every p within the limit, also where p changes
 * with time; Ville's inequality bounds the probability of ever reaching 1/alpha by alpha (Ramdas, Grünwald, Vovk, Shafer,
 * "Game-theoretic statistics and safe anytime-valid inference", 2023). Half of the mixture starts with the first request, the
 * rest with each part, so that a fault that begins late is found as fast as one present from the start. With a limit of 0 the first
 * bad request is a breach.
 */
export function rateTest(options: RateTestOptions): RateTest {
  const { limit } = options;
  const alpha = probability('alpha', options.alpha);
  const parts = atLeast(1, 'parts', options.parts);
  const designEffect = atLeast(1, 'designEffect', options.designEffect);
  if (!(limit >= 0 && limit < 1)) throw new RangeError(`limit must be at least 0 and below 1, not ${limit}`);
  const gains = ALTERNATIVES.map(({ odds }) => {
    const rate = (limit * odds) / (1 - limit + limit * odds);
    return { bad: Math.log(rate / limit), good: Math.log((1 - rate) / (1 - limit)) };
  });
  const sinceStart = new Float64Array(ALTERNATIVES.length);
  const origins = Float64Array.from(ALTERNATIVES, ({ weight }) => Math.log(FROM_START * weight));
  const restartShare = (1 - FROM_START) / parts;
  const terms = new Float64Array(ALTERNATIVES.length + 1);
  let begun = 0;
  let evidence = 0;

  function weigh(): void {
    for (let j = 0; j < ALTERNATIVES.length; j++) terms[j] = (origins[j] ?? 0) + (sinceStart[j] ?? 0);
    terms[ALTERNATIVES.length] = Math.log(restartShare * (parts - begun));
    evidence = logSumExp(terms);
  }

  function next(): void {
    if (begun >= parts) return;
    begun += 1;
    for (const [j, { weight }] of ALTERNATIVES.entries())
      origins[j] = logAdd(origins[j] ?? 0, Math.log(restartShare * weight) - (sinceStart[j] ?? 0));
    weigh();
  }

  next();
  return {
    limit: Math.log(1 / alpha),
    evidence: () => evidence,
    next,
    add({ requests, bad }) {
      if (limit === 0) {
        if (bad > 0) evidence = Number.POSITIVE_INFINITY;
        return;
      }
      for (const [j, gain] of gains.entries())
        sinceStart[j] = (sinceStart[j] ?? 0) + (bad * gain.bad + (requests - bad) * gain.good) / designEffect;
      weigh();
    },
  };
}
