import type { Outcome } from './likelihood.ts';

/**
 * The probability of at most so many successes in independent trials: the exact one-sided binomial test.
 *
 * @param chance of a success, from 0 to 1
 */
export function binomialAtMost(successes: number, trials: number, chance: number): number {
  if (successes >= trials || chance <= 0) return 1;
  if (chance >= 1) return 0;
  const [hit, miss] = [Math.log(chance), Math.log1p(-chance)];
  let total = 0;
  for (let k = successes; k >= 0; k -= 1) {
    const term = Math.exp(lnChoose(trials, k) + k * hit + (trials - k) * miss);
    total += term;
    if (isNegligible(term, total)) break;
  }
  return Math.min(1, total);
}

/**
 * The probability that chance alone gives the first group so many of all bad ones, or more: Fisher's exact test, one-sided. It
 * holds for any common rate. (R. A. Fisher, "The logic of inductive inference", 1935.)
 */
export function badAtLeast(first: Outcome, second: Outcome): number {
  const requests = first.requests + second.requests;
  const bad = first.bad + second.bad;
  const all = lnChoose(requests, bad);
  let total = 0;
  for (let k = first.bad; k <= Math.min(bad, first.requests); k += 1) {
    const term = Math.exp(lnChoose(first.requests, k) + lnChoose(second.requests, bad - k) - all);
    total += term;
    if (k > (bad * first.requests) / requests && isNegligible(term, total)) break;
  }
  return Math.min(1, total);
}

/** Terms fall faster than geometrically from the mode on. */
function isNegligible(term: number, total: number): boolean {
  return term < total * 1e-15 && total > 0;
}

function lnChoose(n: number, k: number): number {
  return k < 0 || k > n ? Number.NEGATIVE_INFINITY : lnFactorial(n) - lnFactorial(k) - lnFactorial(n - k);
}

const SMALL = [0, 0];
for (let n = 2; n <= 170; n += 1) SMALL.push((SMALL[n - 1] ?? 0) + Math.log(n));

/** Stirling's series from 170 on, where it is exact to the last figures. */
function lnFactorial(n: number): number {
  const known = SMALL[n];
  if (known !== undefined) return known;
  return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + 1 / (12 * n) - 1 / (360 * n ** 3);
}
