import { describe, expect, it } from 'vitest';
import type { Plan, Step } from '../../../src/judge/plan.ts';
import { binomial, seeded } from '../../../src/judge/random.ts';
import { type RehearsalOptions, rehearse, requestsToBreach, type Sampling } from '../../../src/judge/rehearsal.ts';

const minute = 60_000;

function step(weight: number, most: number, early = false): Step {
  return { weight, least: early ? 0 : most, most, early, hold: false };
}

function plan(...steps: Step[]): Plan {
  return { steps };
}

const usual: RehearsalOptions = {
  plan: plan(step(5, 2 * minute), step(25, 5 * minute), step(50, 5 * minute), step(100, 0)),
  requestsPerSecond: 100,
  stableRate: 0.005,
  faultyRate: 0.05,
  interval: 5_000,
  alpha: 0.01,
  tolerance: 1,
  excess: 0,
  designEffect: 1,
  rollouts: 400,
};

describe('a rehearsal', () => {
  it('gives the same answer for the same seed', () => {
    expect(rehearse(usual)).toEqual(rehearse(usual));
    expect(rehearse({ ...usual, seed: 2 })).not.toEqual(rehearse(usual));
  });

  it('of a plan with enough traffic finds the fault and stops few good canaries', () => {
    const { found, falseRollback, problem, rollouts } = rehearse(usual);
    expect(rollouts).toBe(400);
    expect(found).toBe(1);
    expect(falseRollback).toBeLessThan(0.03);
    expect(problem).toBeUndefined();
  });

  it('of a plan with hardly any traffic says why it finds nothing', () => {
    const { found, problem } = rehearse({ ...usual, requestsPerSecond: 0.05 });
    expect(found).toBeLessThan(0.5);
    expect(problem).toMatch(
      /^A canary with 5 % errors is found in [\d.]+ % of rollouts: at weight 5 it gets 0 canary requests, and \d+ would do; /,
    );
  });

  it('finds nothing that is accepted', () => {
    const { found, steps } = rehearse({ ...usual, tolerance: 20 });
    expect(found).toBeLessThan(0.02);
    expect(steps.every(({ canaryRequests }) => canaryRequests === Number.POSITIVE_INFINITY)).toBe(true);
  });

  it('of a plan in which no step lasts says that nothing is looked at', () => {
    expect(rehearse({ ...usual, plan: plan(step(100, 0)) }).problem).toBe(
      'A canary with 5 % errors is found in 0 % of rollouts: no step lasts any time.',
    );
  });

  it('leaks less through a smaller first step', () => {
    const small = rehearse(usual).leaked;
    const large = rehearse({ ...usual, plan: plan(step(50, 5 * minute), step(100, 0)) }).leaked;
    expect(small.bad).toBeLessThan(large.bad);
    expect(small.requests / small.bad).toBeCloseTo(20, -1);
  });

  it('leaves a step that may end early as soon as the canary is surely healthy', () => {
    const harmless = { ...usual, faultyRate: 0.005, stableRate: 0.005, rollouts: 100 };
    const full = rehearse({ ...harmless, plan: plan(step(50, 60 * minute)) }).leaked.requests;
    const early = rehearse({ ...harmless, plan: plan(step(50, 60 * minute, true)) }).leaked.requests;
    expect(early).toBeLessThan(full / 5);
  });

  it('stops few good canaries also when both arms fail together from time to time', () => {
    const bursts = { every: 2 * minute, length: 15_000, rate: 0.3 };
    expect(rehearse({ ...usual, bursts }).falseRollback).toBeLessThan(0.03);
  });

  it('finds a fault at weight 100 by the stable rate of the step before', () => {
    const late = plan(step(5, 10 * minute), step(100, 5 * minute));
    const { steps } = rehearse({ ...usual, plan: late });
    expect(steps.map(({ weight }) => weight)).toEqual([5, 100]);
    expect(steps[1]?.canaryRequests).toBeLessThan(2_000);
  });
});

describe('the requests a step needs', () => {
  const sampling: Sampling = {
    stableRate: 0.005,
    faultyRate: 0.05,
    alpha: 0.01,
    stablePerCanary: 19,
    requestsPerLook: 5,
    tolerance: 1,
    excess: 0,
    designEffect: 1,
  };

  it('are those of the closed form with the pooled rate', () => {
    const kl = (p: number, q: number) => p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
    const pooled = (0.05 + 19 * 0.005) / 20;
    const bound = Math.log(100) / (kl(0.05, pooled) + 19 * kl(0.005, pooled)) + 5 + 1 / 0.05;
    expect(requestsToBreach(sampling)).toBeCloseTo(bound, 6);
  });

  it('grow with a smaller fault, a stricter alpha, more tolerance and clumps', () => {
    const usualNeed = requestsToBreach(sampling);
    for (const harder of [
      { faultyRate: 0.02 },
      { alpha: 0.001 },
      { tolerance: 2 },
      { excess: 0.01 },
      { designEffect: 3 },
    ]) {
      expect(requestsToBreach({ ...sampling, ...harder })).toBeGreaterThan(usualNeed);
    }
  });

  it('are without end for what is accepted, or without a stable arm', () => {
    expect(requestsToBreach({ ...sampling, faultyRate: 0.005 })).toBe(Number.POSITIVE_INFINITY);
    expect(requestsToBreach({ ...sampling, stablePerCanary: 0 })).toBe(Number.POSITIVE_INFINITY);
  });

  it('are finite for a stable arm that never fails and a canary that always does', () => {
    expect(requestsToBreach({ ...sampling, stableRate: 0, faultyRate: 1 })).toBeLessThan(20);
  });
});

describe('a binomial draw', () => {
  function probability(n: number, p: number, k: number): number {
    let log = k * Math.log(p) + (n - k) * Math.log(1 - p);
    for (let i = 1; i <= k; i++) log += Math.log((n - k + i) / i);
    return Math.exp(log);
  }

  it.each([
    [5, 0.05],
    [95, 0.005],
    [20, 0.5],
    [60, 0.3],
    [1000, 0.02],
    [50, 0.93],
    [3000, 0.4],
  ])('of %d trials at %d is exact', (n, p) => {
    const draws = 60_000;
    const random = seeded(n);
    const seen = new Map<number, number>();
    for (let i = 0; i < draws; i++) {
      const k = binomial(random, n, p);
      seen.set(k, (seen.get(k) ?? 0) + 1);
    }
    let statistic = 0;
    let classes = 0;
    let restSeen = draws;
    let restExpected = draws;
    for (let k = 0; k <= n; k++) {
      const expected = draws * probability(n, p, k);
      if (expected < 10) continue;
      classes++;
      statistic += ((seen.get(k) ?? 0) - expected) ** 2 / expected;
      restSeen -= seen.get(k) ?? 0;
      restExpected -= expected;
    }
    // Chi-square with so many classes: mean `classes`, variance twice that; four standard deviations.
    expect(statistic).toBeLessThan(classes + 4 * Math.sqrt(2 * classes));
    expect(Math.abs(restSeen - restExpected)).toBeLessThan(5 * Math.sqrt(restExpected + 1) + 5);
  });

  it('is certain at the ends', () => {
    const random = seeded(1);
    expect(binomial(random, 0, 0.5)).toBe(0);
    expect(binomial(random, 10, 0)).toBe(0);
    expect(binomial(random, 10, 1)).toBe(10);
  });
});
