import type { Outcome } from '../likelihood.ts';

/** Nats that the tests pay for looking at six rates at once, and from the start as well as anew in each part. */
const MIXTURE = Math.log(8);
/** Standard deviations by which the evidence may fall short of its mean: so much, or less, in nine cases of ten. */
const SHORTFALL = 1.2816;

/** Mean and variance of the evidence in nats that `requests` at the rate `p` give for it against the rate `q`; 0 ≤ p ≤ 1, 0 < q < 1. */
function evidenceOf(requests: number, p: number, q: number): { readonly mean: number; readonly variance: number } {
  const part = (a: number, b: number) => (a === 0 ? 0 : a * Math.log(a / b));
  const mean = requests * (part(p, q) + part(1 - p, 1 - q));
  if (p === 0 || p === 1) return { mean, variance: 0 };
  const perBad = Math.log(p / (1 - p)) - Math.log(q / (1 - q));
  return { mean, variance: requests * p * (1 - p) * perBad ** 2 };
}

/** Whether the test calls a breach in nine cases of ten; `npm run test:real -- gate` prints how often it does. */
function suffices(evidence: readonly ReturnType<typeof evidenceOf>[], { limit, designEffect }: Sought): boolean {
  const mean = evidence.reduce((sum, part) => sum + part.mean, 0) / designEffect;
  // Clumps of m have m times the variance, and the evidence is divided by m.
  const variance = evidence.reduce((sum, part) => sum + part.variance, 0) / designEffect;
  return mean - SHORTFALL * Math.sqrt(variance) >= limit + MIXTURE;
}

interface Sought {
  /** Evidence at which the test calls a breach: ln(1 / alpha). */
  readonly limit: number;
  /** Variance of the number of bad requests over that of independent ones, >= 1. */
  readonly designEffect: number;
}

/** Whether so many requests would have shown a rate of `rate` to be above `limitRate`. */
export function wouldExceed(requests: number, rate: number, limitRate: number, sought: Sought): boolean {
  if (rate <= limitRate) return false;
  // At a limit of 0 the first bad request is a breach: it comes with a probability of 90 % among so many.
  if (limitRate === 0) return requests * -Math.log1p(-Math.min(rate, 1 - 1e-12)) >= Math.log(10);
  return suffices([evidenceOf(requests, rate, limitRate)], sought);
}

/** Whether so many requests would have shown a rate of `rate` to be above that of the reference. */
export function wouldDiffer(requests: number, rate: number, reference: Outcome, sought: Sought): boolean {
  if (requests === 0 || reference.requests === 0) return false;
  // Half an error more than was seen: where none was seen, the true rate is hardly 0.
  const usual = (reference.bad + 0.5) / (reference.requests + 1);
  if (rate <= usual) return false;
  const pooled = (requests * rate + reference.requests * usual) / (requests + reference.requests);
  return suffices([evidenceOf(requests, rate, pooled), evidenceOf(reference.requests, usual, pooled)], sought);
}

/** The smallest rate that `finds` says yes to, to two figures; undefined where that is none up to 1. */
export function smallestRate(finds: (rate: number) => boolean): number | undefined {
  if (!finds(1)) return undefined;
  let [least, most] = [0, 1];
  for (let i = 0; i < 40; i++) {
    const middle = (least + most) / 2;
    if (finds(middle)) most = middle;
    else least = middle;
  }
  return most;
}

/** The smallest number of requests that `finds` says yes to; undefined where a billion are not enough. */
export function leastRequests(finds: (requests: number) => boolean): number | undefined {
  let most = 1;
  while (!finds(most)) {
    most *= 2;
    if (most > 1e9) return undefined;
  }
  let least = most / 2;
  while (most - least > 1) {
    const middle = Math.floor((least + most) / 2);
    if (finds(middle)) most = middle;
    else least = middle;
  }
  return Math.ceil(most);
}

/**
 * The number of requests that it takes to find a rate: above a limit, or, without one, above that of a reference which fails
 * none of as many; undefined where no number does.
 */
export function requestsToFind(rate: number, limit: number | undefined, sought: Sought): number | undefined {
  return leastRequests((requests) =>
    limit === undefined
      ? wouldDiffer(requests, rate, { requests, bad: 0 }, sought)
      : wouldExceed(requests, rate, limit, sought),
  );
}
