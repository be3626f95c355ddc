import { describe, expect, it } from 'vitest';
import { judgeTarget, type Seen } from '../../../../src/drills/measure/judge-target.ts';
import type { Measured } from '../../../../src/drills/measure/measured.ts';
import { parseTargets } from '../../../../src/drills/measure/targets.ts';
import type { Moment } from '../../../../src/drills/ports.ts';

const start = 1_700_000_000_000;
const latency = { p50: 20, p95: 80, p99: 120 };

const measured: Measured = {
  requests: 2_000,
  lost: 20,
  success: 0.99,
  lowestSuccess: 0.9,
  belowTarget: 3_000,
  recovery: { fromInjection: 62_000, fromRemoval: 2_000 },
  lastBelow: start + 62_000,
  latency: { before: latency, during: { p50: 30, p95: 400, p99: 900 }, after: latency },
  faults: [],
  gaps: [],
};

const seen: Seen = {
  measured,
  moments: [],
  watched: new Set(['alert', 'autoscaler', 'outlier-ejection']),
  injectedAt: start,
  removedAt: start + 60_000,
  endedAt: start + 180_000,
};

function judge(text: string, more: Partial<Seen> = {}) {
  const [target] = parseTargets(text);
  if (target === undefined) throw new Error('no target');
  const { state, sentence } = judgeTarget(target, { ...seen, ...more });
  return `${state}: ${sentence}`;
}

const moment = (seconds: number, kind: string, state: string, about?: string): Moment => ({
  at: start + seconds * 1_000,
  kind,
  state,
  text: `${kind} is ${state}`,
  ...(about === undefined ? {} : { about }),
});

describe('a target of requests', () => {
  it.each([
    ['success >= 99%', 'passed: 99 %'],
    ['success >= 99.1%', 'failed: 99 %'],
    ['lowest success >= 90%', 'passed: 90 %'],
    ['lost <= 20', 'passed: 20 of 2,000 requests (1 %)'],
    ['lost <= 19', 'failed: 20 of 2,000 requests (1 %)'],
    ['lost <= 1%', 'passed: 20 of 2,000 requests (1 %)'],
    ['below target <= 2s', 'failed: 3s'],
    ['recovery <= 2s', 'passed: 2s'],
    ['recovery from injection <= 60s', 'failed: 62s'],
    ['p95 <= 400ms', 'passed: 400ms'],
    ['p95 after <= 50ms', 'failed: 80ms'],
  ])('%s: %s', (text, result) => {
    expect(judge(text)).toBe(result);
  });

  it.each(['success >= 1%', 'lowest success >= 1%', 'lost <= 99', 'below target <= 9m', 'recovery <= 9m', 'p95 <= 9m'])(
    '%s never passes on what is missing',
    (text) => {
      const gaps = [{ from: start, to: start + 1_000, reason: 'no answer' }];
      expect(judge(text, { measured: undefined })).toMatch(/^missing/);
      expect(judge(text, { measured: { ...measured, gaps, recovery: undefined } })).toMatch(/^missing/);
    },
  );

  it('fails on what is known, whatever else is missing', () => {
    const gaps = [{ from: start, to: start + 1_000, reason: 'no answer' }];
    expect(judge('lost <= 5', { measured: { ...measured, gaps } })).toMatch(/^failed/);
    const still = { ...measured, recovery: undefined, lastBelow: start + 175_000 };
    expect(judge('recovery <= 60s', { measured: still })).toBe('failed: still below the target after 115s');
    expect(judge('recovery <= 2m', { measured: still })).toMatch(/^missing/);
  });

  it('says nothing of too few requests', () => {
    expect(judge('success >= 99%', { measured: { ...measured, requests: 5, lost: 0, success: 1 } })).toBe(
      'missing: 5 requests are too few to tell; it takes 20',
    );
  });

  it('never reads as its limit where it is below it', () => {
    expect(judge('success >= 99%', { measured: { ...measured, success: 0.989999 } })).toBe('failed: 98.999 %');
  });
});

describe('a target of what answers the fault', () => {
  it('is the time of the scale-up from where the load crossed the target', () => {
    const moments = [
      moment(10, 'autoscaler', 'crossed'),
      moment(20, 'autoscaler', 'decided'),
      moment(45, 'autoscaler', 'ready'),
    ];
    expect(judge('scale-up <= 35s', { moments })).toBe('passed: the new pods were ready after 35s');
    expect(judge('scale-up <= 30s', { moments })).toMatch(/^failed/);
    expect(judge('scale-up <= 60s', { moments: moments.slice(0, 2) })).toMatch(/^failed: no new pod was ready/);
    expect(judge('scale-up <= 10m', { moments: moments.slice(0, 2) })).toMatch(/^missing/);
    expect(judge('scale-up <= 60s')).toMatch(/^missing: the autoscaler was not asked/);
  });

  it('is the time to the first ejection', () => {
    expect(judge('ejection <= 10s', { moments: [moment(8, 'outlier-ejection', 'opened')] })).toMatch(/^passed/);
    expect(judge('ejection <= 10s')).toMatch(/^failed: no host was ejected/);
  });

  it('is that of the named alert', () => {
    const moments = [moment(70, 'alert', 'firing', 'HighErrorRate')];
    expect(judge('alert HighErrorRate <= 2m', { moments })).toBe('passed: it fired after 70s');
    expect(judge('alert HighErrorRate <= 1m', { moments })).toMatch(/^failed/);
    expect(judge('alert Other <= 2m', { moments })).toMatch(/^failed: it did not fire/);
    expect(judge('alert Other never', { moments })).toBe('passed: it did not fire');
    expect(judge('alert HighErrorRate never', { moments })).toBe('failed: it fired after 70s');
    expect(judge('alert HighErrorRate <= 5m')).toMatch(/^missing/);
  });

  it('is missing where nobody watched, it was not found, or the alert fired before', () => {
    for (const text of ['alert A never', 'alert A <= 1m', 'scale-up <= 1m', 'ejection <= 1m']) {
      expect(judge(text, { watched: new Set() })).toMatch(/^missing/);
    }
    expect(judge('alert A never', { moments: [moment(1, 'alert', 'missing')] })).toBe('missing: alert is missing');
    expect(judge('alert A never', { moments: [moment(-5, 'alert', 'firing', 'A')] })).toMatch(/^missing/);
    expect(judge('scale-up <= 1m', { moments: [moment(1, 'autoscaler', 'missing')] })).toMatch(/^missing/);
  });
});
