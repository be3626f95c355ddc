export type Arm = 'stable' | 'canary';

/** One cumulative counter of one process at one instant, as the source reports it. */
export interface Counter {
  /**
   * What is counted. `errors` are requests that ended badly, `unanswered` those of them without an answer. A `bucket` counts
   * requests that took at most `le` seconds.
   */
  readonly kind: 'requests' | 'errors' | 'unanswered' | 'bucket';
  /** Upper bound of a `bucket` in seconds; Infinity for the last one. */
  readonly le?: number;
  /** The counting process, which resets all its counters together: a pod's name or UID, a gateway's pod. */
  readonly instance: string;
  /** Identity of the series within the instance: its labels, in a fixed order. */
  readonly series: string;
  readonly value: number;
  /** The time of the measurement: that of the scrape, not of the query. */
  readonly at: number;
  /** When the process began to count, if known. */
  readonly startedAt?: number;
  /** For a process whose counters appear late: the latest time at which it was certainly running. */
  readonly runningSince?: number;
}

/** The answer to one look at the metrics. */
export interface Reading {
  /** The newest measurement in it. A reading with the same `at` as before is not new. */
  readonly at: number;
  readonly stable: readonly Counter[];
  readonly canary: readonly Counter[];
  /**
   * The most requests since the first look that may not come from users: Sluice's own looks, scrapes, probes. Absent if the
   * counted requests include none.
   */
  readonly own?: Readonly<Record<Arm, number>>;
  /** What this look could not read, one sentence each: a pod that did not answer, a store that Prometheus missed. */
  readonly warnings?: readonly string[];
  /**
   * True if the source says that data are missing from its answer. The reading is then not used, not even as the baseline, as
   * the missing data may be the errors. Counters are cumulative, so the next complete reading makes up for it.
   */
  readonly partial?: boolean;
  /**
   * The next times at which the sources of an arm's counters are measured, in order; empty for an arm that was never measured.
   * Absent if a look itself measures, or if the interval is not known.
   */
  readonly due?: Readonly<Record<Arm, readonly number[]>>;
}

/** A PromQL answer: a finite number, or the reason why there is none. Never NaN, never an empty success. */
export type Gauge = { readonly value: number; readonly at: number } | { readonly missing: string };
