import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendToHistory, type PastRun, readHistory, runsOfDrill } from '../../../../src/drills/measure/history.ts';

const run = (at: number, more: Partial<PastRun> = {}): PastRun => ({
  at,
  service: 'shop/checkout',
  fault: 'pod-kill on app=checkout one',
  recovery: 12_000,
  ...more,
});

describe('a history', () => {
  it('is read as it was written, in the order of time', () => {
    const runs = [run(1, { lostShare: 0.01, lowestSuccess: 0.5, p95: 300, score: 50, verdict: 'resilient' }), run(3)];
    expect(readHistory(appendToHistory(runs, run(2)))).toEqual({ runs: [runs[0], run(2), run(3)], unread: 0 });
  });

  it('keeps the last 200 runs, and each once', () => {
    const runs = Array.from({ length: 300 }, (_, at) => run(at));
    const kept = readHistory(appendToHistory(runs, run(299, { recovery: 1 })))?.runs;
    expect(kept).toHaveLength(200);
    expect(kept?.at(-1)).toEqual(run(299, { recovery: 1 }));
    expect(kept?.at(0)?.at).toBe(100);
  });

  it('tells the runs of one drill apart', () => {
    const runs = [run(1), run(2, { service: 'shop/cart' }), run(3, { fault: 'node-drain' }), run(4), run(9)];
    expect(runsOfDrill(runs, run(5)).map(({ at }) => at)).toEqual([1, 4]);
  });

  it('is read or refused, whatever it is', () => {
    const good = JSON.stringify(run(1));
    expect(readHistory(`{"schema":1,"runs":[${good},{"at":-1},7,${good.replace('12000', '1e999')}]}`)).toEqual({
      runs: [run(1)],
      unread: 3,
    });
    for (const text of [
      '',
      '[]',
      '{"schema":2,"runs":[]}',
      '{"schema":1}',
      `{"schema":1,"runs":[${' '.repeat(1e6)}]}`,
    ]) {
      expect(readHistory(text)).toBeUndefined();
    }
    fc.assert(fc.property(fc.json(), (text) => readHistory(text) === undefined || text.includes('schema')));
  });
});
