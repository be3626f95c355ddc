import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shareOf, splitShare } from '../../../../src/routes/objects/weights.ts';

const share = fc.integer({ min: 1, max: 10_000 });
const weight = fc.oneof(
  fc.integer({ min: 0, max: 100 }),
  fc.integer({ min: 0, max: 1_000 }).map((tenths) => tenths / 10),
);

describe('dividing the arms share of a rule', () => {
  test.each([
    {
      share: 100,
      weight: 25,
      alone: true,
      split: { stable: 75, canary: 25, factor: 1 },
      because: 'it adds up already',
    },
    {
      share: 1,
      weight: 25,
      alone: true,
      split: { stable: 75, canary: 25, factor: 1 },
      because: 'alone it reads as per cent',
    },
    {
      share: 400,
      weight: 25,
      alone: true,
      split: { stable: 300, canary: 100, factor: 1 },
      because: 'the sum can stay',
    },
    { share: 90, weight: 50, alone: false, split: { stable: 45, canary: 45, factor: 1 }, because: 'it divides evenly' },
    {
      share: 90,
      weight: 25,
      alone: false,
      split: { stable: 135, canary: 45, factor: 2 },
      because: '22.5 needs doubling',
    },
    { share: 1, weight: 5, alone: false, split: { stable: 19, canary: 1, factor: 20 }, because: 'one twentieth of 1' },
    { share: 100, weight: 0.5, alone: true, split: { stable: 199, canary: 1, factor: 2 }, because: 'half a per cent' },
  ])('$share at $weight %: $because', ({ share, weight, alone, split }) => {
    expect(splitShare(share, weight, alone)).toEqual(split);
  });

  test('gives the canary exactly its weight, in whole numbers', () => {
    fc.assert(
      fc.property(share, weight, fc.boolean(), (share, weight, alone) => {
        const { stable, canary, factor } = splitShare(share, weight, alone);
        expect([stable, canary, factor].every(Number.isSafeInteger)).toBe(true);
        expect(canary * 100_000).toBe((stable + canary) * Math.round(weight * 1_000));
      }),
    );
  });

  test('keeps the arms share beside other destinations', () => {
    fc.assert(
      fc.property(share, weight, (share, weight) => {
        const { stable, canary, factor } = splitShare(share, weight, false);
        expect(stable + canary).toBe(share * factor);
      }),
    );
  });

  test('leaves a sum that is a multiple of 100 as it is for every whole weight', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 0, max: 100 }),
        fc.boolean(),
        (hundreds, weight, alone) => {
          const { stable, canary } = splitShare(hundreds * 100, weight, alone);
          expect(stable + canary).toBe(hundreds * 100);
        },
      ),
    );
  });

  test('sends everything to one arm at 0 and at 100', () => {
    fc.assert(
      fc.property(share, fc.boolean(), (share, alone) => {
        expect(splitShare(share, 0, alone)).toMatchObject({ canary: 0, factor: 1 });
        expect(splitShare(share, 100, alone)).toMatchObject({ stable: 0, factor: 1 });
      }),
    );
  });

  test('rises with the weight', () => {
    fc.assert(
      fc.property(share, weight, weight, fc.boolean(), (share, a, b, alone) => {
        const [lower, higher] = [Math.min(a, b), Math.max(a, b)].map((weight) => splitShare(share, weight, alone));
        const part = (split: typeof lower) => (split ? split.canary / (split.stable + split.canary) : Number.NaN);
        expect(part(lower)).toBeLessThanOrEqual(part(higher));
      }),
    );
  });

  test('reads a weight back from the numbers it was written as', () => {
    fc.assert(
      fc.property(share, weight, fc.boolean(), (share, weight, alone) => {
        const { stable, canary } = splitShare(share, weight, alone);
        expect(shareOf(stable, canary)).toBe(weight);
      }),
    );
  });
});
