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

/** The ordered steps of a rollout: weights rise strictly and end at 100. */
export interface Plan {
  readonly steps: readonly Step[];
}
