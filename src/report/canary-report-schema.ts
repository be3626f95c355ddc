import * as z from 'zod';

const tally = z.object({ requests: z.number(), errors: z.number() });

const opinion = z.object({
  check: z.string(),
  state: z.enum(['breach', 'healthy', 'unknown']),
  missing: z.string().optional(),
  onBreach: z.enum(['rollback', 'freeze', 'warn']),
  progress: z.number(),
  sentence: z.string(),
  // JSON has no infinity: evidence without limit is null there.
  figures: z.record(z.string(), z.number().nullable()),
});

const step = z.object({
  weight: z.number(),
  /** As the plan says it: `25 for 2m to 10m`. */
  plan: z.string(),
  enteredAt: z.number(),
  /** When the data plane was seen to follow: the step's time begins. */
  observedFrom: z.number().optional(),
  /** How it was seen. */
  evidence: z.string().optional(),
  endedAt: z.number().optional(),
  stable: tally,
  canary: tally,
  state: z.enum(['running', 'passed', 'breach', 'stopped']),
});

/** One interval, or several merged ones of the same weight: what was counted since the point before. */
const point = z.object({
  at: z.number(),
  weight: z.number(),
  stable: tally,
  canary: tally,
  /** The highest `progress` of the checks that can end the rollout. */
  progress: z.number(),
});

const note = z.object({ at: z.number(), level: z.enum(['info', 'good', 'warning', 'error']), text: z.string() });

export const podDetails = z.object({
  pod: z.string(),
  container: z.string().optional(),
  reason: z.string(),
  message: z.string(),
  exitCode: z.number().optional(),
  lastLines: z.array(z.string()),
  events: z.array(z.string()),
  missing: z.array(z.string()),
});

/** The record of a run, as it lies beside the summary. Times are milliseconds since the epoch, weights per cent. */
export const reportSchema = z.object({
  schema: z.literal(1),
  run: z
    .object({
      id: z.string(),
      startedAt: z.number(),
      by: z.string(),
      /** The line form. */
      plan: z.string(),
      source: z.string(),
      /** Milliseconds between two looks at the metrics. */
      interval: z.number(),
      /** The pods' health alone was judged. */
      uncounted: z.boolean().optional(),
      dryRun: z.boolean(),
      commit: z.string().optional(),
      commands: z.object({ abort: z.string(), approve: z.string(), freeze: z.string() }),
    })
    .optional(),
  /** The workload, as `shop/checkout`, and the versions that people know. */
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
  /** The weights that the data plane was told, from the first shift on. */
  weights: z.array(z.object({ at: z.number(), weight: z.number() })),
  points: z.array(point),
  total: z.object({ stable: tally, canary: tally }),
  /** What every check said last. */
  opinions: z.array(opinion),
  breach: z.object({ at: z.number(), weight: z.number(), opinion }).optional(),
  /** The canary's pods in trouble, as they were before they were removed. */
  pods: z.array(podDetails).optional(),
  /** Nothing served yet, so that there was nothing to compare with. */
  first: z.object({ about: z.string(), deploys: z.boolean() }).optional(),
  /** Everything else worth telling, in its order. */
  notes: z.array(note),
  /** Dry run only. */
  writes: z.array(
    z.object({
      object: z.string(),
      action: z.enum(['create', 'update', 'delete']),
      /** Lines as `diff` gives them, secret values hidden. */
      diff: z.string(),
      /** The canary's weight of the step that it belongs to. */
      weight: z.number().optional(),
      /** It comes only when the steps before have ended well. */
      later: z.boolean().optional(),
    }),
  ),
  /** When data last arrived, while none does. */
  silentSince: z.number().optional(),
  /** The weight at which it waited for a person. */
  holdingAt: z.number().optional(),
  outcome: z
    .object({
      endedAt: z.number(),
      verdict: z.enum(['promoted', 'rolled-back', 'frozen', 'held']),
      /** Every step of the plan was passed. */
      passed: z.boolean().optional(),
      reason: z.string(),
      reached: z.number(),
      /** That the route shows; absent where somebody else has made it into something else. */
      weight: z.number().optional(),
      revision: z.string(),
      digest: z.string().optional(),
      /** What an undo could not take back. */
      left: z.array(z.object({ object: z.string(), shows: z.string() })).optional(),
    })
    .optional(),
  /** A run that came to no verdict. */
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

export const emptyReport: Report = {
  schema: 1,
  steps: [],
  weights: [],
  points: [],
  total: { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 } },
  opinions: [],
  notes: [],
  writes: [],
};
