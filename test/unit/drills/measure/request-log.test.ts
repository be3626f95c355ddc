import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRequestLog } from '../../../../src/drills/measure/request-log.ts';

const start = 1_700_000_000_000;

describe('own requests', () => {
  it('are in slices of the second in which they were sent, whatever the order of their answers', () => {
    const log = createRequestLog('own');
    log.tally({ from: start + 1_500, to: start + 1_510, good: 1, bad: 0, took: 10 });
    log.tally({ from: start + 900, to: start + 5_900, good: 0, bad: 1, fault: 'no answer within 5s' });
    log.tally({ from: start + 100, to: start + 110, good: 1, bad: 0, took: 10 });
    expect(log.slices(start, start + 10_000)).toEqual([
      { from: start, to: start + 1_000, good: 1, bad: 1, lastBad: start + 900 },
      { from: start + 1_000, to: start + 2_000, good: 1, bad: 0, lastBad: undefined },
    ]);
  });

  it('are divided where a fault is injected and removed', () => {
    const log = createRequestLog('own');
    const send = (at: number, bad = 0) =>
      log.tally({ from: start + at, to: start + at + 1, good: 1 - bad, bad, took: 1 });
    send(100);
    log.injecting(start + 250);
    send(300, 1);
    send(700, 1);
    log.border(start + 800);
    send(900);
    const counted = (from: number, to: number) =>
      log.slices(start + from, start + to).map(({ good, bad }) => [good, bad]);
    expect(counted(0, 250)).toEqual([[1, 0]]);
    expect(counted(250, 800)).toEqual([[0, 2]]);
    expect(counted(800, 2_000)).toEqual([[1, 0]]);
  });

  it('that were on their way as the fault was injected and failed belong to the fault', () => {
    const log = createRequestLog('own');
    log.injecting(start + 500);
    log.tally({ from: start + 400, to: start + 600, good: 0, bad: 1, fault: 'connection reset' });
    log.tally({ from: start + 410, to: start + 600, good: 1, bad: 0, took: 190 });
    log.border(start + 2_000);
    log.tally({ from: start + 1_900, to: start + 2_100, good: 0, bad: 1, fault: 'connection reset' });
    expect(log.slices(start + 500, start + 2_000)).toEqual([
      { from: start + 500, to: start + 1_000, good: 0, bad: 1, lastBad: start + 500 },
      { from: start + 1_000, to: start + 2_000, good: 0, bad: 1, lastBad: start + 1_900 },
    ]);
    expect(log.slices(start + 2_000, start + 9_000)).toEqual([]);
    expect(log.faults(start + 500, start + 2_000)).toEqual([{ fault: 'connection reset', count: 2 }]);
  });

  it('keep percentiles of any times to 0.1 %', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.01, max: 100_000, noNaN: true }), { minLength: 1 }), (times) => {
        const log = createRequestLog('own');
        for (const [index, took] of times.entries())
          log.tally({ from: start + index, to: start, good: 1, bad: 0, took });
        const latency = log.latency(start, start + times.length);
        const sorted = times.toSorted((a, b) => a - b);
        for (const [share, found] of [0.5, 0.95, 0.99].map(
          (one, i) => [one, Object.values(latency ?? {})[i]] as const,
        )) {
          const exact = sorted[Math.ceil(share * times.length) - 1] ?? 0;
          expect(Math.abs((found ?? 0) / exact - 1)).toBeLessThanOrEqual(0.001001);
        }
      }),
    );
  });
});

describe('counts', () => {
  it('are kept in their windows, and one that overlaps a part of time belongs to it', () => {
    const log = createRequestLog('counted');
    log.tally({ from: start, to: start + 5_000, good: 90, bad: 0 });
    log.tally({ from: start + 5_000, to: start + 10_000, good: 70, bad: 20, fault: '5xx' });
    log.injecting(start + 7_000);
    expect(log.slices(start + 7_000, start + 20_000)).toEqual([
      { from: start + 5_000, to: start + 10_000, good: 70, bad: 20, lastBad: start + 10_000 },
    ]);
    expect(log.faults(start + 7_000, start + 20_000)).toEqual([{ fault: '5xx', count: 20 }]);
    expect(log.latency(start, start + 20_000)).toBeUndefined();
  });

  it('end a gap that they cover', () => {
    const log = createRequestLog('counted');
    log.gap(start + 5_000, start + 15_000, 'Prometheus did not answer');
    log.tally({ from: start, to: start + 12_000, good: 90, bad: 0 });
    expect(log.gaps(start, start + 60_000)).toEqual([
      { from: start + 12_000, to: start + 15_000, reason: 'Prometheus did not answer' },
    ]);
  });
});

describe('what is too much', () => {
  it('is bounded: reasons, their length, and gaps', () => {
    const log = createRequestLog('own');
    for (let index = 0; index < 5_000; index += 1) {
      const at = start + index * 10;
      log.tally({ from: at, to: at + 1, good: 0, bad: 1, fault: `${index}\u001b[31m\n${'x'.repeat(1_000)}` });
      log.gap(at, at + 1, `reason ${index}`);
    }
    const faults = log.faults(start, start + 60_000);
    expect(faults[0]).toEqual({ fault: 'other reasons', count: 4_950 });
    expect(faults).toHaveLength(51);
    expect(faults.every(({ fault }) => fault.length <= 160 && !fault.includes('\n'))).toBe(true);
    const gaps = log.gaps(start, start + 60_000);
    expect(gaps.length).toBeLessThanOrEqual(1_000);
    expect(Math.max(...gaps.map(({ to }) => to))).toBe(start + 49_991);
  });

  it('is a gap past the most slices, and so never good', () => {
    const log = createRequestLog('own');
    for (let second = 0; second < 100_002; second += 1) {
      log.tally({ from: start + second * 1_000, to: start, good: 1, bad: 0 });
    }
    expect(log.gaps(start, start + 200_000_000)).toEqual([
      { from: start + 100_000_000, to: start + 100_002_000, reason: 'the log of requests is full' },
    ]);
  });

  it('keeps no more for a thousand requests a second than for ten', () => {
    const log = createRequestLog('own');
    for (let index = 0; index < 300_000; index += 1) {
      const at = start + index;
      log.tally({
        from: at,
        to: at + 5,
        good: index % 3 === 0 ? 0 : 1,
        bad: index % 3 === 0 ? 1 : 0,
        took: 5,
        fault: '503',
      });
    }
    expect(log.slices(start, start + 1_000_000)).toHaveLength(300);
    expect(log.faults(start, start + 1_000_000)).toEqual([{ fault: '503', count: 100_000 }]);
  });
});
