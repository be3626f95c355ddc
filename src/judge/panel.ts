import { duration } from '../core/wording.ts';
import { type ComparisonOptions, comparison, type Failing } from './comparison.ts';
import { merge } from './counters.ts';
import { boundProblem, hangBoundOf, slowerThan } from './latency.ts';
import type { Outcome } from './likelihood.ts';
import { atLeast, probability } from './ranges.ts';
import { type Finding, judgeErrorRate, type MaxErrorRate, unknown } from './thresholds.ts';
import type { Counts, Interval, OnBreach, Opinion } from './types.ts';

interface Common {
  /** Unique in the panel; by default the kind, for latency with its bound: `latency-300ms`. */
  readonly name?: string;
  /** Default `rollback`. */
  readonly onBreach?: OnBreach;
}

/** One rule of a rollout. Rates are fractions, bounds seconds. */
export type Check =
  | (Common & ComparisonOptions & { readonly kind: 'error-rate' })
  | (Common & ComparisonOptions & { readonly kind: 'latency'; readonly bound: number })
  /** Requests that ended without an answer. */
  | (Common & ComparisonOptions & { readonly kind: 'unanswered' })
  /** Requests that took so long that most clients have given up; without a finding if no histogram tells. */
  | (Common & ComparisonOptions & { readonly kind: 'hanging' })
  | (Common & MaxErrorRate & { readonly kind: 'max-error-rate' });

export interface PanelOptions {
  /** Probability that a canary within the tolerances is rolled back or frozen, over the whole rollout. Default 0.01. */
  readonly alpha?: number;
  /** How many weights of the plan are observed, however long, >= 1. */
  readonly steps: number;
}

/** All checks of one rollout, and what they have seen. */
export interface Panel {
  /** The names of the checks, in the order given. */
  readonly checks: readonly string[];
  /** A step begins: the route has this canary weight in per cent, and the following measurements are at this weight. */
  enter(weight: number): void;
  /**
   * Adds an interval. An interval of another weight than the one last entered spans a shift: it belongs to no stratum and is
   * left out.
   */
  add(interval: Interval): void;
  /** The current opinion of every check, in the order given. */
  opinions(): Opinion[];
  /** Requests in this step, so that a rollout can hold below a minimum. */
  requests(): { readonly canary: number; readonly stable: number };
}

/** The counts so far that sentences mention. */
interface Seen {
  /** This step, undefined before its first interval. */
  readonly step: Interval | undefined;
  /** The last step before it in which the stable arm had requests. */
  readonly before: Interval | undefined;
}

/** What a check does with the panel's data. */
interface Rule {
  enter?(weight: number): void;
  add?(interval: Interval): void;
  /** Undefined as long as there are no data for the check. */
  finding(seen: Seen): Finding | undefined;
}

/** The kinds of check that are always made, even if nobody asks for them. */
export const watchKinds = ['unanswered', 'hanging'] as const satisfies readonly Check['kind'][];

/** Part of alpha for each check that is always made: its findings are far from the limit. */
const WATCH_SHARE = 0.05;
/** Evidence below this number of nats is only rounding. */
const NO_EVIDENCE = 0.001;

const NONE: Outcome = { requests: 0, bad: 0 };

/**
 * The checks of one rollout. The sequential ones that end it (rollback, freeze) share alpha equally: each of k is a test at
 * alpha / k, so together they stop a good canary with probability at most alpha whatever their dependence, and each keeps a
 * limit of its own that one sentence can explain. A check that only warns takes nothing from the others and is tested at alpha.
 * A plain limit has no error probability to share. The checks for requests without an answer, which are always made, get a
 * twentieth of alpha each, so that the others lose next to nothing.
 *
 * Throws RangeError for an option outside its range and for two checks of one name.
 */
export function createPanel(checks: readonly Check[], options: PanelOptions): Panel {
  const alpha = probability('alpha', options.alpha ?? 0.01);
  const ending = checks.filter(({ onBreach }) => onBreach !== 'warn');
  const sharing = ending.filter(({ kind }) => kind === 'error-rate' || kind === 'latency');
  const left = 1 - WATCH_SHARE * ending.filter(isWatch).length;
  const alphaOf = (check: Check) => {
    if (check.onBreach === 'warn') return alpha;
    return isWatch(check) ? alpha * WATCH_SHARE : (alpha * left) / sharing.length;
  };
  const members = checks.map((check) => ({
    name: check.name ?? (check.kind === 'latency' ? `latency-${duration(check.bound)}` : check.kind),
    onBreach: check.onBreach ?? 'rollback',
    rule: ruleOf(check, alphaOf(check), options.steps),
  }));
  const names = members.map(({ name }) => name);
  if (new Set(names).size < names.length) throw new RangeError(`two checks have the same name: ${names.join(', ')}`);

  let weight: number | undefined;
  let seen: Seen = { step: undefined, before: undefined };
  return {
    checks: names,
    enter(next) {
      if (next === weight) return;
      weight = next;
      seen = { step: undefined, before: seen.step?.stable.requests ? seen.step : seen.before };
      for (const { rule } of members) rule.enter?.(next);
    },
    add(interval) {
      if (interval.weight !== weight) return;
      seen = { ...seen, step: seen.step ? merge(seen.step, interval) : interval };
      for (const { rule } of members) rule.add?.(interval);
    },
    opinions: () =>
      members.flatMap(({ name, onBreach, rule }) => {
        const finding = rule.finding(seen);
        return finding ? [{ check: name, onBreach, ...finding }] : [];
      }),
    requests: () => ({ canary: seen.step?.canary.requests ?? 0, stable: seen.step?.stable.requests ?? 0 }),
  };
}

function ruleOf(check: Check, alpha: number, steps: number): Rule {
  switch (check.kind) {
    case 'error-rate':
      return comparisonRule(check, alpha, steps, { failing: 'failed', outcome: failed });
    case 'latency':
      return latencyRule(check, alpha, steps);
    case 'unanswered':
      return watched(comparisonRule(check, alpha, steps, { failing: 'got no answer', outcome: unanswered }));
    case 'hanging':
      return watched(hangingRule(check, alpha, steps));
    case 'max-error-rate':
      atLeast(0, 'limit', check.limit);
      atLeast(1, 'minRequests', check.minRequests);
      return { finding: ({ step }) => judgeErrorRate(check, step ? failed(step.canary) : NONE) };
  }
}

function isWatch({ kind }: Check): boolean {
  return watchKinds.some((watched) => watched === kind);
}

/** Counts only failures with an answer: why clients give up can only be judged by comparing both arms. */
function failed({ requests, errors, unanswered = 0 }: Counts): Outcome {
  return { requests, bad: errors - unanswered };
}

function unanswered({ requests, unanswered = 0 }: Counts): Outcome {
  return { requests, bad: unanswered };
}

/**
 * A check that is always made never keeps a step from ending, neither by missing data nor because two rates of zero can't be
 * proved to be alike: without evidence against the canary, it is healthy.
 */
function watched(rule: Rule): Rule {
  return {
    ...rule,
    finding(seen) {
      const found = rule.finding(seen);
      if (!found) return undefined;
      const { missing: _, ...finding } = found;
      const innocent = finding.state === 'unknown' && (finding.figures.evidence ?? 1) < NO_EVIDENCE;
      return innocent && seen.step?.canary.requests ? { ...finding, state: 'healthy' } : finding;
    },
  };
}

/** The judged bound depends on the buckets of the stable arm's histogram. */
function hangingRule(check: ComparisonOptions, alpha: number, steps: number): Rule {
  let weight: number | undefined;
  let latency: Rule | undefined;
  return {
    enter(next) {
      weight = next;
      latency?.enter?.(next);
    },
    add(interval) {
      if (!latency) {
        const bound = hangBoundOf(interval.stable.within.keys());
        if (bound === undefined) return;
        latency = latencyRule({ ...check, bound }, alpha, steps);
        if (weight !== undefined) latency.enter?.(weight);
      }
      latency.add?.(interval);
    },
    finding: (seen) => latency?.finding(seen),
  };
}

/** The requests that a check counts as bad. */
interface BadRequests {
  readonly failing: Failing;
  outcome(counts: Counts): Outcome;
}

function comparisonRule(
  options: ComparisonOptions,
  alpha: number,
  steps: number,
  { failing, outcome }: BadRequests,
): Rule {
  const test = comparison(options, alpha, steps, failing);
  return {
    enter: test.enter,
    add: ({ canary, stable, weight }) => test.add(outcome(canary), outcome(stable), weight),
    finding({ step, before }) {
      const canary = step ? outcome(step.canary) : NONE;
      if (step?.weight === 100 && before) return test.finding(canary, outcome(before.stable), before.weight);
      return test.finding(canary, step ? outcome(step.stable) : NONE, undefined);
    },
  };
}

function latencyRule(check: ComparisonOptions & { bound: number }, alpha: number, steps: number): Rule {
  const { bound } = check;
  const outcome = (counts: Counts) => slowerThan(bound, counts) ?? NONE;
  const rule = comparisonRule(check, alpha, steps, { failing: `took over ${duration(bound)}`, outcome });
  return {
    ...rule,
    finding(seen) {
      const problem = seen.step && histogramProblem(bound, seen.step);
      return problem ? unknown(problem) : rule.finding(seen);
    },
  };
}

/** Why one of the arms can't be judged at this bound; undefined without a problem, or before anything was counted. */
function histogramProblem(bound: number, step: Interval): string | undefined {
  for (const arm of ['canary', 'stable'] as const) {
    const { requests, within } = step[arm];
    const problem = requests > 0 || within.size > 0 ? boundProblem(bound, within.keys()) : undefined;
    if (problem) return `${arm}: ${problem}`;
  }
  return undefined;
}
