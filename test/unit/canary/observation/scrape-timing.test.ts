import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bestMoment, pauseUntilNews } from '../../../../src/canary/observation/scrape-timing.ts';

const SECOND = 1_000;
const now = 1_000_000;
/** Moments from now on, twice: as two scrapes five seconds apart are announced. */
const every5s = (...offsets: number[]) =>
  offsets.flatMap((offset) => [now + offset, now + offset + 5 * SECOND]).toSorted((a, b) => a - b);

describe('the moment of the first shift', () => {
  test('is now where nobody knows when the canary is measured', () => {
    expect(bestMoment({ stable: every5s(SECOND), canary: [] }, now)).toBe(now);
  });

  test('is shortly before the canary is measured, and before a measurement of the stable arm', () => {
    expect(bestMoment({ stable: every5s(3_500), canary: every5s(4_000) }, now)).toBe(now + 2_800);
    expect(bestMoment({ stable: every5s(2_000), canary: every5s(4_000) }, now)).toBe(now + 1_800);
  });

  test('is a scrape later when the next one comes too soon to see anything', () => {
    expect(bestMoment({ stable: every5s(400), canary: every5s(600) }, now)).toBe(now + 4_400);
  });

  test('takes the one of several pods that is measured soonest after it', () => {
    const due = { stable: every5s(500, 3_000), canary: every5s(1_900, 3_100) };
    expect(bestMoment(due, now)).toBe(now + 1_900);
  });

  const times = fc.array(fc.integer({ min: 1, max: 30 * SECOND }), { maxLength: 20 });
  test('is never in the past, and leaves a measurement to come', () => {
    fc.assert(
      fc.property(times, times, (stable, canary) => {
        const due = { stable: stable.map((time) => now + time), canary: canary.map((time) => now + time) };
        const moment = bestMoment(due, now);
        expect(moment).toBeGreaterThanOrEqual(now);
        if (moment > now) expect(Math.max(...due.canary)).toBeGreaterThan(moment);
      }),
    );
  });
});

describe('the pause between two looks', () => {
  test('is the usual one where a look measures by itself', () => {
    expect(pauseUntilNews(undefined, 1_250, now)).toBe(1_250);
  });

  test('ends when the measurement of the canary can be read', () => {
    expect(pauseUntilNews({ stable: [], canary: every5s(600) }, 1_250, now)).toBe(700);
    expect(pauseUntilNews({ stable: [], canary: every5s(4_000) }, 1_250, now)).toBe(1_250);
  });

  test('is never shorter than a fifth of the usual one, nor longer than it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -SECOND, max: SECOND })), (offsets) => {
        const pause = pauseUntilNews({ stable: [], canary: offsets.map((offset) => now + offset) }, 1_250, now);
        expect(pause).toBeGreaterThanOrEqual(250);
        expect(pause).toBeLessThanOrEqual(1_250);
      }),
    );
  });
});
