import { describe, expect, it } from 'vitest';
import {
  type ReportedRequests,
  settledRequests,
  thinnedSlices,
  withGap,
  withTally,
} from '../../../../src/report/drill/drill-requests.ts';

const none: ReportedRequests = { kind: 'own', slices: [], gaps: [] };
const request = (from: number, took: number, isGood = true) => ({
  ...{ from, to: from + took, took, good: isGood ? 1 : 0, bad: isGood ? 0 : 1 },
});

describe('requests over time', () => {
  it('are in the second in which they were sent, with percentiles within 1 %', () => {
    const sent = Array.from({ length: 100 }, (_, index) => request(5_000 + index, index + 1, index !== 99));
    const { slices } = settledRequests(sent.reduce(withTally, none));
    expect(slices).toHaveLength(1);
    expect(slices[0]).toMatchObject({ at: 5_000, to: 6_000, good: 99, bad: 1 });
    expect(slices[0]?.times).toBeUndefined();
    expect(Math.abs((slices[0]?.p50 ?? 0) - 50)).toBeLessThanOrEqual(0.5);
    expect(Math.abs((slices[0]?.p95 ?? 0) - 95)).toBeLessThanOrEqual(0.95);
  });

  it('have no percentile where no answer was timed', () => {
    const { slices } = settledRequests(withTally(none, { from: 100, to: 200, good: 0, bad: 1 }));
    expect(slices).toEqual([{ at: 0, to: 1_000, good: 0, bad: 1 }]);
  });

  it('find their second where answers come late and in another order', () => {
    const { slices } = [request(9_000, 10), request(3_500, 8_000, false), request(3_200, 8_500)].reduce(
      withTally,
      none,
    );
    expect(slices.map(({ at, good, bad }) => [at, good, bad])).toEqual([
      [3_000, 1, 1],
      [9_000, 1, 0],
    ]);
  });

  it('that are counted stay in their windows', () => {
    const windows = [0, 15_000].map((from) => ({ from, to: from + 15_000, good: 90, bad: 10 }));
    const { slices } = windows.reduce(withTally, { ...none, kind: 'counted' as const });
    expect(slices.map(({ at, to }) => [at, to])).toEqual([
      [0, 15_000],
      [15_000, 30_000],
    ]);
  });

  it('of a drill of many hours are thinned out evenly, and the worst and the slowest second stay', () => {
    const hours = Array.from({ length: 20_000 }, (_, index) =>
      request(index * 1_000, index === 7_777 ? 4_321 : 10, index !== 3_333),
    );
    const { slices } = settledRequests(hours.reduce(withTally, none));
    expect(slices.length).toBeLessThanOrEqual(3_600);
    expect(slices.find(({ at }) => at === 3_333_000)).toMatchObject({ bad: 1 });
    expect(slices.find(({ at }) => at === 7_777_000)?.p95).toBeCloseTo(4_320, -2);
    const halves = slices.filter(({ at }) => at < 10_000_000).length / slices.length;
    expect(halves).toBeGreaterThan(0.3);
    expect(halves).toBeLessThan(0.7);
  });

  it('keep what is left as it was measured', () => {
    const slices = Array.from({ length: 100 }, (_, index) => ({ at: index, to: index + 1, good: index, bad: 1 }));
    for (const one of thinnedSlices(slices, 10)) expect(slices).toContain(one);
  });
});

describe('a time of which nothing is known', () => {
  it('joins the one before it for the same reason', () => {
    const gaps = [
      { from: 0, to: 5, reason: 'away' },
      { from: 5, to: 9, reason: 'away' },
      { from: 9, to: 12, reason: 'slow' },
    ].reduce(withGap, none).gaps;
    expect(gaps).toEqual([
      { from: 0, to: 9, reason: 'away' },
      { from: 9, to: 12, reason: 'slow' },
    ]);
  });

  it('is none where counts cover it later, and stays for own requests', () => {
    const gap = { from: 10_000, to: 50_000, reason: 'away' };
    const counted = { ...withGap(none, gap), slices: [{ at: 20_000, to: 30_000, good: 1, bad: 0 }] };
    expect(settledRequests({ ...counted, kind: 'counted' }).gaps).toEqual([
      { ...gap, to: 20_000 },
      { ...gap, from: 30_000 },
    ]);
    expect(settledRequests(counted).gaps).toEqual([gap]);
  });
});
