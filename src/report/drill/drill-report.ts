import * as z from 'zod';
import { drillVerdicts } from '../../drills/events.ts';
import { gateReportSchema } from '../gate-report.ts';
import { requestsSchema } from './drill-requests.ts';

const gap = z.object({ from: z.number(), to: z.number(), reason: z.string() });

const latency = z.object({ p50: z.number(), p95: z.number(), p99: z.number() });

/** What users felt of one fault. Times in milliseconds, shares from 0 to 1. */
const measured = z.object({
  requests: z.number(),
  lost: z.number(),
  success: z.number(),
  lowestSuccess: z.number(),
  belowTarget: z.number(),
  /** Absent where the service was not seen to recover. */
  recovery: z.object({ fromInjection: z.number(), fromRemoval: z.number() }).optional(),
  lastBelow: z.number().optional(),
  latency: z.object({ before: latency.optional(), during: latency.optional(), after: latency.optional() }),
  faults: z.array(z.object({ fault: z.string(), count: z.number() })).readonly(),
  gaps: z.array(gap).readonly(),
});

const aim = z.object({
  pods: z.array(z.object({ namespace: z.string(), name: z.string(), uid: z.string(), node: z.string() })).readonly(),
  candidates: z.number(),
  /** Pods that share the node of one that was chosen. Absent for none. */
  beside: z.number().optional(),
  writes: z.array(z.string()).readonly(),
  warnings: z.array(z.string()).readonly(),
});

const target = z.object({ target: z.string(), state: z.enum(['passed', 'failed', 'missing']), sentence: z.string() });

/** One fault of a drill. Instants are milliseconds since the epoch; what did not happen is absent. */
const reportedFault = z.object({
  text: z.string(),
  kind: z.string(),
  /** Milliseconds; 0 for what happens at once. */
  lasts: z.number(),
  endedBy: z.enum(['cluster', 'sluice']),
  /** What it hits, or would hit. */
  aim: aim.optional(),
  /** When the injection began. A fault with this and without `injectedAt` may have been injected in part. */
  injectingAt: z.number().optional(),
  injectedAt: z.number().optional(),
  feltAt: z.number().optional(),
  removedAt: z.number().optional(),
  effect: z.object({ felt: z.enum(['felt', 'not-felt', 'unknown']), evidence: z.string() }).optional(),
  /** Absent where there were no requests to measure by, or where it did not come so far. */
  measured: measured.optional(),
  targets: z.array(target).readonly(),
  /** The stop condition was met. */
  stopped: z.object({ at: z.number(), reason: z.string() }).optional(),
  notRemoved: z.string().optional(),
});

const change = z.object({
  fault: z.string(),
  figure: z.string(),
  state: z.enum(['worse', 'better', 'same', 'unknown']),
  sentence: z.string(),
});

/** The JSON report of a drill. Instants are milliseconds since the epoch. */
export const drillReportSchema = z.object({
  schema: z.literal(1),
  kind: z.literal('drill'),
  service: z.string(),
  /** Of the drill: a service can have several. */
  name: z.string(),
  by: z.string(),
  startedAt: z.number(),
  endedAt: z.number().optional(),
  dryRun: z.boolean(),
  /** Absent after a dry run, and where it failed before it could tell. */
  verdict: z.enum(drillVerdicts).optional(),
  reason: z.string(),
  /** What a person can do now. */
  next: z.string().optional(),
  faults: z.array(reportedFault),
  /** As the inputs say them. */
  targets: z.array(z.string()).readonly(),
  /** Share of good requests below which users count as hurt. Absent before the beginning. */
  successTarget: z.number().optional(),
  /** The checks, as a gate reports them. Absent where they were not looked at. */
  steady: z.object({ before: gateReportSchema.optional(), after: gateReportSchema.optional() }),
  requests: requestsSchema,
  moments: z.array(
    z.object({
      at: z.number(),
      kind: z.string(),
      state: z.string(),
      about: z.string().optional(),
      text: z.string(),
    }),
  ),
  /** Against earlier runs. Absent where it was not compared. */
  comparison: z.object({ earlier: z.number(), changes: z.array(change).readonly() }).optional(),
  /** Path of the file with the history. */
  history: z.string().optional(),
  /** Per cent of the targets that were met. */
  score: z.number().optional(),
  advice: z.array(z.string()).readonly(),
  /** What could not be removed, and how to do so by hand. */
  left: z.array(z.string()).readonly(),
  warnings: z.array(z.object({ at: z.number(), text: z.string() })),
  /** What happened when, in the words of the log. */
  notes: z.array(z.object({ at: z.number(), level: z.enum(['info', 'good', 'warning', 'error']), text: z.string() })),
});
export type DrillReport = z.infer<typeof drillReportSchema>;
export type ReportedFault = DrillReport['faults'][number];

/** The report before anything has happened. */
export function newDrillReport(
  about: Pick<DrillReport, 'service' | 'name' | 'by' | 'startedAt' | 'dryRun'>,
): DrillReport {
  return {
    schema: 1,
    kind: 'drill',
    ...about,
    reason: 'nothing was injected',
    faults: [],
    targets: [],
    steady: {},
    requests: { slices: [], gaps: [] },
    moments: [],
    advice: [],
    left: [],
    warnings: [],
    notes: [],
  };
}

/** How a fault was felt over all of a drill: the least that is proven. Undefined where none was injected. */
export function feltOf({ faults }: Pick<DrillReport, 'faults'>): 'felt' | 'not-felt' | 'unknown' | undefined {
  const felt = faults.filter(({ injectedAt }) => injectedAt !== undefined).map(({ effect }) => effect?.felt);
  if (felt.length === 0) return undefined;
  if (felt.includes('not-felt')) return 'not-felt';
  return felt.every((one) => one === 'felt') ? 'felt' : 'unknown';
}

/** The worst change against earlier runs. What is not known is never fine. */
export function changeOf({ comparison }: Pick<DrillReport, 'comparison'>): ChangeState {
  const states = new Set(comparison?.changes.map(({ state }) => state));
  return (['worse', 'unknown', 'better', 'same'] as const).find((state) => states.has(state)) ?? 'unknown';
}

type ChangeState = z.infer<typeof change>['state'];
