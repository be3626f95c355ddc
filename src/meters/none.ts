import type { Meter } from '../canary/ports.ts';

/** What the report says of a rollout whose requests nobody counts. */
const UNCOUNTED = 'nothing: requests are not counted, the pods’ health alone is judged';

/** Milliseconds between two looks: there is nothing to be seen by them. */
const INTERVAL = 5_000;

/** Stands for a service without metrics: nothing is read, and no reading is ever taken for one. */
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
