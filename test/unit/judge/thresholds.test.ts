import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundProblem, slowerThan } from '../../../src/judge/latency.ts';
import { judgeErrorRate, judgeGauge } from '../../../src/judge/thresholds.ts';

const at = 1_700_000_000_000;

describe('a maximum error rate', () => {
  const rule = { limit: 0.01, minRequests: 50 };

  it('is broken by a rate above it', () => {
    const found = judgeErrorRate(rule, { requests: 200, bad: 3 });
    expect(found).toMatchObject({ state: 'breach', progress: 1, figures: { canaryRate: 0.015 } });
    expect(found.sentence).toBe('canary 1.5 % of 200 requests, limit 1 %');
  });

  it('is kept by a rate at it', () => {
    expect(judgeErrorRate(rule, { requests: 200, bad: 2 })).toMatchObject({ state: 'healthy', progress: 1 });
  });

  it('says nothing below the least number of requests, and that these are missing', () => {
    const found = judgeErrorRate(rule, { requests: 49, bad: 49 });
    expect(found.state).toBe('unknown');
    expect(found.missing).toBe('49 of at least 50 canary requests; limit 1 %');
  });

  it('of zero is kept by no error and broken by one', () => {
    const none = { limit: 0, minRequests: 1 };
    expect(judgeErrorRate(none, { requests: 100, bad: 0 })).toMatchObject({ state: 'healthy', progress: 0 });
    expect(judgeErrorRate(none, { requests: 100, bad: 1 })).toMatchObject({ state: 'breach', progress: 1 });
  });
});

describe('a limit for a gauge', () => {
  it.each([
    ['above', 0.5, 0.51, 'breach'],
    ['above', 0.5, 0.5, 'healthy'],
    ['above', 0.5, 0.1, 'healthy'],
    ['below', 100, 99, 'breach'],
    ['below', 100, 100, 'healthy'],
    ['below', 100, 250, 'healthy'],
  ] as const)('broken %s %d finds %d: %s', (breach, limit, value, state) => {
    expect(judgeGauge({ breach, limit }, { value, at }, undefined).state).toBe(state);
  });

  it('relative to stable is a multiple of what stable has', () => {
    const rule = { breach: 'above', limit: 1.5, relativeTo: 'stable' } as const;
    expect(judgeGauge(rule, { value: 0.29, at }, { value: 0.2, at }).state).toBe('healthy');
    const found = judgeGauge(rule, { value: 0.31, at }, { value: 0.2, at });
    expect(found.state).toBe('breach');
    expect(found.sentence).toBe('canary 0.31, stable 0.2, breach above 0.3 (1.5 times stable)');
  });

  it('relative to a stable value of zero is broken by anything', () => {
    const rule = { breach: 'above', limit: 10, relativeTo: 'stable' } as const;
    expect(judgeGauge(rule, { value: 0.001, at }, { value: 0, at }).state).toBe('breach');
    expect(judgeGauge(rule, { value: 0, at }, { value: 0, at }).state).toBe('healthy');
  });

  it('is unknown as long as a value is missing, and says which and why', () => {
    const absolute = { breach: 'above', limit: 1 } as const;
    const relative = { ...absolute, relativeTo: 'stable' } as const;
    expect(judgeGauge(absolute, undefined, undefined)).toMatchObject({
      state: 'unknown',
      missing: 'no value for the canary yet',
    });
    expect(judgeGauge(absolute, { missing: 'no series matched' }, undefined).missing).toBe(
      'no value for the canary: no series matched',
    );
    expect(judgeGauge(relative, { value: 5, at }, undefined)).toMatchObject({
      state: 'unknown',
      missing: 'no value for the stable arm yet',
    });
  });

  it('neither passes nor fails with NaN or infinity', () => {
    const rules = fc.record({
      breach: fc.constantFrom('above' as const, 'below' as const),
      limit: fc.double({ noNaN: true, min: -10, max: 10 }),
      relativeTo: fc.constantFrom('stable' as const, undefined),
    });
    const broken = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    fc.assert(
      fc.property(rules, broken, (rule, value) => {
        expect(judgeGauge(rule, { value, at }, { value: 1, at }).state).toBe('unknown');
      }),
    );
  });
});

describe('latency at a bucket bound', () => {
  const counts = (within: [number, number][], requests = 100) => ({ requests, errors: 0, within: new Map(within) });

  it('is the share of requests over it, of those in the histogram', () => {
    const histogram = counts([
      [0.1, 60],
      [0.3, 80],
      [Number.POSITIVE_INFINITY, 90],
    ]);
    expect(slowerThan(0.3, histogram)).toEqual({ requests: 90, bad: 10 });
    expect(slowerThan(0.1, histogram)).toEqual({ requests: 90, bad: 30 });
  });

  it('is the share of all requests where the histogram has no +Inf bucket', () => {
    expect(slowerThan(0.3, counts([[0.3, 97]]))).toEqual({ requests: 100, bad: 3 });
    expect(slowerThan(0.3, counts([[0.3, 103]]))).toEqual({ requests: 100, bad: 0 });
  });

  it('can be told at no other bound, and the bounds that exist are named', () => {
    expect(slowerThan(0.25, counts([[0.3, 97]]))).toBeUndefined();
    expect(boundProblem(0.3, [0.1, 0.3, Number.POSITIVE_INFINITY])).toBeUndefined();
    expect(boundProblem(0.25, [Number.POSITIVE_INFINITY, 2.5, 0.1, 0.3])).toBe(
      'The latency histogram has no bucket bound at 250ms; it has 100ms, 300ms, 2.5s.',
    );
    expect(boundProblem(0.25, [])).toBe('No latency histogram was read.');
  });
});
