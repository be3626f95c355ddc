import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENOUGH, type MeasuredTime, measure } from '../../../../src/drills/measure/recovery.ts';
import { createRequestLog } from '../../../../src/drills/measure/request-log.ts';
import type { Tally } from '../../../../src/drills/ports.ts';

const start = 1_700_000_000_000;

interface Sent {
  readonly at: number;
  readonly took: number;
  readonly good: boolean;
}

/** Tells the log of requests in the order of their answers, and of the fault as it happens. */
function logOf(requests: readonly Sent[], time: MeasuredTime) {
  const log = createRequestLog('own');
  const told = [
    ...requests.map((sent) => ({ at: sent.at + sent.took, tell: () => log.tally(tallyOf(sent)) })),
    { at: time.injectedAt, tell: () => log.injecting(time.injectedAt) },
    { at: time.removedAt, tell: () => log.border(time.removedAt) },
    { at: time.endedAt, tell: () => log.border(time.endedAt) },
  ];
  for (const { tell } of told.toSorted((a, b) => a.at - b.at)) tell();
  return log;
}

function tallyOf({ at, took, good }: Sent): Tally {
  const span = { from: at, to: at + took };
  return good ? { ...span, good: 1, bad: 0, took } : { ...span, good: 0, bad: 1, fault: 'HTTP 503' };
}

/** The probability of so many of n or more, each with this chance: the sum of all ways. */
function atLeast(least: number, n: number, chance: number): number {
  const choose = (k: number): number => (k === 0 ? 1 : (choose(k - 1) * (n - k + 1)) / k);
  const terms = Array.from({ length: n - least + 1 }, (_, index) => {
    const k = least + index;
    return choose(k) * chance ** k * (1 - chance) ** (n - k);
  });
  return terms.reduce((sum, term) => sum + term, 0);
}

/** The same figures from the full list of requests, as they are defined. */
function bruteForce(requests: readonly Sent[], time: MeasuredTime) {
  const { injectedAt, removedAt, endedAt, target } = time;
  const felt = requests
    .map((sent) =>
      !sent.good && sent.at < injectedAt && sent.at + sent.took > injectedAt ? { ...sent, at: injectedAt } : sent,
    )
    .filter(({ at }) => at >= injectedAt && at < endedAt)
    .toSorted((a, b) => a.at - b.at);
  const lost = felt.filter(({ good }) => !good).length;
  const seconds = Map.groupBy(felt, ({ at }) => `${Math.floor(at / 1_000)} ${at < removedAt}`);
  const before = requests.filter(({ at, took, good }) => at < injectedAt && (good || at + took <= injectedAt));
  const usual = before.length === 0 ? 0 : before.filter(({ good }) => !good).length / before.length;
  const below = [...seconds.values()].filter((second) => {
    const bad = second.filter(({ good }) => !good).length;
    return 1 - bad / second.length < target && (usual === 0 || atLeast(bad, second.length, usual) <= 0.001);
  });
  const lastBad = below.at(-1)?.findLast(({ good }) => !good)?.at;
  const lastSlice = Math.min(endedAt, (Math.floor((felt.at(-1)?.at ?? 0) / 1_000) + 1) * 1_000);
  const since = lastBad ?? injectedAt;
  const until = (felt.at(-1)?.at ?? 0) < removedAt ? Math.min(lastSlice, removedAt) : lastSlice;
  return {
    requests: felt.length,
    lost,
    recovery:
      until - since >= time.steadyFor
        ? { fromInjection: since - injectedAt, fromRemoval: Math.max(0, since - removedAt) }
        : undefined,
  };
}

const time: fc.Arbitrary<MeasuredTime> = fc
  .record({
    injected: fc.integer({ min: 1, max: 20_000 }),
    lasts: fc.integer({ min: 0, max: 30_000 }),
    watched: fc.integer({ min: 1, max: 60_000 }),
    target: fc.constantFrom(0.5, 0.9, 0.99, 1),
    steadyFor: fc.constantFrom(1_000, 5_000, 15_000),
  })
  .map(({ injected, lasts, watched, target, steadyFor }) => ({
    injectedAt: start + injected,
    removedAt: start + injected + lasts,
    endedAt: start + injected + lasts + watched,
    target,
    steadyFor,
  }));

/** Requests with bursts, times without any, and late answers. */
const requests = fc
  .array(
    fc.record({
      at: fc.integer({ min: 0, max: 90_000 }),
      burst: fc.integer({ min: 1, max: 12 }),
      took: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 10_000 })),
      good: fc.boolean(),
    }),
    { maxLength: 120 },
  )
  .map((bursts) =>
    bursts.flatMap(({ at, burst, took, good }) =>
      Array.from({ length: burst }, (_, index) => ({
        at: start + at + index * 7,
        took,
        good: good || index % 3 === 0,
      })),
    ),
  );

describe('what users felt', () => {
  it('is what the full list of requests says', () => {
    fc.assert(
      fc.property(requests, time, (all, when) => {
        const exact = bruteForce(all, when);
        const found = measure(logOf(all, when), when);
        if (found === undefined) {
          expect(exact.requests).toBe(0);
          return;
        }
        expect({ requests: found.requests, lost: found.lost, recovery: found.recovery }).toEqual(exact);
        expect(found.success).toBeCloseTo(1 - exact.lost / exact.requests, 12);
        expect(found.lowestSuccess).toBeLessThanOrEqual(found.success + 1e-12 + (exact.requests < ENOUGH ? 0 : 1));
        expect(found.belowTarget).toBeLessThanOrEqual(when.endedAt - when.injectedAt);
      }),
      { numRuns: 500 },
    );
  });

  it('is not known without a request', () => {
    const when = { injectedAt: start, removedAt: start + 1, endedAt: start + 2, target: 0.99, steadyFor: 1 };
    expect(measure(createRequestLog('own'), when)).toBeUndefined();
  });
});

/** Twenty requests a second for two minutes; those in one of these parts of time (seconds) fail. */
function steady(...outages: readonly (readonly [number, number])[]): Sent[] {
  return Array.from({ length: 20 * 120 }, (_, index) => {
    const at = index * 50;
    return { at: start + at, took: 20, good: !outages.some(([from, to]) => at >= from * 1_000 && at < to * 1_000) };
  });
}

const when: MeasuredTime = {
  injectedAt: start + 30_000,
  removedAt: start + 60_000,
  endedAt: start + 120_000,
  target: 0.99,
  steadyFor: 30_000,
};

describe('recovery', () => {
  it('is the time to the last bad request below the target', () => {
    const found = measure(logOf(steady([31, 33], [58, 63]), when), when);
    expect(found).toMatchObject({
      recovery: { fromInjection: 32_950, fromRemoval: 2_950 },
      lost: 140,
      requests: 1_800,
      lowestSuccess: 0,
      belowTarget: 7_000,
      lastBelow: start + 62_950,
    });
  });

  it('is at once where nothing was lost', () => {
    expect(measure(logOf(steady(), when), when)).toMatchObject({
      recovery: { fromInjection: 0, fromRemoval: 0 },
      lost: 0,
      lowestSuccess: 1,
      lastBelow: undefined,
    });
  });

  it('is not known where it was not steady for long enough, or a gap may hide a later loss', () => {
    const late = measure(logOf(steady([31, 33], [100, 101]), when), when);
    expect(late?.recovery).toBeUndefined();
    expect(late?.lastBelow).toBe(start + 100_950);
    const log = logOf(steady([31, 33]), when);
    log.gap(start + 40_000, start + 41_000, 'the port-forward broke');
    expect(measure(log, when)?.recovery).toBeUndefined();
    const early = logOf(steady([31, 50]), when);
    early.gap(start + 40_000, start + 41_000, 'the port-forward broke');
    expect(measure(early, when)?.recovery).toEqual({ fromInjection: 19_950, fromRemoval: 0 });
  });

  it('is not known where requests ended with the fault', () => {
    const until = steady([31, 33]).filter(({ at }) => at < start + 50_000);
    expect(measure(logOf(until, when), when)?.recovery).toBeUndefined();
  });

  it('of counts is exact to their windows', () => {
    const log = createRequestLog('counted');
    for (let second = 0; second < 120; second += 5) {
      const bad = second >= 30 && second < 65 ? 5 : 0;
      log.tally({ from: start + second * 1_000, to: start + (second + 5) * 1_000, good: 100 - bad, bad });
    }
    expect(measure(log, when)?.recovery).toEqual({ fromInjection: 35_000, fromRemoval: 5_000 });
  });
});

describe('the lowest success', () => {
  it('is that of a short dip as well, which is alone too short to tell', () => {
    const when = {
      injectedAt: start + 10_000,
      removedAt: start + 10_300,
      endedAt: start + 20_000,
      target: 0.99,
      steadyFor: 1_000,
    };
    // 20 requests a second, of which those of a third of a second fail.
    const all = Array.from({ length: 400 }, (_, index) => {
      const at = start + index * 50;
      return { at, took: 5, good: !(at >= when.injectedAt && at < when.removedAt) };
    });
    expect(measure(logOf(all, when), when)?.lowestSuccess).toBeCloseTo(14 / 20, 1);
  });
});

describe('a service that loses a request now and then', () => {
  const when = {
    injectedAt: start + 60_000,
    removedAt: start + 70_000,
    endedAt: start + 90_000,
    target: 0.99,
    steadyFor: 10_000,
  };
  /** 60 requests a second for 90 s, of which every 200th fails. */
  const usual = Array.from({ length: 5_400 }, (_, index) => ({
    at: start + index * 16.6,
    took: 5,
    good: index % 200 !== 7,
  }));

  it('is not below the target in the seconds in which one fails', () => {
    const found = measure(logOf(usual, when), when);
    expect(found).toMatchObject({ belowTarget: 0, recovery: { fromInjection: 0, fromRemoval: 0 } });
    expect(found?.lost).toBeGreaterThan(5);
  });

  it('is below it while more fail, to the last of those', () => {
    const hit = usual.map((sent) => ({
      ...sent,
      good: sent.good && !(sent.at >= when.injectedAt && sent.at < when.injectedAt + 3_000),
    }));
    const found = measure(logOf(hit, when), when);
    expect(found?.recovery?.fromInjection).toBeGreaterThan(2_900);
    expect(found?.recovery?.fromInjection).toBeLessThan(3_000);
  });
});

describe('the time below the target', () => {
  it('goes on through seconds without requests', () => {
    const sparse = steady([30, 40]).filter(({ at }) => (at - start) % 2_000 === 0);
    expect(measure(logOf(sparse, when), when)?.belowTarget).toBe(10_000);
  });
});

describe('times of answers', () => {
  it('are those before, during and after the fault; during is all that follows one that happens at once', () => {
    const slow = steady().map((sent) => ({
      ...sent,
      took: sent.at < when.injectedAt ? 20 : sent.at < when.removedAt ? 200 : 50,
    }));
    const found = measure(logOf(slow, when), when)?.latency;
    expect(Math.round(found?.before?.p95 ?? 0)).toBe(20);
    expect(Math.round(found?.during?.p50 ?? 0)).toBe(200);
    expect(Math.round(found?.after?.p99 ?? 0)).toBe(50);
    const instant = { ...when, removedAt: when.injectedAt };
    expect(Math.round(measure(logOf(slow, instant), instant)?.latency.during?.p95 ?? 0)).toBe(200);
  });

  it('before the fault begin where the steady time does', () => {
    const slow = steady().map((sent) => ({ ...sent, took: sent.at < start + 20_000 ? 500 : 20 }));
    const found = measure(logOf(slow, when), { ...when, steadyFrom: start + 20_000 })?.latency;
    expect(Math.round(found?.before?.p99 ?? 0)).toBe(20);
  });
});
