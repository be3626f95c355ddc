/** The value, if it is at least `least`. Throws RangeError otherwise, also for NaN. */
export function atLeast(least: number, name: string, value: number): number {
  if (value >= least) return value;
  throw new RangeError(`${name} must be at least ${least} and is ${value}`);
}

/** The value, if it is a probability strictly between 0 and 1. Throws RangeError otherwise, also for NaN. */
export function probability(name: string, value: number): number {
  if (value > 0 && value < 1) return value;
  throw new RangeError(`${name} must lie between 0 and 1 and is ${value}`);
}
