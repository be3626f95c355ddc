import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HealthyOptions, healthyTest } from '../../../src/judge/healthy.ts';
import { binomial, seeded } from '../../../src/judge/random.ts';

const defaults: HealthyOptions = { tolerance: 2, excess: 0, designEffect: 1, beta: 0.05 };

/** Canary requests, bad ones; stable requests, bad ones. */
type Row = readonly [number, number, number, number];

function evidenceAfter(rows: readonly Row[], options: Partial<HealthyOptions> = {}): number {
  const test = healthyTest({ ...defaults, ...options });
  for (const [requests, bad, stable, stableBad] of rows)
    test.add({ requests, bad }, { requests: stable, bad: stableBad });
  return test.evidence();
}

/** The formula of the specification, written down once more in the plainest way. */
function byFormula(rows: readonly Row[], tolerance: number, excess: number): number {
  const alternatives = [
    [0.5, 0.1],
    [0.75, 0.3],
    [1, 0.6],
  ] as const;
  const terms = alternatives.map(([s, weight]) => {
    let log = 0;
    for (const [nc, xc, nb, xb] of rows) {
      const share = nc / (nc + nb);
      const d = (ratio: number) => 1 - share + share * ratio;
      const a = ((s / tolerance) * d(tolerance)) / d(s);
      const b = d(tolerance) / d(s);
      log += xc * Math.log(a) + xb * Math.log(b) - nc * excess * (a - 1);
    }
    return weight * Math.exp(log);
  });
  return Math.log(terms.reduce((total, term) => total + term, 0));
}

describe('the evidence for health', () => {
  it('follows the formula', () => {
    const row = fc
      .tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 900 }), fc.nat(20), fc.nat(20))
      .map(([a, c, b, d]): Row => [a, Math.min(a, b), c, Math.min(c, d)]);
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(1, 1.5, 3),
        fc.constantFrom(0, 0.01),
        (rows, tolerance, excess) => {
          expect(evidenceAfter(rows, { tolerance, excess })).toBeCloseTo(byFormula(rows, tolerance, excess), 8);
        },
      ),
    );
  });

  it('grows with a canary as good as stable and reaches the limit', () => {
    const test = healthyTest(defaults);
    for (let i = 0; i < 80; i++) test.add({ requests: 100, bad: 1 }, { requests: 900, bad: 9 });
    expect(test.evidence()).toBeGreaterThan(test.limit);
    expect(test.limit).toBeCloseTo(Math.log(20), 12);
  });

  it('falls with a canary at the tolerance', () => {
    expect(evidenceAfter(Array.from({ length: 50 }, (): Row => [100, 2, 900, 9]))).toBeLessThan(0);
  });

  it('never comes without a single bad request, unless an excess is accepted', () => {
    const silent = Array.from({ length: 100 }, (): Row => [1000, 0, 9000, 0]);
    expect(evidenceAfter(silent)).toBe(0);
    expect(evidenceAfter(silent, { excess: 0.01 })).toBeGreaterThan(Math.log(20));
  });

  it('never comes for a canary as good as stable at a tolerance of 1', () => {
    expect(
      evidenceAfter(
        Array.from({ length: 500 }, (): Row => [100, 1, 900, 9]),
        { tolerance: 1 },
      ),
    ).toBeLessThan(0);
  });

  it('begins anew at each step', () => {
    const test = healthyTest(defaults);
    test.add({ requests: 5000, bad: 5 }, { requests: 5000, bad: 50 });
    expect(test.evidence()).toBeGreaterThan(1);
    test.restart();
    expect(test.evidence()).toBe(0);
  });

  it('waits for both arms, within a step', () => {
    const test = healthyTest(defaults);
    test.add({ requests: 0, bad: 0 }, { requests: 300, bad: 30 });
    expect(test.evidence()).toBe(0);
    test.add({ requests: 300, bad: 2 }, { requests: 0, bad: 0 });
    expect(test.evidence()).toBeCloseTo(byFormula([[300, 2, 300, 30]], 2, 0), 9);
  });

  it('calls a canary at the tolerance healthy with probability at most beta', () => {
    const random = seeded(4);
    const rollouts = 1500;
    let wrong = 0;
    for (let i = 0; i < rollouts; i++) {
      const test = healthyTest(defaults);
      for (let look = 0; look < 150; look++) {
        test.add({ requests: 20, bad: binomial(random, 20, 0.1) }, { requests: 80, bad: binomial(random, 80, 0.05) });
        if (test.evidence() >= test.limit) {
          wrong++;
          break;
        }
      }
    }
    expect(wrong / rollouts).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt((0.05 * 0.95) / rollouts));
    expect(wrong).toBeGreaterThan(0);
  });
});
