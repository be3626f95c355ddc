export type Arm = 'stable' | 'canary';

/** One cumulative counter of one process at one instant, as the source reports it. */
export interface Counter {
  /**
   * What is counted. `errors` are requests that ended badly, `unanswered` those of them that got no answer. A `bucket` counts
   * requests that took at most `le` seconds.
   */
  readonly kind: 'requests' | 'errors' | 'unanswered' | 'bucket';
  /** Upper bound of a `bucket` in seconds; Infinity for the last one. */
  readonly le?: number;
  /** The process that counts, which resets all its counters together: a pod's name or UID, a gateway's pod. */
  readonly instance: string;
  /** Identity of the series within the instance: its labels, in a fixed order. */
  readonly series: string;
  readonly value: number;
  /** When the source measured it: the scrape's own time and not that of the query. */
  readonly at: number;
  /** When the process began to count, where known. */
  readonly startedAt?: number;
  /** When it was running at the latest, of a process whose counters are shown late. */
  readonly runningSince?: number;
}

/** The answer to one look at the metrics. */
export interface Reading {
  /** The newest measurement in it. A reading whose `at` did not move is no new reading. */
  readonly at: number;
  readonly stable: readonly Counter[];
  readonly canary: readonly Counter[];
  /**
   * Requests since the first look that may be none of a user's, at most: Sluice's own looks, scrapes, probes. Absent where
   * there are none among the counted ones.
   */
  readonly own?: Readonly<Record<Arm, number>>;
  /** What this look could not see, one sentence each: a pod that did not answer, a store that Prometheus missed. */
  readonly warnings?: readonly string[];
  /**
   * True where the source says that data are missing from its answer: nothing is counted by it, not even a beginning, as what
   * is missing may be the errors. Counters do not forget, so the next whole reading makes up for it.
   */
  readonly partial?: boolean;
  /**
   * When the sources of an arm's counters are due to be measured, the next times in their order; none for an arm that was
   * never measured. Absent where a look measures by itself, or where the pace is not known.
   */
  readonly due?: Readonly<Record<Arm, readonly number[]>>;
}

/** A PromQL answer: a finite number, or why there is none. Never NaN, never an empty success. */
export type Gauge = { readonly value: number; readonly at: number } | { readonly missing: string };
