import * as z from 'zod';

const tally = z.object({ requests: z.number(), errors: z.number() });

const opinion = z.object({
  check: z.string(),
  state: z.enum(['breach', 'healthy', 'unknown']),
  missing: z.string().optional(),
  onBreach: z.enum(['rollback', 'freeze', 'warn']),
  progress: z.number(),
  sentence: z.string(),
  // JSON has no infinity, so evidence without limit is null.
  figures: z.record(z.string(), z.number().nullable()),
});

const step = z.object({
  weight: z.number(),
  /** As written in the plan: `25 for 2m to 10m`. */
  plan: z.string(),
  enteredAt: z.number(),
  /** When the data plane was confirmed to follow, which starts the step's time. */
  observedFrom: z.number().optional(),
  /** How this was confirmed. */
  evidence: z.string().optional(),
  endedAt: z.number().optional(),
  stable: tally,
  canary: tally,
  state: z.enum(['running', 'passed', 'breach', 'stopped']),
});

/** The counts since the previous point: one interval, or several merged ones of the same weight. */
const point = z.object({
  at: z.number(),
  weight: z.number(),
  stable: tally,
  canary: tally,
  /** The highest `progress` among the checks that can end the rollout. */
  progress: z.number(),
});

/** A check at one time. Counts and rates are those of the step so far, as the check judges them. */
const checkLook = z.object({
  at: z.number(),
  weight: z.number(),
  state: z.enum(['breach', 'healthy', 'unknown']),
  progress: z.number(),
  /** Why the check had no data. */
  missing: z.string().optional(),
  /** Those of the opinion that a plot needs. */
  figures: z.record(z.string(), z.number().nullable()),
});

/** How a check stood over time, the newest look last. */
const checkHistory = z.object({
  check: z.string(),
  /** Looked at by itself, and not with the meter. */
  apart: z.boolean().optional(),
  looks: z.array(checkLook),
});
export type CheckHistory = z.infer<typeof checkHistory>;

const note = z.object({ at: z.number(), level: z.enum(['info', 'good', 'warning', 'error']), text: z.string() });

const podDetails = z.object({
  pod: z.string(),
  container: z.string().optional(),
  reason: z.string(),
  message: z.string(),
  exitCode: z.number().optional(),
  lastLines: z.array(z.string()),
  events: z.array(z.string()),
  missing: z.array(z.string()),
});

/** The JSON report of a run, stored beside the summary. Times are milliseconds since the epoch, weights per cent. */
export const reportSchema = z.object({
  schema: z.literal(1),
  run: z
    .object({
      id: z.string(),
      startedAt: z.number(),
      by: z.string(),
      /** The plan in its one-line form. */
      plan: z.string(),
      source: z.string(),
      /** Milliseconds between two reads of the metrics. */
      interval: z.number(),
      /** Only the health of the pods was judged. */
      uncounted: z.boolean().optional(),
      dryRun: z.boolean(),
      commit: z.string().optional(),
      commands: z.object({ abort: z.string(), approve: z.string(), freeze: z.string() }),
    })
    .optional(),
  /** The workload, as `shop/checkout`, and its versions as people name them. */
  subject: z.object({ name: z.string(), from: z.string().optional(), to: z.string().optional() }).optional(),
  found: z
    .object({
      route: z.string(),
      stable: z.string(),
      canary: z.string(),
      revision: z.string(),
      metrics: z.string(),
    })
    .optional(),
  forecast: z
    .object({
      detects: z.number(),
      stableRate: z.number(),
      requestsPerSecond: z.number().optional(),
      detection: z.number().optional(),
      steps: z.array(
        z.object({
          weight: z.number(),
          expectedRequests: z.number().optional(),
          neededRequests: z.number().optional(),
        }),
      ),
    })
    .optional(),
  steps: z.array(step),
  /** The weights that were sent to the data plane, from the first shift on. */
  weights: z.array(z.object({ at: z.number(), weight: z.number() })),
  points: z.array(point),
  /** Times without data, each with the last reason. Reports of earlier versions have none. */
  gaps: z.array(z.object({ from: z.number(), to: z.number(), reason: z.string() })).default([]),
  /** How each check stood over time. Reports of earlier versions have none. */
  checks: z.array(checkHistory).default([]),
  total: z.object({ stable: tally, canary: tally }),
  /** The last opinion of every check. */
  opinions: z.array(opinion),
  breach: z.object({ at: z.number(), weight: z.number(), opinion }).optional(),
  /** The canary's failing pods, as they were before they were removed. */
  pods: z.array(podDetails).optional(),
  /** Set where nothing served yet, so that there was nothing to compare with. */
  first: z.object({ about: z.string(), deploys: z.boolean() }).optional(),
  /** All other notable events, in order. */
  notes: z.array(note),
  /** Set in a dry run only. */
  writes: z.array(
    z.object({
      object: z.string(),
      action: z.enum(['create', 'update', 'delete']),
      /** Lines of a diff, with secret values hidden. */
      diff: z.string(),
      /** The canary's weight in the step of this write. */
      weight: z.number().optional(),
      /** The write follows only if the steps before it pass. */
      later: z.boolean().optional(),
    }),
  ),
  /** When the last data arrived; set while none arrives. */
  silentSince: z.number().optional(),
  /** The weight at which the rollout waited for a person. */
  holdingAt: z.number().optional(),
  outcome: z
    .object({
      endedAt: z.number(),
      verdict: z.enum(['promoted', 'rolled-back', 'frozen', 'held']),
      /** Every step of the plan was passed. */
      passed: z.boolean().optional(),
      reason: z.string(),
      reached: z.number(),
      /** The weight on the route; absent where someone else has changed the route beyond recognition. */
      weight: z.number().optional(),
      revision: z.string(),
      digest: z.string().optional(),
      /** Objects that an undo could not restore. */
      left: z.array(z.object({ object: z.string(), shows: z.string() })).optional(),
    })
    .optional(),
  /** Why a run ended without a verdict. */
  failure: z
    .object({
      endedAt: z.number(),
      code: z.string(),
      about: z.string(),
      problem: z.string(),
      next: z.string(),
      unchanged: z.boolean(),
    })
    .optional(),
});

export type Report = z.infer<typeof reportSchema>;
