import * as z from 'zod';
import type { CheckOutcome, GateEvent } from '../gates/events.ts';
import { thinned } from './thin.ts';

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

/** Looks of one check that a report keeps; more of them are thinned out. */
const MOST_LOOKS = 1_000;

/** The report with one more event. */
export function withGateEvent(report: GateReport, event: GateEvent): GateReport {
  switch (event.type) {
    case 'started': {
      const checks = event.checks.map(({ check: name, kind, asked }) => ({ ...newCheck, name, kind, asked }));
      return { ...report, startedAt: event.at, watch: event.watch, checks };
    }
    case 'ready':
      return withCheck(report, event.check, (check) => ({ ...check, evidence: event.evidence }));
    case 'warning':
      return { ...report, warnings: [...report.warnings, { at: event.at, text: event.message }] };
    case 'no-data':
      return withCheck(report, event.check, (check) => ({
        ...check,
        gaps: [...check.gaps, { from: event.since, to: event.at, reason: event.reason }],
      }));
    case 'looked':
      return withCheck(report, event.outcome.check, (check) => withLook(check, event.at, event.outcome));
    case 'ended': {
      const { verdict, warning, reason, lacks, score, checks } = event.outcome;
      const ended = checks.reduce(
        (left, outcome) => withCheck(left, outcome.check, (check) => withOutcome(check, outcome)),
        report,
      );
      return {
        ...ended,
        verdict,
        warning,
        reason,
        ...(lacks && { lacks }),
        ...(score && { score }),
        endedAt: event.at,
      };
    }
    case 'failed': {
      const { about, problem, next } = event.failure;
      return { ...report, reason: `${about}: ${problem}`, next, endedAt: event.at };
    }
  }
}

const newCheck: Omit<ReportedCheck, 'name' | 'kind' | 'asked'> = {
  state: 'undecided',
  sentence: 'nothing was measured yet',
  figures: {},
  looks: [],
  gaps: [],
};

function withCheck(report: GateReport, name: string, change: (check: ReportedCheck) => ReportedCheck): GateReport {
  return { ...report, checks: report.checks.map((check) => (check.name === name ? change(check) : check)) };
}

function withLook(check: ReportedCheck, at: number, outcome: CheckOutcome): ReportedCheck {
  const { state, progress, figures } = outcome;
  const looks = [...check.looks, { at, state, progress, figures }];
  const [last, gap] = [check.looks.at(-1), check.gaps.at(-1)];
  // A gap ends with the first look after it.
  const isOpen = gap !== undefined && (last === undefined || last.at < gap.to);
  const gaps = isOpen ? [...check.gaps.slice(0, -1), { ...gap, to: at }] : check.gaps;
  return {
    ...withOutcome(check, outcome),
    looks: [...thinned(looks, MOST_LOOKS, ({ state }) => state)],
    gaps,
  };
}

function withOutcome(check: ReportedCheck, { state, lacks, sentence, figures }: CheckOutcome): ReportedCheck {
  const { lacks: _, ...rest } = check;
  return { ...rest, state, sentence, figures, ...(lacks && { lacks }) };
}
