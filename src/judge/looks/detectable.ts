import type { Outcome } from '../likelihood.ts';

/**
 * The evidence in nats that the tests need on average is larger than their limit, as they look for several rates at once and
 * pay for each. With this factor a fault that counts as detectable is found in nine cases of ten (`npm run test:real -- gate`
 * prints the power).
 */
const MARGIN = 2;

/** Kullback-Leibler divergence of Bernoulli(p) from Bernoulli(q), in nats; 0 ≤ p ≤ 1, 0 < q < 1. */
function divergence(p: number, q: number): number {
  const part = (a: number, b: number) => (a === 0 ? 0 : a * Math.log(a / b));
  return part(p, q) + part(1 - p, 1 - q);
}

interface Sought {
  /** Evidence at which the test calls a breach: ln(1 / alpha). */
  readonly limit: number;
  /** Variance of the number of bad requests over that of independent ones, >= 1. */
  readonly designEffect: number;
}

/** Whether so many requests would have shown a rate of `rate` to be above `limitRate`. */
export function wouldExceed(
  requests: number,
  rate: number,
  limitRate: number,
  { limit, designEffect }: Sought,
): boolean {
  if (rate <= limitRate) return false;
  // At a limit of 0 the first bad request is a breach: it comes with a probability of 90 % among so many.
  if (limitRate === 0) return requests * -Math.log1p(-Math.min(rate, 1 - 1e-12)) >= Math.log(10);
  return (requests * divergence(rate, limitRate)) / designEffect >= MARGIN * limit;
}

/** Whether so many requests would have shown a rate of `rate` to be above that of the reference. */
export function wouldDiffer(
  requests: number,
  rate: number,
  reference: Outcome,
  { limit, designEffect }: Sought,
): boolean {
  if (requests === 0 || reference.requests === 0) return false;
  // Half an error more than was seen: where none was seen, the true rate is hardly 0.
  const usual = (reference.bad + 0.5) / (reference.requests + 1);
  if (rate <= usual) return false;
  const pooled = (requests * rate + reference.requests * usual) / (requests + reference.requests);
  const evidence = requests * divergence(rate, pooled) + reference.requests * divergence(usual, pooled);
  return evidence / designEffect >= MARGIN * limit;
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
