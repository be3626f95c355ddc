import * as z from 'zod';
import type { IntervalJudged, RolloutEvent, Tallies, Tally } from '../canary/events.ts';
import { printPlan, printStep } from '../judge/plan-syntax.ts';
import { diffOf } from './diff.ts';
import { type Sentence, sentenceOf, span } from './sentences.ts';
import { namedSubject } from './subject.ts';

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

/** Beyond this, points are merged; a plot can't show as many. */
const MOST_POINTS = 1_000;
const MOST_NOTES = 1_000;

const nothing: Tallies = { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 } };

export const emptyReport: Report = {
  schema: 1,
  steps: [],
  weights: [],
  points: [],
  total: nothing,
  opinions: [],
  notes: [],
  writes: [],
};

/** The report with one more event. A report that was read back from its file goes on from there. */
export function withEvent(report: Report, event: RolloutEvent): Report {
  if (event.type === 'interval') return withInterval(report, event);
  if (event.type === 'planned') {
    const { object, action } = event.write;
    const { weight, later } = event;
    return { ...report, writes: [...report.writes, { object, action, diff: diffOf(event.write), weight, later }] };
  }
  if (event.type === 'pod-details') {
    return { ...report, pods: event.details.map((pod) => podDetails.parse(pod)) };
  }
  return withFacts(withNote(report, event), event);
}

type Fact = Parameters<typeof sentenceOf>[0];

function withFacts(report: Report, event: Fact): Report {
  const { at } = event;
  switch (event.type) {
    case 'started': {
      const { id, by, source, interval, dryRun, commit, commands, arms } = event;
      const run = { id, startedAt: at, by, plan: printPlan(event.plan), source, interval, dryRun, commands };
      return {
        ...report,
        run: { ...run, ...(event.uncounted && { uncounted: true }), ...(commit !== undefined && { commit }) },
        ...(arms && { subject: namedSubject(arms) }),
      };
    }
    case 'preflight': {
      const { stable, canary, revision } = event.arms;
      const found = { route: event.route, stable, canary, revision, metrics: event.readiness.evidence };
      return {
        ...report,
        found,
        subject: namedSubject(event.arms),
        ...(event.forecast && { forecast: { ...event.forecast, steps: [...event.forecast.steps] } }),
      };
    }
    case 'first-release':
      return { ...report, first: { about: event.about, deploys: event.deploys } };
    case 'resumed':
      return { ...report, weights: [...report.weights, { at, weight: event.weight }] };
    case 'step-entered': {
      const { weight } = event.step;
      const next = { weight, plan: printStep(event.step), enteredAt: at, ...nothing, state: 'running' as const };
      return { ...report, steps: [...endStep(report, at, 'passed'), next] };
    }
    case 'shifted': {
      const before = report.weights.length === 0 ? [{ at, weight: event.from }] : [];
      return { ...report, weights: [...report.weights, ...before, { at, weight: event.to }] };
    }
    case 'confirmed':
      return { ...report, steps: changeLast(report.steps, (last) => observed(last, event.weight, at, event.evidence)) };
    case 'holding':
      return { ...report, holdingAt: event.weight };
    case 'breach': {
      const { weight } = event;
      return { ...report, breach: { at, weight, opinion: event.opinion }, steps: endStep(report, at, 'breach') };
    }
    case 'restoring':
      return { ...report, steps: endStep(report, at, 'stopped') };
    case 'restored':
      return { ...report, weights: [...report.weights, { at, weight: event.weight }] };
    case 'promoting':
      return { ...report, steps: endStep(report, at, 'passed') };
    case 'ended': {
      const { verdict, passed, reason, reached, weight, revision, digest, left, arms } = event;
      const outcome = {
        endedAt: at,
        verdict,
        ...(passed && { passed }),
        reason,
        reached,
        ...(weight !== undefined && { weight }),
        revision,
        ...(digest !== undefined && { digest }),
        ...(left && { left: [...left] }),
      };
      const subject = arms && { subject: namedSubject(arms) };
      return {
        ...report,
        ...subject,
        outcome,
        total: event.total ?? report.total,
        steps: endStep(report, at, 'stopped'),
      };
    }
    case 'failed': {
      const { code, about, problem, next, unchanged } = event;
      const failure = { endedAt: at, code, about, problem, next, unchanged };
      return { ...report, failure, steps: endStep(report, at, 'stopped') };
    }
    default:
      return report;
  }
}

function withInterval(report: Report, event: IntervalJudged): Report {
  const { at, weight, total } = event;
  const { stable, canary } = event.interval;
  const opinions = event.opinions.map((said) => ({ ...said, figures: { ...said.figures } }));
  const deciding = opinions.filter(({ onBreach }) => onBreach !== 'warn').map(({ progress }) => progress);
  const next = { at, weight, stable, canary, progress: Math.max(0, ...deciding) };
  return {
    ...withoutSilence(report, at),
    opinions,
    total,
    points: thinned([...report.points, next]),
    steps: changeLast(report.steps, (last) =>
      last.weight === weight && last.state === 'running' ? { ...last, ...sum(last, { stable, canary }) } : last,
    ),
  };
}

/** Silence is told when it begins and when it ends; whatever else repeats itself, once. */
function withNote(report: Report, event: Fact): Report {
  const sentence = sentenceOf(event);
  if (event.type !== 'no-data') return noted(report, event.at, sentence);
  if (report.silentSince === event.since) return report;
  return { ...noted(report, event.at, sentence), silentSince: event.since };
}

function withoutSilence(report: Report, at: number): Report {
  const { silentSince, ...rest } = report;
  if (silentSince === undefined) return report;
  return noted(rest, at, { level: 'good', text: `Data again after ${span(at - silentSince)}` });
}

function noted(report: Report, at: number, { level, text }: Sentence): Report {
  if (report.notes.at(-1)?.text === text) return report;
  return { ...report, notes: [...report.notes, { at, level, text }].slice(-MOST_NOTES) };
}

type StepReport = Report['steps'][number];

function endStep({ steps }: Report, at: number, state: 'passed' | 'breach' | 'stopped'): StepReport[] {
  return changeLast(steps, (last) => (last.state === 'running' ? { ...last, state, endedAt: at } : last));
}

/** The first sight of the data plane at the step's weight; a later one belongs to a promotion or an undo. */
function observed(step: StepReport, weight: number, at: number, evidence: string): StepReport {
  if (step.weight !== weight || step.observedFrom !== undefined) return step;
  return { ...step, observedFrom: at, evidence };
}

function changeLast(steps: readonly StepReport[], change: (last: StepReport) => StepReport): StepReport[] {
  return steps.map((step, index) => (index === steps.length - 1 ? change(step) : step));
}

/** Points of the same weight are merged until each covers its even share of the time. */
function thinned(points: Report['points']): Report['points'] {
  const first = points[0];
  const newest = points.at(-1);
  if (!first || !newest || points.length <= MOST_POINTS) return points;
  const share = (newest.at - first.at) / (MOST_POINTS / 2);
  const merged = [first];
  for (const next of points.slice(1)) {
    const last = merged.at(-1);
    const from = merged.at(-2)?.at ?? first.at;
    if (last?.weight === next.weight && next.at - from <= share) {
      merged[merged.length - 1] = { ...next, ...sum(last, next), progress: Math.max(last.progress, next.progress) };
    } else {
      merged.push(next);
    }
  }
  return merged;
}

/** The requests of two spans of time together. */
export function sum(a: Tallies, b: Tallies): Tallies {
  const add = (one: Tally, other: Tally) => ({
    requests: one.requests + other.requests,
    errors: one.errors + other.errors,
  });
  return { stable: add(a.stable, b.stable), canary: add(a.canary, b.canary) };
}
