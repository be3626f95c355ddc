import type { Report } from './canary-report-schema.ts';

/** Stands apart from the schema, which takes time to make and is needed at the end of a run alone. */
export const emptyReport: Report = {
  schema: 1,
  steps: [],
  weights: [],
  points: [],
  gaps: [],
  checks: [],
  total: { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 } },
  opinions: [],
  notes: [],
  writes: [],
};
