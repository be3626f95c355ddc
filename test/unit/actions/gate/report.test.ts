import { describe, expect, it } from 'vitest';
import { outputsOf } from '../../../../src/actions/gate/report.ts';
import type { CheckOutcome, GateEvent, GateOutcome } from '../../../../src/gates/events.ts';
import { type GateReport, withGateEvent } from '../../../../src/report/gate-report.ts';
import { renderGate } from '../../../../src/report/gate-summary.ts';

const at = Date.UTC(2026, 0, 1, 12);
const empty: GateReport = {
  schema: 1,
  kind: 'gate',
  by: 'alice',
  startedAt: at,
  watch: 60_000,
  warning: false,
  reason: 'nothing was looked at',
  checks: [],
  warnings: [],
};
const outcome = (rest: Partial<CheckOutcome> = {}): CheckOutcome => ({
  check: 'queue',
  state: 'passed',
  isFinal: false,
  progress: 0.2,
  sentence: '1, breach above 5',
  figures: { value: 1 },
  ...rest,
});
const started: GateEvent = {
  type: 'started',
  at,
  watch: 60_000,
  checks: [{ check: 'queue', kind: 'promql', asked: 'max(queue)' }],
};
const looked = (seconds: number, rest: Partial<CheckOutcome> = {}): GateEvent => ({
  type: 'looked',
  at: at + seconds * 1_000,
  outcome: outcome(rest),
});
const noData = (seconds: number, reason: string): GateEvent => ({
  type: 'no-data',
  at: at + seconds * 1_000,
  check: 'queue',
  reason,
  since: at + 10_000,
});
const ended = (rest: Partial<GateOutcome> = {}): GateEvent => ({
  type: 'ended',
  at: at + 60_000,
  outcome: { verdict: 'passed', warning: false, reason: '1 of 1 checks passed', checks: [outcome()], ...rest },
});
const reportOf = (...events: GateEvent[]) => events.reduce(withGateEvent, empty);

describe('the report', () => {
  it('keeps each look, and the times without data', () => {
    const report = reportOf(
      started,
      looked(10),
      noData(20, 'Prometheus is away'),
      looked(50, { figures: { value: 2 } }),
      ended(),
    );
    expect(report).toMatchObject({
      verdict: 'passed',
      endedAt: at + 60_000,
      checks: [
        {
          name: 'queue',
          looks: [
            { at: at + 10_000, figures: { value: 1 } },
            { at: at + 50_000, figures: { value: 2 } },
          ],
          gaps: [{ from: at + 10_000, to: at + 50_000, reason: 'Prometheus is away' }],
        },
      ],
    });
  });

  it('ends a gap with the first look after it, and leaves it there', () => {
    const report = reportOf(started, noData(20, 'away'), looked(50), looked(55));
    expect(report.checks[0]?.gaps).toEqual([{ from: at + 10_000, to: at + 50_000, reason: 'away' }]);
  });

  it('is no larger for a gate that watches for days', () => {
    const many = Array.from({ length: 5_000 }, (_, second) => looked(second));
    const report = reportOf(started, ...many);
    expect(report.checks[0]?.looks.length).toBeLessThanOrEqual(1_000);
    expect(report.checks[0]?.looks.at(-1)?.at).toBeGreaterThan(at + 4_900_000);
  });

  it('makes outputs', () => {
    const undecided = ended({
      verdict: 'undecided',
      lacks: 'traffic',
      score: { least: 66.66, most: 100 },
      reason: 'too few',
    });
    expect(outputsOf(reportOf(started, undecided), '/tmp/gate.json')).toEqual({
      verdict: 'undecided',
      passed: 'false',
      warning: 'false',
      reason: 'too few',
      lacks: 'traffic',
      score: '66.7',
      report: '/tmp/gate.json',
      'report-html': '/tmp/gate.html',
    });
    const failure = { code: 'invalid-input' as const, about: 'inputs', problem: 'are wrong.', next: 'Mend them.' };
    expect(outputsOf(reportOf({ type: 'failed', at, failure }), 'x')).toMatchObject({ verdict: '', passed: 'false' });
  });
});

describe('the summary', () => {
  it.each<[Partial<GateOutcome>, string[]]>([
    [{}, ['## ✅ Gate: passed', '| ✅ | `queue` | 1, breach above 5 |']],
    [{ warning: true }, ['## ⚠️ Gate: passed, with a warning']],
    [{ verdict: 'failed', checks: [outcome({ state: 'failed' })] }, ['## ⛔ Gate: failed', '| ⛔ | `queue`']],
    [{ verdict: 'undecided', lacks: 'traffic' }, ['## ❔ Gate: undecided', 'too little traffic']],
    [{ verdict: 'undecided', lacks: 'data' }, ['Data are missing']],
  ])('of %o', (rest, shown) => {
    const summary = renderGate(reportOf(started, noData(20, 'away | <b>x</b>'), ended(rest)));
    for (const text of shown) expect(summary).toContain(text);
    expect(summary).toContain('no data from `12:00:10` to `12:00:20`');
    expect(summary).not.toContain('<b>');
  });

  it('says what to do about a failure', () => {
    const failure = { code: 'invalid-input' as const, about: 'inputs', problem: 'are wrong.', next: 'Mend them.' };
    expect(renderGate(reportOf({ type: 'failed', at, failure }))).toContain('## ⛔ Gate: no answer');
  });
});
