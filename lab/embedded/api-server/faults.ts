import type { RequestInfo } from './request-info.ts';

/** A fault in requests, as long as it is injected. */
export interface Fault {
  /** The requests that it affects; all if absent. `info` is undefined for paths such as `/version`. */
  readonly match?: (info: RequestInfo | undefined) => boolean;
  /** Milliseconds of delay before anything else. */
  readonly delay?: number;
  /** Closes the connection without an answer. */
  readonly drop?: boolean;
  /** Answers with this status, and does nothing. */
  readonly status?: 429 | 500 | 503 | 504;
  /** Seconds in the `Retry-After` header of that answer. */
  readonly retryAfter?: number;
  /** Ends after this many requests. */
  readonly times?: number;
}

export function createFaults() {
  const injected = new Set<{ fault: Fault; left: number }>();

  return {
    /** Starts a fault. @returns a function that ends it. */
    inject(fault: Fault): () => void {
      const entry = { fault, left: fault.times ?? Number.POSITIVE_INFINITY };
      injected.add(entry);
      return () => injected.delete(entry);
    },

    clear: () => injected.clear(),

    /** The faults that affect this request; counts them. */
    hitting(info: RequestInfo | undefined): Fault[] {
      const hits = [...injected].filter(({ fault }) => fault.match?.(info) ?? true);
      for (const entry of hits) {
        entry.left -= 1;
        if (entry.left <= 0) injected.delete(entry);
      }
      return hits.map(({ fault }) => fault);
    },
  };
}
