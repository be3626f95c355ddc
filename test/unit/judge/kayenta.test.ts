import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classify, type History, judgeHistories, mannWhitney } from '../../../src/judge/kayenta.ts';

const fast = [11.4, 7.3, 9.1, 6.2, 7.4, 6.3, 9.5, 7.5, 10.5, 10.3, 9.6, 5.0, 8.9, 9.9];
const slow = [12.0, 12.6, 11.5, 10.2, 11.1, 10.0, 12.1, 14.7, 11.0, 10.8, 13.0, 12.7, 12.2, 10.1, 11.9];

function history(canary: readonly number[], stable: readonly number[], more: Partial<History> = {}): History {
  return { name: 'latency', groups: ['Latency'], canary, stable, ...more };
}

describe('the Mann–Whitney interval', () => {
  // scipy 1.17: brentq(xtol=1e-4) on the tie- and continuity-corrected statistic with rankdata and norm.ppf(.99).
  it('is that of R and scipy for tied data', () => {
    const { low, high, estimate } = mannWhitney(slow, fast, 2.3263478740408408);
    expect(low).toBeCloseTo(1.5, 3);
    expect(high).toBeCloseTo(4.8, 3);
    // The statistic is zero between two pairwise differences; R's own estimate lies anywhere between them.
    expect(Math.abs(estimate - 3.05)).toBeLessThan(0.1);
  });

  it('names no shift where there is none', () => {
    const nothing = { low: Number.NaN, high: Number.NaN, estimate: Number.NaN };
    expect(mannWhitney([1, Number.POSITIVE_INFINITY], [1, 2], 2)).toEqual(nothing);
    expect(mannWhitney([1, Number.NaN], [1, 2], 2)).toEqual(nothing);
    expect(mannWhitney([Number.MAX_VALUE], [-Number.MAX_VALUE], 2)).toEqual(nothing);
  });

  it('mirrors when the arms change places', () => {
    const forth = mannWhitney(slow, fast, 2.3263478740408408);
    const back = mannWhitney(fast, slow, 2.3263478740408408);
    expect(back.low).toBeCloseTo(-forth.high, 3);
    expect(back.high).toBeCloseTo(-forth.low, 3);
  });

  it('moves with a shift of one arm and contains the estimate', () => {
    const values = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 4, maxLength: 25 });
    fc.assert(
      fc.property(values, values, fc.integer({ min: -500, max: 500 }), (x, y, shift) => {
        fc.pre(new Set(x).size > 1 && new Set(y).size > 1);
        const at = mannWhitney(x, y, 1.96);
        const moved = mannWhitney(
          x.map((value) => value + shift),
          y,
          1.96,
        );
        expect(moved.low).toBeCloseTo(at.low + shift, 2);
        expect(moved.high).toBeCloseTo(at.high + shift, 2);
        expect(at.low).toBeLessThanOrEqual(at.estimate + 1e-3);
        expect(at.high).toBeGreaterThanOrEqual(at.estimate - 1e-3);
      }),
    );
  });
});

describe('one metric', () => {
  it.each([
    ['High', slow, fast],
    ['Low', fast, slow],
    ['Pass', fast, fast.map((value) => value + 0.2)],
    ['Pass', fast, fast.toReversed()],
  ] as const)('is %s', (classification, canary, stable) => {
    expect(classify(history(canary, stable)).classification).toBe(classification);
  });

  it('is judged only in the direction that is bad', () => {
    expect(classify(history(slow, fast, { direction: 'decrease' })).classification).toBe('Pass');
    expect(classify(history(fast, slow, { direction: 'increase' })).classification).toBe('Pass');
  });

  it('that never varied differs by exactly its difference', () => {
    expect(classify(history([5, 5, 5], [3, 3])).classification).toBe('High');
    expect(classify(history([0, 0, 0], [3, 3])).classification).toBe('Low');
    expect(classify(history([3, 3, 3], [3, 3])).classification).toBe('Pass');
  });

  it('passes below the allowed ratio of the means, however sure the difference is', () => {
    const { deviation } = classify(history(slow, fast));
    expect(deviation).toBeCloseTo(175.9 / 15 / (118.9 / 14), 9);
    expect(classify(history(slow, fast, { allowedIncrease: 1.3 })).classification).toBe('High');
    expect(classify(history(slow, fast, { allowedIncrease: 1.5 })).classification).toBe('Pass');
    expect(classify(history(fast, slow, { allowedDecrease: 0.5 })).classification).toBe('Pass');
  });

  it('is critical only from the critical ratio on', () => {
    expect(classify(history(slow, fast, { critical: true })).critical).toBe(true);
    expect(classify(history(slow, fast, { critical: true, criticalIncrease: 1.5 }))).toMatchObject({
      classification: 'High',
      critical: false,
    });
    expect(classify(history(fast, fast, { critical: true })).critical).toBe(false);
  });

  it('is judged by the difference alone where a mean is zero', () => {
    const nearZero = [-1, 1, -2, 2, 0];
    const far = [100, 101, 102, 103, 104];
    expect(classify(history(far, nearZero, { allowedIncrease: 5 }))).toMatchObject({
      classification: 'High',
      deviation: Number.NaN,
    });
  });

  it('leaves out samples without an answer, or takes them for zero', () => {
    const holes = [Number.NaN, ...fast, Number.NaN];
    expect(classify(history(holes, fast)).classification).toBe('Pass');
    expect(classify(history([Number.NaN, Number.NaN], fast)).classification).toBe('Nodata');
    expect(classify(history([], fast)).classification).toBe('Nodata');
    expect(classify(history(Array(14).fill(Number.NaN), fast, { nanStrategy: 'replace' })).classification).toBe('Low');
    expect(classify(history([], fast, { nanStrategy: 'replace' })).classification).toBe('Pass');
  });

  it.each([
    ['in the canary', [1, Number.POSITIVE_INFINITY, 2], [1, 2, 3]],
    ['in stable', [1, 2, 3], [Number.NEGATIVE_INFINITY, 1, 2]],
    ['in both', [Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY]],
    ['of both signs', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], [1, 2]],
    ['beside NaN', [Number.NaN, Number.POSITIVE_INFINITY], [1, 2]],
  ])('has no data where a sample is infinite: %s', (_, canary, stable) => {
    for (const nanStrategy of ['remove', 'replace'] as const) {
      const history = { name: 'm', groups: ['g'], canary, stable, nanStrategy };
      expect(classify(history)).toMatchObject({ classification: 'Nodata', critical: false });
      expect(classify({ ...history, mustHaveData: true }).classification).toBe('NodataFailMetric');
      expect(classify({ ...history, critical: true })).toMatchObject({ classification: 'Nodata', critical: true });
    }
  });

  it('ends, whatever the samples are', () => {
    const samples = fc.array(fc.double(), { maxLength: 8 });
    fc.assert(
      fc.property(samples, samples, (canary, stable) => {
        const { classification } = classify({ name: 'm', groups: [], canary, stable });
        expect(['Pass', 'High', 'Low', 'Nodata']).toContain(classification);
      }),
      { numRuns: 2_000 },
    );
  });

  it('without data fails where data is required, and the canary where it is critical', () => {
    expect(classify(history([], fast, { mustHaveData: true })).classification).toBe('NodataFailMetric');
    expect(classify(history([], fast, { critical: true }))).toMatchObject({ classification: 'Nodata', critical: true });
  });
});

describe('the score', () => {
  const options = { groupWeights: {}, pass: 75, marginal: 50 };
  const pass = history(fast, fast, { name: 'pass' });
  const high = history(slow, fast, { name: 'high' });
  const none = history([], fast, { name: 'none' });

  it('is the share of passing metrics in a group, to two decimals', () => {
    expect(judgeHistories([pass, high, high], options)).toMatchObject({ score: 33.33, classification: 'Fail' });
    expect(judgeHistories([pass, high], options)).toMatchObject({ score: 50, classification: 'Marginal' });
    expect(judgeHistories([pass, pass], options)).toMatchObject({
      score: 100,
      classification: 'Pass',
      reason: undefined,
    });
  });

  it('weighs the groups, and shares what is left among those not named', () => {
    const metrics = [
      { ...pass, groups: ['A'] },
      { ...high, groups: ['B'] },
      { ...high, groups: ['C'] },
    ];
    expect(judgeHistories(metrics, { ...options, groupWeights: { A: 60 } }).score).toBe(60);
    expect(judgeHistories(metrics, { ...options, groupWeights: { B: 60 } }).score).toBe(20);
  });

  it('takes a group without data for full', () => {
    const result = judgeHistories(
      [
        { ...pass, groups: ['A'] },
        { ...pass, groups: ['A'] },
        { ...none, groups: ['B'] },
      ],
      options,
    );
    expect(result.score).toBe(100);
    expect(result.groups).toContainEqual({ name: 'B', score: 0, noData: true });
  });

  it('is zero with a critical metric that failed, or with half of the metrics without data', () => {
    expect(judgeHistories([pass, pass, { ...high, critical: true }], options)).toMatchObject({
      score: 0,
      classification: 'Fail',
      reason: 'high is critical and was classified as High',
    });
    expect(judgeHistories([pass, none], options)).toMatchObject({ score: 0, reason: '1 of 2 metrics have no data' });
  });
});
