import type { Meter } from '../canary/ports.ts';

/** What the report says of a rollout whose requests are not counted. */
const UNCOUNTED = 'nothing: requests are not counted, the pods’ health alone is judged';

/** Milliseconds between two looks, at which there is nothing to read. */
const INTERVAL = 5_000;

/** The meter for a service without metrics: it reads nothing, and never returns a reading. */
export function createNoMeter(): Meter {
  return {
    kind: 'none',
    source: UNCOUNTED,
    permissions: [],
    interval: INTERVAL,
    preflight: async () => ({ traffic: false, requestsPerSecond: undefined, evidence: 'no requests are counted' }),
    read: async () => ({ at: 0, stable: [], canary: [] }),
  };
}
