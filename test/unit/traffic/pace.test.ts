import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import { createPace } from '../../../src/traffic/pace.ts';

const signal = new AbortController().signal;

/** A clock that wakes sleepers late, by turns, as a busy machine does. */
function lateClock(delays: readonly number[]): Clock & { now(): number } {
  let now = 1_000;
  let turn = 0;
  return {
    now: () => now,
    async sleep(milliseconds) {
      now += milliseconds + (delays[turn++ % delays.length] ?? 0);
    },
  };
}

/** When requests passed within so many milliseconds, each followed by some work of who sends it. */
async function passes(rate: number, duration: number, clock: Clock): Promise<number[]> {
  const pace = createPace(rate, clock);
  const end = clock.now() + duration;
  const times: number[] = [];
  while (await pace.passBefore(end, signal)) times.push(clock.now());
  return times;
}

const rates = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.double({ min: 0.1, max: 60, noNaN: true }));
const delays = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 400, noNaN: true })), {
  minLength: 1,
  maxLength: 40,
});
/** Of sums of floating point numbers. */
const TINY = 1e-6;

describe('the pace of requests', () => {
  it('never has more than the rate in any second, however late a machine wakes', async () => {
    await fc.assert(
      fc.asyncProperty(rates, delays, async (rate, late) => {
        const times = await passes(rate, 8_000, lateClock(late));
        const most = Math.max(1, Math.ceil(rate));
        const span = (most / rate) * 1_000;
        for (const [index, time] of times.entries()) {
          const later = times[index + most];
          if (later !== undefined) expect(later - time).toBeGreaterThanOrEqual(span - TINY);
        }
      }),
    );
  });

  it('has the whole rate on a machine in time, without drift', async () => {
    await fc.assert(
      fc.asyncProperty(rates, fc.integer({ min: 1, max: 20 }), async (rate, seconds) => {
        const times = await passes(rate, seconds * 1_000, lateClock([0]));
        for (const [index, time] of times.entries()) expect(time - 1_000).toBeCloseTo((index * 1_000) / rate, 3);
        expect(Math.abs(times.length - rate * seconds)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('keeps its average where each wake-up is a little late, but for two of a hundred', async () => {
    const times = await passes(20, 60_000, lateClock([3, 1, 0, 7]));
    expect(times.length).toBeGreaterThanOrEqual(1_176);
    expect(times.length).toBeLessThanOrEqual(1_200);
  });

  it('leaves out what was due while nobody waited, and makes up for nothing', async () => {
    const clock = lateClock([0]);
    const pace = createPace(10, clock);
    await pace.passBefore(Number.POSITIVE_INFINITY, signal);
    await clock.sleep(60_000, signal);
    const times: number[] = [];
    const end = clock.now() + 1_000;
    while (await pace.passBefore(end, signal)) times.push(clock.now());
    expect(times.length).toBeLessThanOrEqual(10);
    expect(times.length).toBeGreaterThanOrEqual(9);
  });

  it('says at once that none may pass before the end, and does not wait for it', async () => {
    const clock = lateClock([0]);
    const pace = createPace(1 / 60, clock);
    expect(await pace.passBefore(clock.now() + 10_000, signal)).toBe(true);
    const before = clock.now();
    expect(await pace.passBefore(before + 10_000, signal)).toBe(false);
    expect(clock.now()).toBe(before);
  });

  it('stops when it is aborted', async () => {
    const stop = new AbortController();
    const pace = createPace(10, lateClock([0]));
    stop.abort(new Error('enough'));
    await expect(pace.passBefore(Number.POSITIVE_INFINITY, stop.signal)).rejects.toThrow('enough');
  });
});
