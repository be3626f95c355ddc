import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../../src/core/json.ts';
import { drillBadge } from '../../../../src/report/drill/drill-badge.ts';
import { changeOf, drillReportSchema, feltOf } from '../../../../src/report/drill/drill-report.ts';
import { successText } from '../../../../src/report/drill/drill-words.ts';
import {
  aim,
  drillEvents,
  drillReportOf,
  ended,
  newDrill,
  outcome,
  plan,
  second,
  started,
  steady,
} from '../../../support/drill-story.ts';

const failure = { code: 'unreachable' as const, about: 'API server', problem: 'is away.', next: 'Wait.' };

describe('the report of a drill', () => {
  const report = drillReportOf(...drillEvents());

  it('is read again as it was written', () => {
    expect(drillReportSchema.parse(parseJson(JSON.stringify(report)))).toEqual(parseJson(JSON.stringify(report)));
  });

  it('says how each fault went', () => {
    expect(report).toMatchObject({
      verdict: 'not-resilient',
      score: 66.9,
      endedAt: second(41),
      history: '/tmp/history.json',
      comparison: { earlier: 20 },
    });
    expect(report.faults).toHaveLength(1);
    expect(report.faults[0]).toMatchObject({
      aim,
      injectingAt: second(10),
      injectedAt: second(10),
      feltAt: second(10.5),
      removedAt: second(12),
      measured: { lost: 12, recovery: { fromInjection: 4_200 } },
    });
  });

  it('keeps the checks before, and after only as they were last', () => {
    expect(report.steady.before).toMatchObject({ verdict: 'passed', checks: [{ name: 'errors', state: 'passed' }] });
    expect(report.steady.after).toMatchObject({ verdict: 'passed', reason: '1 of 1 checks passed' });
    const open = drillReportOf(started(), ...steady('after', 'failed', second(1)).slice(0, 1));
    expect(open.steady.after?.verdict).toBeUndefined();
  });

  it('has every request, and the time of which nothing is known', () => {
    const { slices, gaps } = report.requests;
    expect(slices.reduce((sum, { good, bad }) => sum + good + bad, 0)).toBe(300);
    expect(slices.reduce((sum, { bad }) => sum + bad, 0)).toBe(6 + 5 + 4 + 3);
    expect(slices.every(({ p95, times }) => p95 !== undefined && times === undefined)).toBe(true);
    expect(gaps).toEqual([{ from: second(20), to: second(30), reason: 'the API server is away' }]);
  });

  it('of a drill that was stopped keeps what was measured, and when the record was cleared', () => {
    const stopped = drillReportOf(
      started(),
      { type: 'injecting', at: second(1), index: 0, aim },
      { type: 'injected', at: second(2), index: 0 },
      { type: 'stopped', at: second(3), index: 0, reason: 'success was below 90 % for 10s' },
      { type: 'removed', at: second(5), index: -1, text: plan.text },
      ended({ verdict: 'aborted', faults: [], reason: 'The run was cancelled.', next: '' }),
    );
    expect(stopped.faults[0]).toMatchObject({
      injectedAt: second(2),
      removedAt: second(5),
      stopped: { at: second(3) },
    });
    expect(stopped.faults[0]?.measured).toBeUndefined();
    expect(stopped.next).toBeUndefined();
    expect(feltOf(stopped)).toBe('unknown');
  });

  it('names what could not be removed until it is', () => {
    const left = drillReportOf(
      started(),
      { type: 'injecting', at: second(1), index: 0, aim },
      { type: 'not-removed', at: second(3), index: 0, text: plan.text, failure },
    );
    expect(left.faults[0]?.notRemoved).toContain('API server: is away.');
    const removed = drillReportOf(started(), { type: 'removed', at: second(5), index: 0, text: plan.text });
    expect(removed.faults[0]?.notRemoved).toBeUndefined();
  });

  it('without a verdict says why, and an error after one adds what to do alone', () => {
    const failed = { type: 'failed', at: second(1), failure } as const;
    expect(drillReportOf(started(), failed)).toMatchObject({ reason: 'API server: is away.', next: 'Wait.' });
    const after = drillReportOf(started(), ended({ verdict: 'incomplete', reason: 'no requests', next: '' }), failed);
    expect(after).toMatchObject({ verdict: 'incomplete', reason: 'no requests', next: 'Wait.' });
  });

  it('knows a fault of the record of another run only by its text, and forgets it', () => {
    const other = drillReportOf(started(), { type: 'removed', at: second(5), index: -1, text: 'network-delay 1s' });
    expect(other.faults).toEqual(drillReportOf(started()).faults);
    expect(other.notes.at(-1)?.text).toBe('Removed: network-delay 1s');
  });
});

describe('the worst of a drill', () => {
  const withEffects = (...felt: ('felt' | 'not-felt' | 'unknown')[]) =>
    feltOf({
      faults: felt.map((one) => ({ ...plan, targets: [], injectedAt: 1, effect: { felt: one, evidence: '' } })),
    });
  const change = (...states: ('worse' | 'better' | 'same' | 'unknown')[]) =>
    changeOf({
      comparison: { earlier: 1, changes: states.map((state) => ({ fault: '', figure: '', state, sentence: '' })) },
    });

  it('is what was not felt, and what is not known is never felt', () => {
    expect(withEffects('felt', 'unknown', 'not-felt')).toBe('not-felt');
    expect(withEffects('felt', 'unknown')).toBe('unknown');
    expect(withEffects('felt', 'felt')).toBe('felt');
    expect(withEffects()).toBeUndefined();
  });

  it('is what is worse, and what is not known is never the same', () => {
    expect(change('better', 'unknown', 'worse')).toBe('worse');
    expect(change('better', 'unknown')).toBe('unknown');
    expect(change('same', 'better')).toBe('better');
    expect(change('same')).toBe('same');
    expect(changeOf({})).toBe('unknown');
  });
});

it('a share of good requests is 100 % only where none was bad', () => {
  const shares = [1, 0.99996, 0.9996, 0.99, 0.625, 0.4, 0];
  expect(shares.map(successText)).toEqual(['100 %', '99.996 %', '99.96 %', '99 %', '62.5 %', '40 %', '0 %']);
});

describe('the badge', () => {
  it.each([
    ['resilient', 100, 'resilient, 100 %', 'brightgreen'],
    ['not-resilient', 99.9, 'not resilient, 99 %', 'red'],
    ['incomplete', 100, 'incomplete', 'lightgrey'],
    ['aborted', 50, 'aborted', 'orange'],
    [undefined, undefined, 'no answer', 'lightgrey'],
  ] as const)('of %s', (verdict, score, message, color) => {
    expect(drillBadge(newDrill({ verdict, score }))).toEqual({
      ...{ schemaVersion: 1, label: 'resilience', message, color },
    });
  });
});

it('an outcome that was not measured says so', () => {
  const report = drillReportOf(started(), ended({ faults: [outcome({ measured: undefined, targets: [] })] }));
  expect(report.faults[0]?.measured).toBeUndefined();
});
