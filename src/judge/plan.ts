/** One step of a plan. Times are milliseconds. */
export interface Step {
  /** Per cent of requests routed to the canary, 0 < weight <= 100. */
  readonly weight: number;
  /** Observe at least this long before anything but a breach may end the step. */
  readonly least: number;
  /** Observe at most this long; with enough data, the step is over then. */
  readonly most: number;
  /** The step may end between `least` and `most` as soon as the judge is sure that the canary is healthy. */
  readonly early: boolean;
  /** After its time the step waits for a person's approval. */
  readonly hold: boolean;
}

/**
 * The ordered steps of a rollout: weights rise strictly and end at 100. The first observed step is below 100, where both
 * versions get requests.
 *
 * As a line (`plan-syntax.ts` reads and prints it), steps are separated by commas:
 *
 *     5 for 2m            observe at 5 % for two minutes
 *     25 for 2m to 10m    at least two minutes; then until the judge is sure that the canary is healthy, at most ten
 *     25 for 10m early    short for `25 for 0s to 10m`
 *     50 for 5m then hold after its time, wait for a person's approval
 *     50 hold             wait for approval only, judging all the while
 *     100                 the last step; it needs no time
 *
 * A breach ends any step at once. Times are numbers with `h`, `m`, `s` or `ms`: `1h30m`, `90s`, `0.5h`.
 */
export interface Plan {
  readonly steps: readonly Step[];
}

/** Milliseconds of a plan in which no step ends early, without waiting for approvals and pods. */
export function longestTime({ steps }: Plan): number {
  return steps.reduce((sum, { most }) => sum + most, 0);
}
