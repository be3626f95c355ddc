import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTally, difference, merge, type Sample } from '../../../src/judge/counters.ts';
import type { Counter, Reading } from '../../../src/judge/readings.ts';

type Kind = Counter['kind'];

/** `pod/requests` or `pod/bucket/0.3`, with its value. */
type Values = Record<string, number>;

function counters(at: number, values: Values, extra: Partial<Counter> = {}): Counter[] {
  return Object.entries(values).map(([name, value]) => {
    const [instance = '', kind = '', le] = name.split('/');
    const bound = le === undefined ? {} : { le: Number(le) };
    return { kind: kindOf(kind), instance, series: `{code="any"}`, value, at, ...bound, ...extra };
  });
}

function kindOf(text: string): Kind {
  if (text === 'requests' || text === 'errors' || text === 'bucket') return text;
  throw new Error(`no kind ${text}`);
}

function reading(at: number, canary: Values, stable: Values = {}): Reading {
  return { at, canary: counters(at, canary), stable: counters(at, stable) };
}

/** The canary's totals after these readings, taken a second apart. */
function canaryAfter(...readings: Values[]): { requests: number; errors: number } {
  const tally = createTally();
  const taken = readings.map((values, i) => tally.take(reading(1000 * (i + 1), values)));
  const { requests, errors } = last(taken).sample.canary;
  return { requests, errors };
}

function last<T>(list: readonly T[]): T {
  const item = list.at(-1);
  if (item === undefined) throw new Error('empty list');
  return item;
}

describe('the first reading', () => {
  it('is the baseline: what was counted before it does not matter', () => {
    expect(canaryAfter({ 'a/requests': 5000, 'a/errors': 40 })).toEqual({ requests: 0, errors: 0 });
    expect(canaryAfter({ 'a/requests': 5000 }, { 'a/requests': 5030 })).toEqual({ requests: 30, errors: 0 });
  });
});

describe('a counter that falls', () => {
  it('was reset, and its new value counts whole', () => {
    expect(canaryAfter({ 'a/requests': 5000 }, { 'a/requests': 5030 }, { 'a/requests': 12 }).requests).toBe(42);
  });

  it('tells of a restart of its process, after which every other counter of it began at zero too', () => {
    const after = canaryAfter({ 'a/requests': 5000, 'a/errors': 3 }, { 'a/requests': 40, 'a/errors': 7 });
    expect(after).toEqual({ requests: 40, errors: 7 });
  });

  it('tells so also of a counter that comes back only later', () => {
    const after = canaryAfter(
      { 'a/requests': 5000, 'a/errors': 3 },
      { 'a/requests': 40 },
      { 'a/requests': 90, 'a/errors': 5 },
    );
    expect(after).toEqual({ requests: 90, errors: 5 });
  });

  it('says nothing of a process of which another request counter went on', () => {
    const tally = createTally();
    const gateway = (at: number, ofStable: number, ofCanary: number): Reading => ({
      at,
      stable: counters(at, { 'gateway/requests': ofStable }),
      canary: counters(at, { 'gateway/requests': ofCanary }),
    });
    tally.take(gateway(1, 1_000_000, 500));
    const { sample } = tally.take(gateway(2, 1_000_100, 4));
    expect(sample.stable.requests).toBe(100);
    expect(sample.canary.requests).toBe(4);
  });
});

describe('a counter that falls although its process did not restart', () => {
  const MINUTE = 60_000;
  const readingOf = (at: number, values: Values, startedAt?: number): Reading => ({
    at,
    stable: [],
    canary: counters(at, values, startedAt === undefined ? {} : { startedAt }),
  });

  it('is that of one of several workers: the second time nothing of it is judged, and that is told once', () => {
    const tally = createTally();
    const workers = [5_000, 200, 5_010, 190, 210].map((requests, i) =>
      tally.take(readingOf((i + 1) * 1_000, { 'a/requests': requests, 'a/errors': requests / 10 }, 1)),
    );
    expect(workers.map(({ unusable }) => unusable !== undefined)).toEqual([false, false, false, true, true]);
    expect(workers.map(({ sample }) => sample.canary.requests)).toEqual([0, 0, 0, 0, 0]);
    const told = workers.flatMap(({ problems }) => problems);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/of a went from 5010 to 190.*did not restart.*multiprocess mode.*one worker.*gateway/);
  });

  it('is judged again when that process is gone', () => {
    const tally = createTally();
    for (const [i, requests] of [5_000, 200, 5_010, 190].entries()) {
      tally.take(readingOf((i + 1) * 1_000, { 'a/requests': requests, 'b/requests': 10 }, 1));
    }
    const after = tally.take(readingOf(10_000, { 'b/requests': 17 }, 1));
    expect(after.unusable).toBeUndefined();
    expect(after.sample.canary.requests).toBe(7);
  });

  it('is one of several where the start goes back and forth, even if the values rise', () => {
    const tally = createTally();
    tally.take(readingOf(100_000, { 'a/requests': 200 }, 50_000));
    expect(tally.take(readingOf(101_000, { 'a/requests': 5_000 }, 10_000)).sample.canary.requests).toBe(0);
    expect(tally.take(readingOf(102_000, { 'a/requests': 201 }, 50_000)).unusable).toBeDefined();
  });

  it('was reset by the restart that is reported a moment later, and its gains since then count', () => {
    const tally = createTally();
    tally.take(readingOf(1_000, { 'a/requests': 5_000 }, 1));
    expect(tally.take(readingOf(20_000, { 'a/requests': 12 }, 1)).sample.canary.requests).toBe(0);
    expect(tally.take(readingOf(21_000, { 'a/requests': 14 }, 18_000)).sample.canary.requests).toBe(14);
    tally.take(readingOf(40_000, { 'a/requests': 3 }, 18_000));
    const again = tally.take(readingOf(41_000, { 'a/requests': 4 }, 39_000));
    expect(again.unusable).toBeUndefined();
    expect(again.sample.canary.requests).toBe(18);
  });

  it('once, as of a route that a gateway had forgotten, counts after some looks', () => {
    const tally = createTally();
    const gateway = (at: number, ofStable: number, ofCanary: number) =>
      tally.take({
        at,
        stable: counters(at, { 'gateway/requests': ofStable }, { startedAt: 1 }),
        canary: counters(at, { 'gateway/requests': ofCanary }, { startedAt: 1 }),
      }).sample;
    gateway(1_000, 1_000_000, 500);
    gateway(2_000, 1_000_100, 4);
    const taken = [3, 4, 5, 6, 7, 8].map((second) => gateway(second * 1_000, 1_000_100 + second * 10, second + 2));
    expect(taken.map(({ canary }) => canary.requests)).toEqual([0, 0, 0, 0, 9, 10]);
    expect(taken.at(-1)?.stable.requests).toBe(180);
  });

  it('may be any restart where no start is known, but not twice within minutes', () => {
    const rises = (pause: number) => {
      const tally = createTally();
      return [5_000, 12, 30, 8].map((requests, i) => tally.take(readingOf(i * pause + 1, { 'a/requests': requests })));
    };
    expect(rises(30 * MINUTE).map(({ sample }) => sample.canary.requests)).toEqual([0, 12, 30, 38]);
    expect(rises(MINUTE).map(({ unusable }) => unusable !== undefined)).toEqual([false, false, false, true]);
  });

  it('to a value that no process has right after its start is not counted', () => {
    const tally = createTally();
    tally.take(readingOf(1, { 'a/requests': 1_000_000 }));
    expect(tally.take(readingOf(2, { 'a/requests': 990_000 })).sample.canary.requests).toBe(0);
  });

  it('is found whichever worker answers, and from then on nothing is counted', () => {
    const worker = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(fc.array(worker, { maxLength: 40 }), fc.integer({ min: 500, max: 50_000 }), (answers, before) => {
        const tally = createTally();
        let counted: number | undefined;
        let falls = 0;
        let last = 0;
        for (const [second, which] of answers.entries()) {
          const shown = (which + 1) * before + second;
          const taken = tally.take(readingOf((second + 1) * 1_000, { 'a/requests': shown }, 1));
          if (shown < last) falls += 1;
          last = shown;
          if (falls > 1) counted ??= taken.sample.canary.requests;
          expect(taken.unusable !== undefined).toBe(falls > 1);
          if (counted !== undefined) expect(taken.sample.canary.requests).toBe(counted);
        }
      }),
    );
  });
});

describe('the start time of a process', () => {
  const startedAt = (at: number, value: number, started: number): Reading => ({
    at,
    stable: [],
    canary: counters(at, { 'a/requests': value }, { startedAt: started }),
  });

  it('tells of a restart even if the counter has grown past its old value', () => {
    const tally = createTally();
    tally.take(startedAt(10_000, 5, 1_000));
    expect(tally.take(startedAt(20_000, 9, 15_000)).sample.canary.requests).toBe(9);
  });

  it('that is reported with jitter does not', () => {
    const tally = createTally();
    tally.take(startedAt(10_000, 5, 1_000));
    expect(tally.take(startedAt(20_000, 9, 1_200)).sample.canary.requests).toBe(4);
  });
});

describe('a series that appears', () => {
  it('counts from zero: a counter of errors is born with the first error', () => {
    const after = canaryAfter({ 'a/requests': 100 }, { 'a/requests': 120, 'a/errors': 2 });
    expect(after).toEqual({ requests: 20, errors: 2 });
  });

  it('counts from zero with a pod that started during the rollout', () => {
    expect(canaryAfter({ 'a/requests': 100 }, { 'a/requests': 100, 'b/requests': 7 }).requests).toBe(7);
  });

  it('is a baseline on a process that is new to us but ran before the first reading', () => {
    const tally = createTally();
    tally.take(reading(10_000, { 'a/requests': 100 }));
    const late = (at: number, value: number): Reading => ({
      at,
      stable: [],
      canary: counters(at, { 'b/requests': value }, { startedAt: 2_000 }),
    });
    expect(tally.take(late(20_000, 4_000)).sample.canary.requests).toBe(0);
    expect(tally.take(late(30_000, 4_010)).sample.canary.requests).toBe(10);
  });

  it('counts from zero even on that process once it is known', () => {
    const tally = createTally();
    const values = (at: number, of: Values): Reading => ({
      at,
      stable: [],
      canary: counters(at, of, { startedAt: 1_000 }),
    });
    tally.take(values(10_000, { 'a/requests': 100 }));
    expect(tally.take(values(20_000, { 'a/requests': 105, 'a/errors': 3 })).sample.canary.errors).toBe(3);
  });
});

describe('a series that vanishes', () => {
  it('keeps what it counted', () => {
    expect(canaryAfter({ 'a/requests': 100 }, { 'a/requests': 150 }, {}).requests).toBe(50);
  });

  it('goes on from its last value when it returns', () => {
    expect(canaryAfter({ 'a/requests': 100 }, { 'a/requests': 150 }, {}, { 'a/requests': 160 }).requests).toBe(60);
  });
});

describe('a reading that is not newer', () => {
  it('is not fresh and adds nothing', () => {
    const tally = createTally();
    tally.take(reading(10, { 'a/requests': 100 }));
    const before = tally.take(reading(20, { 'a/requests': 130 }));
    const again = tally.take(reading(20, { 'a/requests': 170 }));
    expect(again.fresh).toBe(false);
    expect(again.sample).toEqual(before.sample);
  });

  it('of one series, from a replica that lags behind, does not look like a restart', () => {
    const tally = createTally();
    tally.take(reading(10, { 'a/requests': 1000, 'b/requests': 1000 }));
    tally.take(reading(20, { 'a/requests': 1050, 'b/requests': 1050 }));
    const lagging: Reading = {
      at: 21,
      stable: [],
      canary: [...counters(15, { 'a/requests': 1020 }), ...counters(21, { 'b/requests': 1055 })],
    };
    expect(tally.take(lagging).sample.canary.requests).toBe(105);
  });
});

describe('a value that is no count', () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1])(
    '%d is told and not counted',
    (value) => {
      const tally = createTally();
      tally.take(reading(10, { 'a/requests': 100 }));
      const taken = tally.take(reading(20, { 'a/requests': value }));
      expect(taken.sample.canary.requests).toBe(0);
      expect(taken.problems.join()).toContain('canary');
      expect(taken.problems.join()).toContain('requests');
      expect(taken.problems.join()).toContain(String(value));
      expect(tally.take(reading(30, { 'a/requests': 130 })).sample.canary.requests).toBe(30);
    },
  );

  it('in the first reading leaves the first usable one as the baseline', () => {
    expect(canaryAfter({ 'a/requests': Number.NaN }, { 'a/requests': 900 }, { 'a/requests': 905 }).requests).toBe(5);
  });

  it('is told once while it lasts, and again when it comes back', () => {
    const tally = createTally();
    const told = [1, Number.NaN, Number.NaN, 2, Number.NaN].map(
      (value, i) => tally.take(reading(i + 1, { 'a/requests': value })).problems.length,
    );
    expect(told).toEqual([0, 1, 0, 0, 1]);
  });

  it('is a bucket without a bound', () => {
    const tally = createTally();
    const bucket: Counter = { kind: 'bucket', instance: 'a', series: '', value: 3, at: 10 };
    expect(tally.take({ at: 10, stable: [], canary: [bucket] }).problems).toHaveLength(1);
  });
});

describe('errors read before their requests', () => {
  it('are carried into the next interval instead of being dropped', () => {
    const tally = createTally();
    const samples = [
      { 'a/requests': 100, 'a/errors': 0 },
      { 'a/requests': 101, 'a/errors': 4 },
      { 'a/requests': 110, 'a/errors': 4 },
    ].map((values, i) => tally.take(reading(i + 1, values)).sample.canary.errors);
    expect(samples).toEqual([0, 1, 4]);
  });

  it('are told when no request ever follows', () => {
    const tally = createTally();
    const told = [0, 5, 6, 7].map(
      (errors, i) => tally.take(reading(i + 1, { 'a/requests': 100, 'a/errors': errors })).problems,
    );
    expect(told.map((problems) => problems.length)).toEqual([0, 0, 1, 0]);
    expect(told[2]?.[0]).toMatch(/canary arm counts more errors than requests/);
  });
});

describe('a histogram', () => {
  it('is counted by bound, +Inf included, and summed over pods', () => {
    const tally = createTally();
    tally.take(reading(1, { 'a/bucket/0.1': 10, 'a/bucket/Infinity': 20, 'b/bucket/0.1': 0, 'b/bucket/Infinity': 0 }));
    const { sample } = tally.take(
      reading(2, { 'a/bucket/0.1': 13, 'a/bucket/Infinity': 25, 'b/bucket/0.1': 1, 'b/bucket/Infinity': 2 }),
    );
    expect(sample.canary.within).toEqual(
      new Map([
        [0.1, 4],
        [Number.POSITIVE_INFINITY, 7],
      ]),
    );
  });

  it('that restarts counts whole', () => {
    const tally = createTally();
    tally.take(reading(1, { 'a/requests': 90, 'a/bucket/0.1': 2, 'a/bucket/Infinity': 90 }));
    const { sample } = tally.take(reading(2, { 'a/requests': 8, 'a/bucket/0.1': 5, 'a/bucket/Infinity': 8 }));
    expect([...sample.canary.within.values()].toSorted()).toEqual([5, 8]);
  });
});

describe('intervals', () => {
  const sample = (at: number, requests: number, errors: number, within: number): Sample => ({
    at,
    stable: { requests: 10 * requests, errors, within: new Map() },
    canary: { requests, errors, within: new Map([[0.5, within]]) },
  });

  it('are the difference of two samples', () => {
    const interval = difference(sample(1000, 10, 1, 5), sample(2000, 30, 2, 20), 25);
    expect(interval).toEqual({
      from: 1000,
      to: 2000,
      weight: 25,
      stable: { requests: 200, errors: 1, within: new Map() },
      canary: { requests: 20, errors: 1, within: new Map([[0.5, 15]]) },
    });
  });

  it('of one weight merge into the interval of their ends', () => {
    const [a, b, c] = [sample(1000, 10, 1, 5), sample(2000, 30, 2, 20), sample(3000, 31, 2, 21)] as const;
    expect(merge(difference(a, b, 5), difference(b, c, 5))).toEqual(difference(a, c, 5));
  });

  it('of different weights are never pooled', () => {
    const [a, b, c] = [sample(1000, 10, 1, 5), sample(2000, 30, 2, 20), sample(3000, 31, 2, 21)] as const;
    expect(() => merge(difference(a, b, 5), difference(b, c, 25))).toThrow(RangeError);
  });
});

describe('whatever is read', () => {
  const value = fc.oneof(
    { weight: 8, arbitrary: fc.double({ min: 0, max: 1e6 }) },
    { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -3) },
  );
  const name = fc.constantFrom(
    ...['a', 'b', 'c'].flatMap((pod) =>
      ['requests', 'errors', 'bucket/0.1', 'bucket/1', 'bucket/Infinity'].map((of) => `${pod}/${of}`),
    ),
  );
  const values = fc.dictionary(name, value);
  const readings = fc.array(fc.tuple(fc.integer({ min: 0, max: 2000 }), values, values), { maxLength: 30 });

  it('totals never fall, errors never exceed requests in any interval, buckets never exceed wider ones', () => {
    fc.assert(
      fc.property(readings, (all) => {
        const tally = createTally();
        let at = 0;
        const samples = all.map(([pause, canary, stable]) => {
          at += pause;
          return tally.take(reading(at, canary, stable)).sample;
        });
        for (const [i, after] of samples.entries()) {
          const interval = difference(samples[Math.max(0, i - 1)] ?? after, after, 5);
          for (const { requests, errors, within } of [interval.canary, interval.stable]) {
            const buckets = [...within].toSorted(([a], [b]) => a - b).map(([, counted]) => counted);
            const rising = [0, ...buckets];
            expect(requests).toBeGreaterThanOrEqual(0);
            expect(errors).toBeGreaterThanOrEqual(0);
            expect(errors).toBeLessThanOrEqual(requests);
            expect(rising).toEqual(rising.toSorted((a, b) => a - b));
            expect([requests, errors, ...buckets].every(Number.isInteger)).toBe(true);
          }
        }
      }),
    );
  });

  it('the order of the counters within a reading does not matter', () => {
    const whole = fc.dictionary(name, fc.nat(1000));
    fc.assert(
      fc.property(fc.array(fc.tuple(whole, whole), { minLength: 2, maxLength: 6 }), (all) => {
        const inOrder = createTally();
        const reversed = createTally();
        for (const [i, [canary, stable]] of all.entries()) {
          const one = reading(i + 1, canary, stable);
          const other = { at: one.at, canary: one.canary.toReversed(), stable: one.stable.toReversed() };
          expect(reversed.take(other).sample).toEqual(inOrder.take(one).sample);
        }
      }),
    );
  });

  const lives = fc.array(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }), {
    minLength: 1,
    maxLength: 5,
  });

  /** Totals after a process lived several lives, each value seen. The first life began before the rollout. */
  function afterLives(growths: readonly number[][], tellStart: boolean): { counted: number; seen: number } {
    const tally = createTally();
    let at = 0;
    let seen = 0;
    let counted = 0;
    for (const [i, growth] of growths.entries()) {
      const extra = tellStart ? { startedAt: i === 0 ? -1 : at + 0.5 } : {};
      let value = i === 0 ? 20 : 0;
      if (i === 0) tally.take({ at, stable: [], canary: counters(at, { 'a/requests': value }, extra) });
      for (const more of growth) {
        at += 1;
        value += more;
        seen += more;
        const canary = counters(at, { 'a/requests': value }, extra);
        counted = tally.take({ at, stable: [], canary }).sample.canary.requests;
      }
    }
    return { counted, seen };
  }

  it('a process that restarts is counted exactly where its start time is known', () => {
    fc.assert(
      fc.property(lives, (growths) => {
        const { counted, seen } = afterLives(growths, true);
        expect(counted).toBe(seen);
      }),
    );
  });

  it('a process that restarts is never counted twice where it is not', () => {
    fc.assert(
      fc.property(lives, (growths) => {
        const { counted, seen } = afterLives(growths, false);
        expect(counted).toBeLessThanOrEqual(seen);
      }),
    );
  });
});
