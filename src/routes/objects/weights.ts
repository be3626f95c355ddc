/** How one rule's weights are divided between the arms. */
export interface Split {
  readonly stable: number;
  readonly canary: number;
  /** The factor for every other destination's weight, which keeps their share of the rule; mostly 1. */
  readonly factor: number;
}

/** Weights are rounded to a thousandth of a per cent: no data plane could distinguish finer ones. */
const RESOLUTION = 1_000;

/**
 * Divides the arms' share of a rule so that the canary gets exactly `weight` per cent of it, in whole numbers.
 *
 * The arms' sum stays the same if whole numbers can express the weight. Otherwise all weights of the rule are multiplied by the
 * smallest factor with which they can. If the rule has no other destinations, no share depends on the arms' sum, so the sum
 * becomes 100 (unless it is a multiple of 100 already) and the numbers read as per cent.
 *
 * @param share the arms' weights together, greater than 0
 * @param weight per cent, from 0 to 100
 * @param alone no other destination of the rule gets requests
 */
export function splitShare(share: number, weight: number, alone: boolean): Split {
  const base = alone && share % 100 !== 0 ? 100 : share;
  const wanted = base * Math.round(weight * RESOLUTION);
  const whole = 100 * RESOLUTION;
  const factor = whole / greatestCommonDivisor(wanted, whole);
  const canary = (wanted * factor) / whole;
  return { stable: base * factor - canary, canary, factor };
}

/** The largest factor by which a weight in whole per cent can multiply this share. */
export function largestFactor(share: number): number {
  return 100 / greatestCommonDivisor(share, 100);
}

/** The canary's per cent of the arms' share, at the resolution of weights. */
export function shareOf(stable: number, canary: number): number {
  return Math.round((canary / (stable + canary)) * 100 * RESOLUTION) / RESOLUTION;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
