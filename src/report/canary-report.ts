import type { IntervalJudged, Looked, RolloutEvent } from '../canary/events.ts';
import type { PodDetails } from '../canary/ports.ts';
import { printPlan, printStep } from '../judge/plan-syntax.ts';
import type { Tallies, Tally } from '../judge/types.ts';
import type { Report } from './canary-report-schema.ts';
import { withLooks } from './check-history.ts';
import { diffOf } from './diff.ts';
import { type Sentence, sentenceOf, span } from './sentences.ts';
import { namedSubject } from './subject.ts';

/** The most points that are kept, as a plot cannot show more; beyond this, points are merged. */
const MOST_POINTS = 1_000;
const MOST_NOTES = 1_000;
const MOST_GAPS = 500;

const nothing: Tallies = { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 } };

/** The report with one more event. Also continues a report that was read from its file. */
export function withEvent(report: Report, event: RolloutEvent): Report {
  if (event.type === 'interval') return withInterval(report, event);
  if (event.type === 'looked') return withLook(report, event);
  if (event.type === 'planned') {
    const { object, action } = event.write;
    const { weight, later } = event;
    return { ...report, writes: [...report.writes, { object, action, diff: diffOf(event.write), weight, later }] };
  }
  if (event.type === 'pod-details') {
    return { ...report, pods: event.details.map(reportedPod) };
  }
  return withFacts(withNote(report, event), event);
}

function reportedPod(details: PodDetails): NonNullable<Report['pods']>[number] {
  const { pod, container, reason, message, exitCode, lastLines, events, missing } = details;
  const lists = { lastLines: [...lastLines], events: [...events], missing: [...missing] };
  return {
    ...{ pod, reason, message, ...lists },
    ...(container !== undefined && { container }),
    ...(exitCode !== undefined && { exitCode }),
  };
}

type Fact = Parameters<typeof sentenceOf>[0];

function withFacts(report: Report, event: Fact): Report {
  const { at } = event;
  switch (event.type) {
    case 'started':
      return withRun(report, event);
    case 'preflight':
      return withFindings(report, event);
    case 'first-release':
      return { ...report, first: { about: event.about, deploys: event.deploys } };
    case 'resumed':
    case 'restored':
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
      const { weight, opinion } = event;
      // Pods are looked at between two intervals, too.
      const checks = withLooks(report.checks, {
        at,
        weight,
        opinions: [opinion],
        apart: isApart(report, opinion.check),
      });
      return { ...report, checks, breach: { at, weight, opinion }, steps: endStep(report, at, 'breach') };
    }
    case 'restoring':
      return { ...report, steps: endStep(report, at, 'stopped') };
    case 'promoting':
      return { ...report, steps: endStep(report, at, 'passed') };
    case 'ended':
      return withOutcome(report, event);
    case 'failed': {
      const { code, about, problem, next, unchanged } = event;
      const failure = { endedAt: at, code, about, problem, next, unchanged };
      return { ...report, failure, steps: endStep(report, at, 'stopped') };
    }
    default:
      return report;
  }
}

type FactOf<Type extends Fact['type']> = Extract<Fact, { type: Type }>;

function withRun(report: Report, event: FactOf<'started'>): Report {
  const { id, by, source, interval, dryRun, commit, commands, arms } = event;
  const run = { id, startedAt: event.at, by, plan: printPlan(event.plan), source, interval, dryRun, commands };
  return {
    ...report,
    run: { ...run, ...(event.uncounted && { uncounted: true }), ...(commit !== undefined && { commit }) },
    ...(arms && { subject: namedSubject(arms) }),
  };
}

function withFindings(report: Report, { arms, route, readiness, forecast }: FactOf<'preflight'>): Report {
  const { stable, canary, revision } = arms;
  return {
    ...report,
    found: { route, stable, canary, revision, metrics: readiness.evidence },
    subject: namedSubject(arms),
    ...(forecast && { forecast: { ...forecast, steps: [...forecast.steps] } }),
  };
}

function withOutcome(report: Report, event: FactOf<'ended'>): Report {
  const { at, verdict, passed, reason, reached, weight, revision, digest, left, arms } = event;
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
  return {
    ...report,
    ...(arms && { subject: namedSubject(arms) }),
    outcome,
    total: event.total ?? report.total,
    steps: endStep(report, at, 'stopped'),
  };
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
    checks: withLooks(report.checks, { at, weight, opinions }),
    total,
    points: thinned([...report.points, next]),
    steps: changeLast(report.steps, (last) =>
      last.weight === weight && last.state === 'running' ? { ...last, ...sum(last, { stable, canary }) } : last,
    ),
  };
}

function isApart({ checks }: Report, name: string): boolean {
  return checks.find(({ check }) => check === name)?.apart ?? false;
}

/** The opinion in the place of the last one of the same check. */
function withLook(report: Report, { at, weight, opinion }: Looked): Report {
  const said = { ...opinion, figures: { ...opinion.figures } };
  const index = report.opinions.findIndex(({ check }) => check === opinion.check);
  const opinions = index < 0 ? [...report.opinions, said] : report.opinions.with(index, said);
  return { ...report, opinions, checks: withLooks(report.checks, { at, weight, opinions: [said], apart: true }) };
}

/** Notes missing data once, when it begins. A note that repeats the last one is dropped. */
function withNote(report: Report, event: Fact): Report {
  const sentence = sentenceOf(event);
  if (event.type !== 'no-data') return noted(report, event.at, sentence);
  const { at, since, reason } = event;
  const gap = { from: since, to: at, reason };
  if (report.silentSince === since) return { ...report, gaps: [...report.gaps.slice(0, -1), gap] };
  const gaps = [...report.gaps, gap].slice(-MOST_GAPS);
  return { ...noted(report, at, sentence), gaps, silentSince: since };
}

function withoutSilence(report: Report, at: number): Report {
  const { silentSince, ...rest } = report;
  if (silentSince === undefined) return report;
  const gaps = changeLast(rest.gaps, (gap) => ({ ...gap, to: at }));
  return noted({ ...rest, gaps }, at, { level: 'good', text: `Data again after ${span(at - silentSince)}` });
}

function noted(report: Report, at: number, { level, text }: Sentence): Report {
  if (report.notes.at(-1)?.text === text) return report;
  return { ...report, notes: [...report.notes, { at, level, text }].slice(-MOST_NOTES) };
}

type StepReport = Report['steps'][number];

function endStep({ steps }: Report, at: number, state: 'passed' | 'breach' | 'stopped'): StepReport[] {
  return changeLast(steps, (last) => (last.state === 'running' ? { ...last, state, endedAt: at } : last));
}

/** Records the first confirmation at the step's weight; a later one belongs to a promotion or an undo. */
function observed(step: StepReport, weight: number, at: number, evidence: string): StepReport {
  if (step.weight !== weight || step.observedFrom !== undefined) return step;
  return { ...step, observedFrom: at, evidence };
}

function changeLast<T>(all: readonly T[], change: (last: T) => T): T[] {
  return all.map((one, index) => (index === all.length - 1 ? change(one) : one));
}

/** Merges points of the same weight until each covers an equal share of the time. */
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

/** The sum of the requests of two periods. */
export function sum(a: Tallies, b: Tallies): Tallies {
  const add = (one: Tally, other: Tally) => ({
    requests: one.requests + other.requests,
    errors: one.errors + other.errors,
  });
  return { stable: add(a.stable, b.stable), canary: add(a.canary, b.canary) };
}
