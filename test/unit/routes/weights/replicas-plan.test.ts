import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  attainableBy,
  describeApproximation,
  nextPods,
  type Pods,
  planPods,
  weightOfPods,
} from '../../../../src/routes/weights/replicas-plan.ts';

const total = fc.integer({ min: 1, max: 200 });
const weight = fc.integer({ min: 0, max: 100 });

describe('pod counts for a weight', () => {
  test.each([
    [4, 25, { stable: 3, canary: 1 }],
    [4, 30, { stable: 3, canary: 1 }],
    [4, 5, { stable: 3, canary: 1 }],
    [4, 95, { stable: 1, canary: 3 }],
    [10, 33, { stable: 7, canary: 3 }],
    [1, 50, { stable: 1, canary: 1 }],
    [1, 100, { stable: 0, canary: 1 }],
    [7, 0, { stable: 7, canary: 0 }],
  ])('%d pods at %d %%', (total, weight, pods) => {
    expect(planPods(total, weight)).toEqual(pods);
  });

  test('keep the total, and both arms alive below 100 %', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), weight, (total, weight) => {
        const { stable, canary } = planPods(total, weight);
        expect(stable + canary).toBe(total);
        if (weight > 0 && weight < 100) expect(Math.min(stable, canary)).toBeGreaterThan(0);
      }),
    );
  });

  test('are as near to the weight as whole pods allow', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), fc.integer({ min: 1, max: 99 }), (total, weight) => {
        const distance = (canary: number) => Math.abs((canary / total) * 100 - weight);
        const { canary } = planPods(total, weight);
        for (let other = 1; other < total; other += 1)
          expect(distance(canary)).toBeLessThanOrEqual(distance(other) + 1e-9);
      }),
    );
  });

  test('rise with the weight', () => {
    fc.assert(
      fc.property(total, weight, weight, (total, a, b) => {
        const [lower, higher] = [planPods(total, Math.min(a, b)), planPods(total, Math.max(a, b))];
        expect(lower.canary).toBeLessThanOrEqual(higher.canary);
        expect(lower.stable).toBeGreaterThanOrEqual(higher.stable);
      }),
    );
  });

  test('mean a weight that plans the same counts again', () => {
    fc.assert(
      fc.property(total, weight, (total, weight) => {
        const pods = planPods(total, weight);
        expect(planPods(total, weightOfPods(pods))).toEqual(pods);
      }),
    );
  });

  test('are said with how well they fit', () => {
    expect(describeApproximation({ stable: 3, canary: 1 }, 30)).toBe('asked 30 %, 1 of 4 pods = 25.0 %');
  });
});

describe('going from one count to another', () => {
  const of = (stable: number, canary: number): Pods => ({ stable, canary });

  test('grows at once and shrinks only while three quarters of the pods stay ready', () => {
    expect(nextPods(of(4, 0), of(4, 0), of(0, 4), 4)).toEqual(of(3, 4));
    expect(nextPods(of(3, 4), of(3, 1), of(0, 4), 4)).toEqual(of(2, 4));
    expect(nextPods(of(2, 4), of(2, 4), of(0, 4), 4)).toEqual(of(0, 4));
  });

  test('takes the pods of a bad canary away at once where the stable ones can carry on', () => {
    expect(nextPods(of(3, 1), of(3, 1), of(4, 0), 4)).toEqual(of(4, 0));
  });

  test('keeps the only pod until the other arm has one', () => {
    expect(nextPods(of(0, 1), of(0, 1), of(1, 0), 1)).toEqual(of(1, 1));
    expect(nextPods(of(1, 1), of(1, 1), of(1, 0), 1)).toEqual(of(1, 0));
  });

  test('never asks for fewer pods than must stay ready, and arrives when all are', () => {
    fc.assert(
      fc.property(total, weight, weight, fc.nat(100), (total, from, to, readiness) => {
        const target = planPods(total, to);
        let asked = planPods(total, from);
        let ready = asked;
        for (let step = 0; step < 20; step += 1) {
          asked = nextPods(asked, ready, target, total);
          const kept = of(Math.min(asked.stable, ready.stable), Math.min(asked.canary, ready.canary));
          expect(kept.stable + kept.canary).toBeGreaterThanOrEqual(Math.ceil(total * 0.75));
          const grown = (now: number, wanted: number) => now + Math.ceil(((wanted - now) * readiness) / 100);
          ready = step < 10 ? of(grown(kept.stable, asked.stable), grown(kept.canary, asked.canary)) : asked;
        }
        expect(asked).toEqual(target);
      }),
    );
  });
});

describe('the weight that pods can give', () => {
  test.each([
    [2, 5, 50, '5 % needs 20 pods, and there are 2: 50 %'],
    [1, 5, 50, '5 % needs 20 pods, and there is 1: 50 %'],
    [4, 30, 25, '30 % needs 10 pods, and there are 4: 25 %'],
    [2, 33, 50, '33 % needs 3 pods, and there are 2: 50 %'],
    [10, 33, 30, '33 % needs 100 pods, and there are 10: 30 %'],
    [6, 5, 17, '5 % needs 20 pods, and there are 6: 17 %'],
    [3, 1, 33, '1 % needs 100 pods, and there are 3: 33 %'],
  ])('of %d pods for %d %% is %d %%, and why', (total, weight, given, why) => {
    expect(attainableBy(total, weight)).toEqual({ weight: given, why });
  });

  test.each([
    [20, 5],
    [4, 25],
    [3, 33],
    [2, 50],
    [2, 100],
  ])('of %d pods is %d %% where it is asked for', (total, weight) => {
    expect(attainableBy(total, weight)).toEqual({ weight });
  });

  test('is a whole number that plans the same pods, and can be given itself', () => {
    fc.assert(
      fc.property(total, fc.integer({ min: 1, max: 100 }), (total, weight) => {
        const given = attainableBy(total, weight).weight;
        expect(Number.isInteger(given)).toBe(true);
        expect(planPods(total, given)).toEqual(planPods(total, weight));
        expect(attainableBy(total, given)).toEqual({ weight: given });
      }),
    );
  });
});
