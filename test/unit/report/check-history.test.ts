import { describe, expect, it } from 'vitest';
import type { CheckHistory } from '../../../src/report/canary-report-schema.ts';
import { withLooks } from '../../../src/report/check-history.ts';
import { reportOf } from './story.ts';

const opinion = {
  check: 'latency-300ms',
  state: 'unknown',
  onBreach: 'rollback',
  progress: 0.2,
  sentence: '',
  figures: { canaryRequests: 10, canaryBad: 1, healthyEvidence: 0.3 },
} as const;

function historyOf(looks: number): CheckHistory['looks'] {
  let histories: CheckHistory[] = [];
  for (let index = 0; index < looks; index += 1) {
    const weight = index < looks / 2 ? 5 : 25;
    const missing = index % 100 === 0 ? { missing: 'no value' } : {};
    histories = withLooks(histories, { at: index * 1_000, weight, opinions: [{ ...opinion, ...missing }] });
  }
  return histories[0]?.looks ?? [];
}

describe('the history of a check', () => {
  it('has each look with the figures that are plotted', () => {
    expect(historyOf(3).map(({ at }) => at)).toEqual([0, 1_000, 2_000]);
    expect(historyOf(2)[1]?.figures).toEqual({ canaryRequests: 10, canaryBad: 1 });
  });

  it('stays small however long it takes, evenly, with the last look of each step', () => {
    const looks = historyOf(5_000);
    expect(looks.length).toBeLessThanOrEqual(260);
    expect(looks.at(-1)?.at).toBe(4_999_000);
    expect(looks.findLast(({ weight }) => weight === 5)?.at).toBe(2_499_000);
    const firstHalf = looks.filter(({ at }) => at < 2_500_000).length;
    expect(firstHalf / looks.length).toBeGreaterThan(0.25);
    expect(firstHalf / looks.length).toBeLessThan(0.75);
    expect(looks.some(({ missing }) => missing !== undefined)).toBe(true);
    expect(looks.every(({ at }, index) => at > (looks[index - 1]?.at ?? -1))).toBe(true);
  });

  it('ends with the breach, once', () => {
    const breach = { ...opinion, state: 'breach', progress: 1 } as const;
    const report = reportOf([
      { type: 'interval', at: 1, weight: 5, timeLeft: 0, opinions: [breach], ...noRequests },
      { type: 'breach', at: 1, weight: 5, opinion: breach },
      { type: 'breach', at: 2, weight: 5, opinion: { ...breach, check: 'pods', figures: {} } },
    ]);
    expect(report.checks.map(({ check, looks }) => [check, looks.map(({ at, state }) => [at, state])])).toEqual([
      ['latency-300ms', [[1, 'breach']]],
      ['pods', [[2, 'breach']]],
    ]);
  });
});

const none = { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 } };
const noRequests = { interval: none, total: none };
