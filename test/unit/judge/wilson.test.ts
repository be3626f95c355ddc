import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wilson } from '../../../src/judge/wilson.ts';

const outcome = fc
  .integer({ min: 1, max: 1_000_000 })
  .chain((requests) => fc.integer({ min: 0, max: requests }).map((bad) => ({ requests, bad })));

describe('the interval of a rate', () => {
  it.each([
    // Where the distance of a rate p from bad/requests is 1.96 standard errors of p, found by bisection.
    [{ requests: 10, bad: 5 }, 0.2366, 0.7634],
    [{ requests: 100, bad: 1 }, 0.0018, 0.0545],
    [{ requests: 10, bad: 0 }, 0, 0.2775],
  ])('is the known one of %o', (counted, low, high) => {
    expect(wilson(counted)?.low).toBeCloseTo(low, 4);
    expect(wilson(counted)?.high).toBeCloseTo(high, 4);
  });

  it('holds the rate, within 0 and 1, and is narrower for more requests of the same rate', () => {
    fc.assert(
      fc.property(outcome, ({ requests, bad }) => {
        const { low = 1, high = 0 } = wilson({ requests, bad }) ?? {};
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(bad / requests);
        expect(high).toBeGreaterThanOrEqual(bad / requests);
        const more = wilson({ requests: 4 * requests, bad: 4 * bad });
        expect((more?.high ?? 1) - (more?.low ?? 0)).toBeLessThan(high - low);
      }),
    );
  });

  it('is none without requests', () => {
    expect(wilson({ requests: 0, bad: 0 })).toBeUndefined();
  });
});
