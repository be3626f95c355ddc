import { describe, expect, it } from 'vitest';
import type { DrillEvent } from '../../../../src/drills/events.ts';
import { drillIssue } from '../../../../src/report/drill/drill-issue.ts';
import { renderDrill } from '../../../../src/report/drill/drill-summary.ts';
import {
  aim,
  drillEvents,
  drillReportOf,
  drillWithText,
  ended,
  newDrill,
  outcome,
  plan,
  requestsOf,
  second,
  started,
} from '../../../support/drill-story.ts';

describe('the summary of a drill', () => {
  const summary = renderDrill(drillReportOf(...drillEvents()));

  it('begins with verdict, reason, what to do, faults and targets', () => {
    const order = [
      '## ⛔ Drill: not resilient: shop/checkout, score 66 %',
      '**recovery &lt;= 3s was missed: 4.2 s**',
      '### What to do next\n\n- Let requests be tried again.',
      '| `pod-kill on app=checkout one` | felt | 40 % | 4.2 s | 2.2 s | 12 of 400 | ⛔ 1 of 3 met, 1 not measured |',
      '| ⛔ | `recovery <= 3s` | `pod-kill on app=checkout one` | missed: 4\\.2 s |',
      '| ❔ | `alert Errors within 1m` |',
      '### What to mend\n\n- The VirtualService has no retries.',
      '### Against 20 earlier runs',
      '| ⛔ worse | recovery |',
      '### Timeline',
      'xychart-beta',
      '1 of 3 pods: shop/checkout-1 on n1',
      '`delete Pod shop/checkout-1`',
      '**Before**: passed',
      '**After**: passed',
      '12 failed: HTTP 503',
      'nothing is known from `03:00:20` to `03:00:30`: the API server is away',
      'outlier-ejection opened',
    ].map((text) => summary.indexOf(text));
    expect(order.indexOf(-1)).toBe(-1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  it('draws the worst of each point, the target and the fault, and no line across a time without data', () => {
    const charts = summary.split('```mermaid').slice(1);
    expect(charts).toHaveLength(2);
    expect(charts[0]).toMatch(/ line \[100, .*\b40, .*\]/);
    expect(charts[0]).toMatch(/ line \[99, 99, /);
    expect(charts[0]).toMatch(/ bar \[0, .*6.*\]/);
    expect(charts[1]).toMatch(/ line \[100(, 100)*\]/);
  });

  it('of a dry run says what would be hit, and nothing that was not measured', () => {
    const report = drillReportOf(
      started({ dryRun: true }),
      { type: 'aimed', at: second(1), index: 0, aim },
      ended({ verdict: undefined, reason: 'a dry run: nothing was injected', faults: [], next: '', advice: [] }),
    );
    const text = renderDrill({ ...report, score: undefined });
    expect(text).toContain('## 📝 Drill: dry run: shop/checkout');
    expect(text).toContain('What would be hit');
    expect(text).toContain('`delete Pod shop/checkout-1`');
    expect(text).not.toMatch(/Lowest success|mermaid|earlier run|What to do next/);
  });

  it.each<[string, readonly DrillEvent[], string[]]>([
    [
      'nothing',
      [],
      ['⏳ Drill: not over yet', 'No fault was planned.', 'No target was given.', 'no request was counted'],
    ],
    [
      'an error before the drill began',
      [
        started(),
        {
          type: 'failed',
          at: second(1),
          failure: { code: 'not-ready', about: 'steady state', problem: 'is not proven.', next: 'Mend it.' },
        },
      ],
      ['⛔ Drill: no answer', 'steady state: is not proven.', '- Mend it.', 'not injected', 'No target was judged'],
    ],
    [
      'a drill that could not measure',
      [
        started(),
        { type: 'injecting', at: second(1), index: 0, aim },
        ended({
          verdict: 'incomplete',
          reason: 'no requests',
          faults: [outcome({ measured: undefined, effect: { felt: 'not-felt', evidence: 'tc failed' } })],
        }),
      ],
      ['❔ Drill: incomplete', '| not felt | not measured | not measured | not measured | not measured |', 'tc failed'],
    ],
    [
      'a fault that was not recovered from',
      [
        started(),
        { type: 'injecting', at: second(1), index: 0, aim },
        ended({ faults: [outcome({ measured: { ...measuredOf(), recovery: undefined } })] }),
      ],
      ['| not seen to recover | not seen to recover |'],
    ],
    [
      'what could not be removed',
      [
        started(),
        { type: 'injecting', at: second(1), index: 0, aim },
        { type: 'injected', at: second(2), index: 0 },
        ended({ verdict: 'aborted', faults: [], left: ['Node n1: is still cordoned.'], score: undefined }),
      ],
      ['✋ Drill: aborted', '### ⛔ Left in the cluster', '- Node n1: is still cordoned.', '**not seen removed**'],
    ],
    [
      'the first run',
      [started(), { type: 'compared', at: second(1), earlier: 0, changes: [], history: undefined }],
      ['There is no earlier run to compare with.'],
    ],
    ['a single measurement', [started(), ...requestsOf(1, 5)], ['In the one measurement, 50 % of the requests']],
  ])('of %s says what is missing', (_, events, shown) => {
    const text = renderDrill(drillReportOf(...events));
    for (const one of shown) expect(text).toContain(one);
    expect(text).not.toMatch(/undefined|NaN/);
  });

  it('stays below the limit of GitHub', () => {
    const long = drillWithText('x'.repeat(400_000));
    expect(Buffer.byteLength(renderDrill(long))).toBeLessThan(1_048_576);
  });
});

function measuredOf() {
  const { measured } = outcome();
  if (!measured) throw new Error('the story is measured');
  return measured;
}

describe('the issue about a drill', () => {
  it('is due for a service that is not resilient, and begins with the same marker each time', () => {
    const report = drillReportOf(...drillEvents());
    const issue = drillIssue(report);
    expect(issue).toMatchObject({ title: 'Drill of shop/checkout: not resilient (nightly)' });
    expect(issue?.marker).toBe('<!-- sluice {"drill":"nightly","service":"shop/checkout"} -->');
    expect(issue?.text).toContain('### Drill: not resilient: shop/checkout');
    expect(issue?.text).toContain('The VirtualService has no retries.');
    expect(drillIssue({ ...report, reason: 'another' })?.marker).toBe(issue?.marker);
    expect(drillIssue({ ...report, name: 'weekly' })?.marker).not.toBe(issue?.marker);
  });

  it('is due for a drill that could not tell, which would else break nothing for months', () => {
    expect(drillIssue(newDrill({ verdict: 'incomplete' }))?.title).toContain('incomplete');
  });

  it.each(['resilient', 'aborted'] as const)('is not due where it is %s', (verdict) => {
    expect(drillIssue(newDrill({ verdict }))).toBeUndefined();
  });

  it('is due where the stop condition was met, and where something is left', () => {
    const fault = { ...plan, targets: [], stopped: { at: second(1), reason: 'success below 90 %' } };
    expect(drillIssue(newDrill({ verdict: 'aborted', faults: [fault] }))?.title).toContain('aborted');
    expect(drillIssue(newDrill({ verdict: 'aborted', left: ['Node n1'] }))?.text).toContain('Node n1');
  });

  it('ends its marker where it should, whatever a service is called', () => {
    const report = newDrill({ verdict: 'not-resilient', service: '--><img src=x>', name: 'a\n-->' });
    expect(drillIssue(report)?.marker.match(/-->/g)).toHaveLength(1);
  });
});
