/**
 * Requests of one arm within one interval. Whole numbers >= 0; `errors` is at most `requests`, `unanswered` at most `errors`,
 * `within` rises with its bound.
 */
export interface Counts {
  readonly requests: number;
  readonly errors: number;
  /** Errors without an answer; 0 if absent. */
  readonly unanswered?: number;
  /** Cumulative histogram differences: bound in seconds → requests at or under it. Empty without latency data. */
  readonly within: ReadonlyMap<number, number>;
}

/** Requests of one arm, and how many of them failed. Whole numbers, `errors` at most `requests`. */
export interface Tally {
  readonly requests: number;
  readonly errors: number;
}

/** Both arms' requests over the same time. */
export interface Tallies {
  readonly stable: Tally;
  readonly canary: Tally;
}

/** The difference of two samples. Times are milliseconds since the epoch. */
export interface Interval {
  readonly from: number;
  readonly to: number;
  /** Canary weight in per cent during the measurement: the stratum. */
  readonly weight: number;
  readonly stable: Counts;
  readonly canary: Counts;
}

/** The finding of a check, with its reason. */
export interface Opinion {
  /** The check: `error-rate`, `latency-300ms`, a threshold's name. */
  readonly check: string;
  readonly state: 'breach' | 'healthy' | 'unknown';
  /** Missing data that the check needs: a step never ends well on missing data. Absent while data arrives. */
  readonly missing?: string;
  /** The consequence of a breach of this check. */
  readonly onBreach: OnBreach;
  /** From 0 (no evidence) to 1 (breach), for the bar in the log. */
  readonly progress: number;
  /** `20 of 412 canary requests failed (4.9 %), 9.7 times the rate of stable (0.5 % of 7,830); luck does this in less than 1 of 180 rollouts` */
  readonly sentence: string;
  /** The measured figures behind the sentence, for the report: rates are fractions, evidence is in nats. */
  readonly figures: Readonly<Record<string, number>>;
}

export type OnBreach = 'rollback' | 'freeze' | 'warn';
