import fc from 'fast-check';
import { expect, test } from 'vitest';
import { badAtLeast, binomialAtMost } from '../../../src/judge/exact-tests.ts';

test('the binomial tail is that of tables', () => {
  expect(binomialAtMost(0, 10, 0.5)).toBeCloseTo(1 / 1024, 12);
  expect(binomialAtMost(3, 10, 0.5)).toBeCloseTo(176 / 1024, 12);
  expect(binomialAtMost(0, 100, 0.2)).toBeCloseTo(0.8 ** 100, 15);
  expect(binomialAtMost(9, 10, 1)).toBe(0);
  expect(binomialAtMost(10, 10, 1)).toBe(1);
  expect(binomialAtMost(0, 10, 0)).toBe(1);
  expect(binomialAtMost(50_000, 100_000, 0.5)).toBeCloseTo(0.5, 2);
});

test("Fisher's test is that of the lady who tastes tea", () => {
  expect(badAtLeast({ requests: 4, bad: 3 }, { requests: 4, bad: 1 })).toBeCloseTo(17 / 70, 12);
  expect(badAtLeast({ requests: 4, bad: 4 }, { requests: 4, bad: 0 })).toBeCloseTo(1 / 70, 12);
  expect(badAtLeast({ requests: 5, bad: 0 }, { requests: 5, bad: 5 })).toBeCloseTo(1, 12);
});

test('tails are probabilities, and rise with what they bound', () => {
  const counts = fc.record({
    trials: fc.integer({ min: 1, max: 3_000 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(counts, fc.double({ min: 0, max: 1, noNaN: true }), ({ trials, part }, chance) => {
      const k = Math.floor(part * (trials - 1));
      const [less, more] = [binomialAtMost(k, trials, chance), binomialAtMost(k + 1, trials, chance)];
      expect(less).toBeGreaterThanOrEqual(0);
      expect(more).toBeLessThanOrEqual(1);
      expect(more).toBeGreaterThanOrEqual(less - 1e-9);
      const other = { requests: trials, bad: Math.floor(trials * chance) };
      expect(badAtLeast({ requests: trials, bad: k + 1 }, other)).toBeLessThanOrEqual(
        badAtLeast({ requests: trials, bad: k }, { requests: trials, bad: other.bad }) + 1e-9,
      );
    }),
  );
});
