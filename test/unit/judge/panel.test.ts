import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Check, createPanel, type Panel } from '../../../src/judge/panel.ts';
import type { Counts, Interval, Opinion } from '../../../src/judge/types.ts';

const at = 1_700_000_000_000;

function counts(requests: number, errors: number, within: [number, number][] = []): Counts {
  return { requests, errors, within: new Map(within) };
}

function interval(weight: number, canary: Counts, stable: Counts): Interval {
  return { from: at, to: at + 1000, weight, canary, stable };
}

function panelOf(checks: readonly Check[], steps = 1): Panel {
  const panel = createPanel(checks, { alpha: 0.01, steps });
  panel.enter(5);
  return panel;
}

function opinionOf(panel: Panel, check: string): Opinion {
  const opinion = panel.opinions().find((one) => one.check === check);
  if (!opinion) throw new Error(`no opinion of ${check}`);
  return opinion;
}

const errorRate: Check = { kind: 'error-rate' };
const broken = interval(5, counts(400, 20), counts(7600, 38));

describe('a panel', () => {
  it('says for each check, in order, what it found and what a breach leads to', () => {
    const panel = panelOf([
      errorRate,
      { kind: 'latency', bound: 0.3, onBreach: 'freeze' },
      { kind: 'max-error-rate', limit: 0.01, minRequests: 10, onBreach: 'warn' },
    ]);
    const names = ['error-rate', 'latency-300ms', 'max-error-rate'];
    expect(panel.checks).toEqual(names);
    expect(panel.opinions().map(({ check }) => check)).toEqual(names);
    expect(panel.opinions().map(({ onBreach }) => onBreach)).toEqual(['rollback', 'freeze', 'warn']);
    expect(panel.opinions().every(({ state }) => state === 'unknown')).toBe(true);
  });

  it('refuses two checks of one name, and options that can’t be', () => {
    expect(() => panelOf([errorRate, errorRate])).toThrow(/same name/);
    expect(() => createPanel([errorRate], { alpha: 2, steps: 1 })).toThrow(RangeError);
    expect(() => createPanel([errorRate], { steps: 0 })).toThrow(RangeError);
    expect(() => panelOf([{ kind: 'max-error-rate', limit: 0.1, minRequests: 0 }])).toThrow(RangeError);
    expect(() => panelOf([{ kind: 'error-rate', tolerance: 0.5 }])).toThrow(RangeError);
  });

  it('counts the requests of this step', () => {
    const panel = panelOf([errorRate], 2);
    expect(panel.requests()).toEqual({ canary: 0, stable: 0 });
    panel.add(interval(5, counts(10, 0), counts(190, 1)));
    panel.add(interval(5, counts(12, 0), counts(188, 1)));
    expect(panel.requests()).toEqual({ canary: 22, stable: 378 });
    panel.enter(25);
    expect(panel.requests()).toEqual({ canary: 0, stable: 0 });
  });

  it('leaves out an interval of another weight than the step’s', () => {
    const panel = panelOf([errorRate], 2);
    panel.enter(25);
    panel.add(broken);
    expect(panel.requests()).toEqual({ canary: 0, stable: 0 });
    expect(opinionOf(panel, 'error-rate').progress).toBeCloseTo(0, 9);
  });
});

describe('the error rate', () => {
  it('is unknown as long as the evidence is weak, with both measured rates in the sentence', () => {
    const panel = panelOf([errorRate]);
    panel.add(interval(5, counts(412, 3), counts(7830, 39)));
    const opinion = opinionOf(panel, 'error-rate');
    expect(opinion.state).toBe('unknown');
    expect(opinion.missing).toBeUndefined();
    expect(opinion.sentence).toBe(
      '3 of 412 canary requests failed (0.73 %), 1.5 times the rate of stable (0.5 % of 7,830); no more than luck explains',
    );
    expect(opinion.figures).toMatchObject({ canaryRequests: 412, canaryBad: 3, stableRequests: 7830, stableBad: 39 });
    expect(opinion.figures.canaryRate).toBeCloseTo(3 / 412, 12);
    expect(opinion.figures.limit).toBeCloseTo(Math.log(100), 12);
  });

  it('is a breach once the evidence is over its limit', () => {
    const panel = panelOf([errorRate]);
    panel.add(broken);
    const opinion = opinionOf(panel, 'error-rate');
    expect(opinion).toMatchObject({ state: 'breach', progress: 1 });
    expect(opinion.figures.evidence).toBeGreaterThan(Math.log(100));
  });

  it('says in plain words how bad it is, and how seldom luck does as much', () => {
    const panel = panelOf([errorRate]);
    panel.add(interval(5, counts(60, 3), counts(1140, 6)));
    expect(opinionOf(panel, 'error-rate').sentence).toMatch(
      /^3 of 60 canary requests failed \(5 %\), 9\.5 times the rate of stable \(0\.53 % of 1,140\); luck does this in 1 of 11 rollouts, and a breach takes 1 of 100$/,
    );
    panel.add(interval(5, counts(40, 2), counts(760, 4)));
    panel.add(interval(5, counts(100, 6), counts(1900, 10)));
    const { sentence, figures } = opinionOf(panel, 'error-rate');
    const [, told = ''] = /luck does this in less than 1 of ([\d,]+) rollouts$/.exec(sentence) ?? [];
    expect(sentence).toMatch(/^11 of 200 canary requests failed \(5\.5 %\), 10 times the rate of stable/);
    // Told is never less probable than it is, and by less than a tenth more.
    const rollouts = Number(told.replaceAll(',', ''));
    expect(rollouts).toBeLessThanOrEqual(Math.exp(figures.evidence ?? 0));
    expect(rollouts).toBeGreaterThan(0.9 * Math.exp(figures.evidence ?? 0));
  });

  it('names no multiple of a stable arm that had no failure, and none where the canary is no worse', () => {
    const panel = panelOf([errorRate]);
    panel.add(interval(5, counts(100, 50), counts(1900, 0)));
    expect(opinionOf(panel, 'error-rate').sentence).toBe(
      '50 of 100 canary requests failed (50 %), stable 0 % of 1,900; luck does this in less than 1 of 1,000,000 rollouts',
    );
    const even = panelOf([errorRate]);
    even.add(interval(5, counts(100, 1), counts(1900, 19)));
    expect(opinionOf(even, 'error-rate').sentence).toBe(
      '1 of 100 canary requests failed (1 %), stable 1 % of 1,900; no more than luck explains',
    );
  });

  it('is healthy once it is surely below twice the stable rate', () => {
    const panel = panelOf([errorRate]);
    for (let i = 0; i < 100; i++) panel.add(interval(5, counts(100, 1), counts(1900, 19)));
    const opinion = opinionOf(panel, 'error-rate');
    expect(opinion.state).toBe('healthy');
    expect(opinion.sentence).toContain('surely below 2 times stable');
    panel.enter(25);
    expect(opinionOf(panel, 'error-rate').state).toBe('unknown');
  });

  it('names what is accepted where it is more than the stable rate', () => {
    const panel = panelOf([{ kind: 'error-rate', tolerance: 1.5, excess: 0.01 }]);
    panel.add(broken);
    expect(opinionOf(panel, 'error-rate').sentence).toContain('accepted 1.5 times stable + 1 %');
  });

  it('has no data without requests to both arms', () => {
    const panel = panelOf([errorRate]);
    expect(opinionOf(panel, 'error-rate').missing).toBe('the canary got no requests in this step');
    panel.add(interval(5, counts(10, 1), counts(0, 0)));
    expect(opinionOf(panel, 'error-rate')).toMatchObject({
      state: 'unknown',
      missing: 'the stable arm got no requests to compare with',
    });
    panel.add(interval(5, counts(0, 0), counts(100, 1)));
    expect(opinionOf(panel, 'error-rate').missing).toBeUndefined();
  });

  it('is compared at weight 100 with the stable arm of the step before', () => {
    const panel = panelOf([errorRate], 2);
    panel.add(interval(5, counts(500, 2), counts(9500, 40)));
    panel.enter(100);
    panel.add(interval(100, counts(600, 60), counts(0, 0)));
    const opinion = opinionOf(panel, 'error-rate');
    expect(opinion.state).toBe('breach');
    expect(opinion.sentence).toContain(
      '60 of 600 canary requests failed (10 %), 24 times the rate of stable (0.42 % of 9,500) at weight 5;',
    );
  });

  it('never passes or fails on an interval without requests', () => {
    const panel = panelOf([errorRate]);
    const before = opinionOf(panel, 'error-rate');
    for (let i = 0; i < 100; i++) panel.add(interval(5, counts(0, 0), counts(0, 0)));
    expect(opinionOf(panel, 'error-rate')).toEqual(before);
  });
});

describe('several checks', () => {
  const latency: Check = { kind: 'latency', bound: 0.3 };

  it('that end the rollout share the false alarms; one that warns has its own', () => {
    const limits = panelOf([errorRate, latency, { ...latency, name: 'watch', onBreach: 'warn' }])
      .opinions()
      .map(({ figures }) => figures.limit);
    expect(limits).toEqual([Math.log(200), Math.log(200), Math.log(100)]);
  });

  it('of latency find slow requests whatever the errors', () => {
    const panel = panelOf([errorRate, latency]);
    const histogram = (slow: number, all: number): [number, number][] => [
      [0.3, all - slow],
      [Number.POSITIVE_INFINITY, all],
    ];
    panel.add(interval(5, counts(400, 2, histogram(80, 400)), counts(7600, 38, histogram(76, 7600))));
    expect(opinionOf(panel, 'latency-300ms').state).toBe('breach');
    expect(opinionOf(panel, 'latency-300ms').sentence).toContain(
      '80 of 400 canary requests took over 300ms (20 %), 20 times the rate of stable (1 % of 7,600);',
    );
    expect(opinionOf(panel, 'error-rate').state).toBe('unknown');
  });

  it('of latency name the bounds that exist when theirs does not, in either arm', () => {
    const panel = panelOf([latency]);
    panel.add(interval(5, counts(400, 2, [[0.25, 80]]), counts(7600, 38, [[0.3, 76]])));
    expect(opinionOf(panel, 'latency-300ms')).toMatchObject({
      state: 'unknown',
      missing: 'canary: The latency histogram has no bucket bound at 300ms; it has 250ms.',
    });
  });
});

describe('whatever is counted', () => {
  it('progress lies between 0 and 1, is 1 exactly at a breach of a sequential check, and figures are finite', () => {
    const outcome = fc.tuple(fc.nat(1000), fc.nat(1000)).map(([a, b]) => counts(Math.max(a, b), Math.min(a, b)));
    const weights = fc.constantFrom(5, 25, 100);
    fc.assert(
      fc.property(fc.array(fc.tuple(weights, outcome, outcome), { maxLength: 20 }), (all) => {
        const panel = createPanel([errorRate, { kind: 'max-error-rate', limit: 0.1, minRequests: 5 }], { steps: 3 });
        for (const [weight, canary, stable] of all) {
          panel.enter(weight);
          panel.add(interval(weight, canary, stable));
          for (const { progress, figures } of panel.opinions()) {
            expect(progress).toBeGreaterThanOrEqual(0);
            expect(progress).toBeLessThanOrEqual(1);
            expect(Object.values(figures).every(Number.isFinite)).toBe(true);
          }
          const [sequential] = panel.opinions();
          expect(sequential?.state === 'breach').toBe(sequential?.progress === 1);
        }
      }),
    );
  });
});
