import { describe, expect, it } from 'vitest';
import { type Check, createPanel, type Panel } from '../../../src/judge/panel.ts';
import { binomial, type Random, seeded } from '../../../src/judge/random.ts';
import type { Counts, Interval } from '../../../src/judge/types.ts';

/** As a rollout makes them without being asked. */
const watches: Check[] = [
  { kind: 'unanswered', designEffect: 2 },
  { kind: 'hanging', excess: 0.05, designEffect: 3 },
];
const usual: Check[] = [{ kind: 'error-rate' }, ...watches];

function counts(requests: number, unanswered: number, slow?: number): Counts {
  const within: [number, number][] =
    slow === undefined
      ? []
      : [
          [2.5, requests - slow],
          [Number.POSITIVE_INFINITY, requests],
        ];
  return { requests, errors: unanswered, unanswered, within: new Map(within) };
}

const interval = (canary: Counts, stable: Counts, weight = 10): Interval => ({
  from: 0,
  to: 1_000,
  weight,
  canary,
  stable,
});

function panelOf(checks = usual, weight = 10): Panel {
  const panel = createPanel(checks, { alpha: 0.01, steps: 3 });
  panel.enter(weight);
  return panel;
}

const breaches = (panel: Panel) => panel.opinions().flatMap(({ check, state }) => (state === 'breach' ? [check] : []));

/** The breach that ends a rollout of two steps with so many looks, if one does. */
function rollout(random: Random, rates: { stable: number; canary: number; slow: number }, looks: number): string[] {
  const panel = panelOf(watches, 10);
  for (let look = 0; look < looks; look += 1) {
    if (look === looks / 2) panel.enter(50);
    const weight = look < looks / 2 ? 10 : 50;
    const [c, s] = [4 * weight, 4 * (100 - weight)];
    const canary = counts(c, binomial(random, c, rates.canary), binomial(random, c, rates.slow));
    panel.add(interval(canary, counts(s, binomial(random, s, rates.stable), binomial(random, s, rates.slow)), weight));
    const found = breaches(panel);
    if (found.length > 0) return found;
  }
  return [];
}

describe('requests without an answer', () => {
  it('are a breach where the canary has more of them, and no errors of its own', () => {
    const panel = panelOf();
    panel.add(interval(counts(20, 20), counts(180, 2)));
    expect(breaches(panel)).toEqual(['unanswered']);
    expect(panel.opinions()[1]?.sentence).toMatch(
      /^20 of 20 canary requests got no answer \(100 %\), 90 times the rate of stable \(1\.1 % of 180\)/,
    );
    expect(panel.opinions()[0]?.sentence).toMatch(/^0 of 20 canary requests failed \(0 %\)/);
  });

  it('are no breach where clients of both arms give up alike', () => {
    let falseAlarms = 0;
    for (let seed = 1; seed <= 100; seed += 1) {
      falseAlarms += rollout(seeded(seed), { stable: 0.04, canary: 0.04, slow: 0.02 }, 16).length;
    }
    expect(falseAlarms).toBeLessThanOrEqual(1);
  });

  it('are found also where clients give up anyway', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      expect(rollout(seeded(seed), { stable: 0.03, canary: 0.4, slow: 0 }, 16)).toEqual(['unanswered']);
    }
  });

  it('are no part of a fixed limit of errors', () => {
    const panel = panelOf([{ kind: 'max-error-rate', limit: 0.01, minRequests: 10 }, ...watches]);
    panel.add(interval(counts(100, 5), counts(900, 45)));
    expect(breaches(panel)).toEqual([]);
  });
});

describe('requests that take very long', () => {
  it('are a breach where the canary answers all of them too late', () => {
    const panel = panelOf();
    panel.add(interval(counts(30, 0, 30), counts(270, 0, 0)));
    expect(breaches(panel)).toEqual(['hanging']);
    expect(panel.opinions().at(-1)?.sentence).toMatch(/^30 of 30 canary requests took over 2\.5s \(100 %\)/);
  });

  it('are no breach while the first few of a new process are', () => {
    const panel = panelOf();
    panel.add(interval(counts(12, 0, 6), counts(108, 0, 0)));
    for (let second = 0; second < 60; second += 1) panel.add(interval(counts(12, 0, 0), counts(108, 0, 0)));
    expect(breaches(panel)).toEqual([]);
  });

  it('are not spoken of without a histogram', () => {
    const panel = panelOf();
    panel.add(interval(counts(30, 0), counts(270, 0)));
    expect(panel.opinions().map(({ check }) => check)).toEqual(['error-rate', 'unanswered']);
  });

  it('keep no step from ending where the canary has no histogram any more', () => {
    const panel = panelOf();
    panel.add(interval(counts(30, 0), counts(270, 0, 0)));
    const hanging = panel.opinions().at(-1);
    expect(hanging).toMatchObject({
      check: 'hanging',
      state: 'unknown',
      sentence: 'canary: No latency histogram was read.',
    });
    expect(hanging?.missing).toBeUndefined();
  });
});

it('what nobody asked for keeps no step from ending early', () => {
  const panel = panelOf();
  expect(panel.opinions().map(({ state, missing }) => [state, missing === undefined])).toEqual([
    ['unknown', false],
    ['unknown', true],
  ]);
  for (let second = 0; second < 100; second += 1) panel.add(interval(counts(50, 0, 0), counts(450, 0, 0)));
  expect(
    panel
      .opinions()
      .slice(1)
      .map(({ state }) => state),
  ).toEqual(['healthy', 'healthy']);
});

it('the error rate gives up next to nothing of its sensitivity', () => {
  const limit = (checks: Check[]) => panelOf(checks).opinions()[0]?.figures.limit ?? 0;
  expect(limit(usual) - limit([{ kind: 'error-rate' }])).toBeCloseTo(Math.log(1 / 0.9), 9);
});
