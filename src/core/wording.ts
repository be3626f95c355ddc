/** `4.8 %`, `0.013 %`, `100 %` for a rate as a fraction: two significant figures, three from 10 % on. */
export function percent(rate: number): string {
  const value = rate * 100;
  return `${Number(value.toPrecision(value < 9.95 ? 2 : 3))} %`;
}

/** Made once: `toLocaleString` makes a format at each call, which takes a hundred times as long as its use. */
let wholeNumbers: Intl.NumberFormat | undefined;
let fourFigures: Intl.NumberFormat | undefined;

/** `7,830` */
export function count(value: number): string {
  wholeNumbers ??= new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
  return wholeNumbers.format(value);
}

/** `0.42`, `1,204`: a measured value to four significant figures. */
export function figure(value: number): string {
  fourFigures ??= new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });
  return fourFigures.format(value);
}

/** `300ms`, `2.5s` for a duration in seconds. */
export function duration(seconds: number): string {
  return seconds < 1 ? `${figure(seconds * 1000)}ms` : `${figure(seconds)}s`;
}

/**
 * How often chance alone yields this much evidence: while the canary is as good as accepted, an e-value reaches E at any time
 * of a rollout with a probability of at most 1 / E (Ville's inequality).
 *
 * @param evidence ln E
 * @param limit    ln E that is a breach
 */
export function luckOf(evidence: number, limit: number): string {
  const rollouts = (nats: number) => count(roundedDown(Math.exp(nats)));
  if (evidence >= limit) return `luck does this in less than 1 of ${rollouts(Math.min(evidence, MOST))} rollouts`;
  if (evidence < Math.log(2)) return 'no more than luck explains';
  return `luck does this in 1 of ${rollouts(evidence)} rollouts, and a breach takes 1 of ${rollouts(limit)}`;
}

/** ln of a million: no smaller probability is shown. */
const MOST = Math.log(1e6);

/** Rounds down to two significant figures. A limit such as ln 100 gives 100, despite the rounding of its logarithm. */
function roundedDown(value: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(value * (1 + 1e-9))) - 1);
  return Math.floor(value / unit + 1e-6) * unit;
}
