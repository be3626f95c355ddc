import { count, percent } from '../core/wording.ts';
import { type Early, healthyOptions, healthyTest } from './healthy.ts';
import type { Tolerance } from './likelihood.ts';
import type { Plan, Step } from './plan.ts';
import { binomial, type Random, seeded } from './random.ts';
import { breachTest } from './sequential.ts';

export interface RehearsalOptions extends Tolerance {
  readonly plan: Plan;
  /** Requests per second to both arms together. */
  readonly requestsPerSecond: number;
  /** Error rates of the stable version, and of the faulty canary that the plan must find; fractions. */
  readonly stableRate: number;
  readonly faultyRate: number;
  /** Milliseconds between two looks at the metrics. */
  readonly interval: number;
  /** The judge's configured probability of a false rollback. */
  readonly alpha: number;
  /** What ends a step early, if its plan allows it. */
  readonly early?: Early;
  /** Times at which both arms fail together. */
  readonly bursts?: Bursts;
  /** The most rollouts to simulate of each kind; fewer for long plans, to stay below a second. Default 2000. */
  readonly rollouts?: number;
  /** Default 1. The same seed gives the same answer. */
  readonly seed?: number;
}

interface Bursts {
  /** Milliseconds from the start of one burst to the next, and the length of one. */
  readonly every: number;
  readonly length: number;
  /** Error rate of both arms during a burst, if it is above their own. */
  readonly rate: number;
}

/** What a plan can find. */
export interface Rehearsal {
  /** Simulated rollouts of each kind. */
  readonly rollouts: number;
  /** Probability that the faulty canary is found before the plan ends. */
  readonly found: number;
  /** Mean milliseconds until it is found, over the rollouts that find it. Undefined if none does. */
  readonly timeToFind: number | undefined;
  /** Mean canary requests, and bad ones among them, until the faulty canary is found or the plan ends. */
  readonly leaked: { readonly requests: number; readonly bad: number };
  /** Probability that a canary as good as stable is rolled back. */
  readonly falseRollback: number;
  readonly steps: readonly StepNeeds[];
  /** Why the plan does not do what it promises; undefined if it finds the faulty canary in nine rollouts of ten. */
  readonly problem: string | undefined;
}

/** What one step alone would need on average to find the faulty canary, and what it gets. */
interface StepNeeds {
  readonly weight: number;
  /** Canary requests until a breach; Infinity if no number is enough. */
  readonly canaryRequests: number;
  /** The time until then. */
  readonly milliseconds: number;
  /** Canary requests in the step's longest time. */
  readonly expectedRequests: number;
}

/** A plan keeps its promise if it finds the faulty canary this often. */
const WANTED = 0.9;
/** The most intervals to simulate of each kind: a dry run should take less than a second. */
const UPDATES = 700_000;

/** Simulates the plan many times in virtual time, with a faulty canary and with a good one. Deterministic, without a clock. */
export function rehearse(options: RehearsalOptions): Rehearsal {
  const steps = observed(options.plan);
  const intervals = steps.reduce((total, step) => total + Math.ceil(step.most / options.interval), 0);
  const rollouts = Math.min(options.rollouts ?? 2000, Math.max(200, Math.floor(UPDATES / Math.max(1, intervals))));
  const random = seeded(options.seed ?? 1);
  const play = (canaryRate: number) =>
    Array.from({ length: rollouts }, () => rollout(random, steps, canaryRate, options));
  const faulty = play(options.faultyRate);
  const good = play(options.stableRate);

  const caught = faulty.filter(({ breach }) => breach);
  const found = caught.length / rollouts;
  const needs = stepNeeds(steps, options);
  return {
    rollouts,
    found,
    timeToFind: caught.length > 0 ? mean(caught.map(({ time }) => time)) : undefined,
    leaked: { requests: mean(faulty.map(({ requests }) => requests)), bad: mean(faulty.map(({ bad }) => bad)) },
    falseRollback: good.filter(({ breach }) => breach).length / rollouts,
    steps: needs,
    problem: found < WANTED ? problem(found, needs, options) : undefined,
  };
}

interface Ending {
  readonly breach: boolean;
  /** Milliseconds until the breach, or the end of the plan. */
  readonly time: number;
  /** The canary's requests. */
  readonly requests: number;
  readonly bad: number;
}

function rollout(random: Random, steps: readonly Step[], canaryRate: number, options: RehearsalOptions): Ending {
  const { interval, stableRate, bursts, early } = options;
  const breach = breachTest({ ...options, steps: Math.max(1, options.plan.steps.length) });
  const healthy = healthyTest(healthyOptions(options, early));
  const arriving = (options.requestsPerSecond * interval) / 1000;
  let time = 0;
  let arrived = 0;
  let requests = 0;
  let bad = 0;
  for (const step of steps) {
    breach.enter(step.weight);
    healthy.restart();
    for (let observing = 0; observing < step.most; ) {
      const floor = bursts && time % bursts.every < bursts.length ? bursts.rate : 0;
      observing += interval;
      time += interval;
      const all = Math.floor((time / interval) * arriving) - arrived;
      arrived += all;
      const ofCanary = binomial(random, all, step.weight / 100);
      const canary = { requests: ofCanary, bad: binomial(random, ofCanary, Math.max(canaryRate, floor)) };
      const stable = { requests: all - ofCanary, bad: binomial(random, all - ofCanary, Math.max(stableRate, floor)) };
      requests += canary.requests;
      bad += canary.bad;
      breach.add(canary, stable);
      if (breach.evidence() >= breach.limit) return { breach: true, time, requests, bad };
      if (!step.early) continue;
      healthy.add(canary, stable);
      if (observing >= step.least && healthy.evidence() >= healthy.limit) break;
    }
  }
  return { breach: false, time, requests, bad };
}

function observed(plan: Plan): Step[] {
  return plan.steps.filter(({ most }) => most > 0);
}

function stepNeeds(steps: readonly Step[], options: RehearsalOptions): StepNeeds[] {
  return steps.map((step, i) => {
    const canaryPerMs = (options.requestsPerSecond / 1000) * (step.weight / 100);
    const expectedRequests = canaryPerMs * step.most;
    const before = steps[i - 1];
    const stableBefore = before ? (options.requestsPerSecond / 1000) * (1 - before.weight / 100) * before.most : 0;
    const canaryRequests = requestsToBreach({
      ...options,
      stablePerCanary: step.weight < 100 ? (100 - step.weight) / step.weight : stableBefore / expectedRequests,
      requestsPerLook: canaryPerMs * options.interval,
    });
    return { weight: step.weight, canaryRequests, milliseconds: canaryRequests / canaryPerMs, expectedRequests };
  });
}

export interface Sampling extends Tolerance {
  readonly stableRate: number;
  readonly faultyRate: number;
  readonly alpha: number;
  /** Stable requests per canary request. */
  readonly stablePerCanary: number;
  /** Canary requests between two looks. */
  readonly requestsPerLook: number;
}

/**
 * Canary requests that a perfect sequential test needs on average, plus the cost of looks at fixed times and of a single bad
 * request: ln(1/α) / (KL(p1‖a) + r · KL(p0‖b)) + requests between two looks + 1 / p1, where a = tolerance · b + excess and b
 * are the accepted rates hardest to tell from p1 and p0, the pooled rate for a tolerance of 1 (Wald 1945, "Sequential tests of
 * statistical hypotheses"; Lorden 1971). Infinity if the faulty rate is accepted.
 */
export function requestsToBreach(sampling: Sampling): number {
  const { stableRate, faultyRate, tolerance, excess, stablePerCanary } = sampling;
  const cap = (rate: number) => Math.min(1, rate);
  if (faultyRate <= cap(tolerance * stableRate + excess) || stablePerCanary === 0) return Number.POSITIVE_INFINITY;
  const information = (b: number) =>
    divergence(faultyRate, cap(tolerance * b + excess)) + stablePerCanary * divergence(stableRate, b);
  // Convex in b, so a ternary search finds its minimum.
  let low = stableRate;
  let high = faultyRate;
  for (let round = 0; round < 100; round++) {
    const third = (high - low) / 3;
    if (information(low + third) < information(high - third)) high -= third;
    else low += third;
  }
  const perRequest = information((low + high) / 2) / sampling.designEffect;
  return Math.log(1 / sampling.alpha) / perRequest + sampling.requestsPerLook + 1 / faultyRate;
}

/** Kullback–Leibler divergence KL(p‖q) of two Bernoulli distributions, in nats. */
function divergence(p: number, q: number): number {
  const term = (x: number, y: number) => (x === 0 ? 0 : x * Math.log(x / y));
  return term(p, q) + term(1 - p, 1 - q);
}

function problem(found: number, needs: readonly StepNeeds[], options: RehearsalOptions): string {
  const steps = needs.map(({ weight, canaryRequests, expectedRequests }) => {
    const needed = Number.isFinite(canaryRequests) ? count(canaryRequests) : 'no number';
    return `at weight ${weight} it gets ${count(expectedRequests)} canary requests, and ${needed} would do`;
  });
  const promise = `A canary with ${percent(options.faultyRate)} errors is found in ${percent(found)} of rollouts`;
  return `${promise}: ${steps.length > 0 ? steps.join('; ') : 'no step lasts any time'}.`;
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
