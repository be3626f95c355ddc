import { describe, expect, it } from 'vitest';
import { boundProblem, slowerThan } from '../../../src/judge/latency.ts';
import { judgeErrorRate } from '../../../src/judge/thresholds.ts';

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
