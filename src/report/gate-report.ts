import * as z from 'zod';

const lacks = z.enum(['data', 'traffic', 'certainty']);

const checkState = z.enum(['passed', 'warning', 'failed', 'undecided']);

/** One check in the report. Times are milliseconds since the epoch, rates fractions, evidence in nats. */
const reportedCheck = z.object({
  name: z.string(),
  kind: z.string(),
  /** What is asked, and of whom. */
  asked: z.string(),
  /** How it was shown that the question means something; absent where it was not. */
  evidence: z.string().optional(),
  state: checkState,
  lacks: lacks.optional(),
  sentence: z.string(),
  figures: z.record(z.string(), z.number()),
  /** Each look that brought something new, the newest last. */
  looks: z.array(
    z.object({ at: z.number(), state: checkState, progress: z.number(), figures: z.record(z.string(), z.number()) }),
  ),
  /** Times without data. */
  gaps: z.array(z.object({ from: z.number(), to: z.number(), reason: z.string() })),
});

/** The JSON report of a gate. */
export const gateReportSchema = z.object({
  schema: z.literal(1),
  kind: z.literal('gate'),
  by: z.string(),
  startedAt: z.number(),
  endedAt: z.number().optional(),
  /** Milliseconds; 0 for one look. */
  watch: z.number(),
  /** Absent where it failed before it could tell. */
  verdict: z.enum(['passed', 'failed', 'undecided']).optional(),
  warning: z.boolean(),
  reason: z.string(),
  /** What a person can do about a failure. */
  next: z.string().optional(),
  lacks: lacks.optional(),
  /** Per cent, at least and at most. */
  score: z.object({ least: z.number(), most: z.number() }).optional(),
  checks: z.array(reportedCheck),
  warnings: z.array(z.object({ at: z.number(), text: z.string() })),
});
export type GateReport = z.infer<typeof gateReportSchema>;
export type ReportedCheck = GateReport['checks'][number];
