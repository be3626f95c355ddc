/** How one rule's weights are divided between the arms. */
export interface Split {
  readonly stable: number;
  readonly canary: number;
  /** What every other destination's weight is multiplied by, so that their share of the rule stays what it was; mostly 1. */
  readonly factor: number;
}

/** Weights are asked to a thousandth of a per cent; finer ones could not be told apart in any data plane. */
const RESOLUTION = 1_000;

/**
 * Divides the arms' share of a rule so that the canary gets exactly `weight` per cent of it, in whole numbers.
 *
 * The arms' sum stays as it is wherever a whole number can express the weight. Otherwise all weights of the rule are
 * multiplied by the smallest factor that makes it one. Where the arms are alone in the rule nobody else's share depends on
 * their sum, so it becomes 100 (unless it is a multiple of 100 already) and the numbers read as per cent.
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

/** The largest number that a whole-per-cent weight can multiply this share by. */
export function largestFactor(share: number): number {
  return 100 / greatestCommonDivisor(share, 100);
}

/** Per cent of the arms' share that is the canary's, at the resolution in which weights are asked. */
export function shareOf(stable: number, canary: number): number {
  return Math.round((canary / (stable + canary)) * 100 * RESOLUTION) / RESOLUTION;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
