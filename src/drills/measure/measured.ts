/** Milliseconds of answers of one time. Undefined where nothing was answered one by one. */
export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** What users felt of one fault. Times in milliseconds, shares from 0 to 1. */
export interface Measured {
  /** Requests from the injection to the end of what was watched, and those of them that failed: the requests that were lost. */
  readonly requests: number;
  readonly lost: number;
  /** Share of good ones from the injection to the end of what was watched. */
  readonly success: number;
  /** The lowest share of good ones in any time that is long enough to tell. */
  readonly lowestSuccess: number;
  /** How long the share was below the target, in all. */
  readonly belowTarget: number;
  /**
   * From the injection, or from the removal, to the last moment below the target. 0 where it never was below. Undefined where it did not
   * stay above it long enough at the end.
   */
  readonly recovery: { readonly fromInjection: number; readonly fromRemoval: number } | undefined;
  readonly latency: {
    readonly before: Latency | undefined;
    readonly during: Latency | undefined;
    readonly after: Latency | undefined;
  };
  /** The reasons of failed requests with their numbers, the most frequent first. */
  readonly faults: readonly { readonly fault: string; readonly count: number }[];
  /** Times in which nothing was known. */
  readonly gaps: readonly { readonly from: number; readonly to: number; readonly reason: string }[];
}
