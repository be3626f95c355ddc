import type { RequestInfo } from './request-info.ts';

/** Something that goes wrong with requests for as long as it is injected. */
export interface Fault {
  /** The requests that it hits; all when absent. `info` is undefined for paths such as `/version`. */
  readonly match?: (info: RequestInfo | undefined) => boolean;
  /** Milliseconds before anything else happens. */
  readonly delay?: number;
  /** The connection is closed without an answer. */
  readonly drop?: boolean;
  /** This status is answered, and nothing is done. */
  readonly status?: 429 | 500 | 503 | 504;
  /** Seconds in the `Retry-After` header of that answer. */
  readonly retryAfter?: number;
  /** Hits so many requests, then is over. */
  readonly times?: number;
}

export function createFaults() {
  const injected = new Set<{ fault: Fault; left: number }>();

  return {
    /** Begins a fault. @returns what ends it. */
    inject(fault: Fault): () => void {
      const entry = { fault, left: fault.times ?? Number.POSITIVE_INFINITY };
      injected.add(entry);
      return () => injected.delete(entry);
    },

    clear: () => injected.clear(),

    /** The faults that hit this request, each counted. */
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
