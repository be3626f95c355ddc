import type { Outcome } from './likelihood.ts';

/** The quantile of the normal distribution for 95 %. */
const Z = 1.959964;

/**
 * The range in which the true rate lies in 95 of 100 cases, as fractions: the score interval of E. B. Wilson, "Probable
 * inference, the law of succession, and statistical inference", Journal of the American Statistical Association 22 (1927).
 * Requests count as independent. It shows how sure a rate is, and is no test: no check decides by it.
 *
 * @returns undefined where there were no requests
 */
export function wilson({ requests, bad }: Outcome): { readonly low: number; readonly high: number } | undefined {
  if (requests === 0) return undefined;
  const rate = bad / requests;
  const spread = (Z * Z) / requests;
  const middle = (rate + spread / 2) / (1 + spread);
  const half = Math.sqrt(spread * (rate * (1 - rate) + spread / 4)) / (1 + spread);
  // At its ends, the interval is exact, despite the rounding of the root.
  return { low: bad === 0 ? 0 : Math.max(0, middle - half), high: bad === requests ? 1 : Math.min(1, middle + half) };
}
