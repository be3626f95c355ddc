import { describe, expect, it } from 'vitest';
import { createLog } from '../../../../src/actions/drill/log.ts';
import type { DrillEvent } from '../../../../src/drills/events.ts';
import { aim, drillEvents, ended, plan, requestsOf, second, started, steady } from '../../../support/drill-story.ts';

function told(events: readonly DrillEvent[]): string[] {
  const lines: string[] = [];
  const group = () => expect.unreachable('a drill has no groups');
  const sink = { info: (line: string) => lines.push(line), startGroup: group, endGroup: group };
  const log = createLog(sink, { colour: false });
  for (const event of events) log(event);
  return lines;
}

describe('the log of a drill', () => {
  const lines = told(drillEvents());

  it('says what was injected into which pods, when it was felt and removed, the targets, the verdict and what to do', () => {
    const order = [
      '03:00:00  Drill of shop/checkout: 1 fault: pod-kill on app=checkout one',
      '          measured by 10 a second: GET /',
      '03:00:01  Steady state before the faults: passed: 1 of 1 checks passed',
      '          errors: passed: 1 of 900',
      '03:00:10  Injects pod-kill on app=checkout one into 1 of 3 pods: shop/checkout-1 on n1',
      '          delete Pod shop/checkout-1',
      '03:00:10  Injected: pod-kill on app=checkout one',
      '03:00:10  Felt: pod-kill on app=checkout one: 1 of 1 pods are gone',
      '03:00:12  Removed: pod-kill on app=checkout one',
      '03:00:16  outlier-ejection opened at 03:00:13: checkout-2 is ejected',
      '03:00:30  Nothing is known of the requests since 03:00:20: the API server is away',
      '03:00:40  pod-kill on app=checkout one: recovered 4.2 s after the injection, 2.2 s after the removal; 12 of 400 requests failed, lowest success 40 %',
      '          target recovery <= 3s: missed: 4.2 s',
      '03:00:41  NOT RESILIENT: recovery <= 3s was missed: 4.2 s',
      '          score: 66 % of the targets',
      '          what to do: Let requests be tried again.',
      '          what to mend: The VirtualService has no retries.',
      '03:00:42  Worse than in 20 earlier runs: recovery of pod-kill on app=checkout one: 4.2 s, else 1 s to 2 s',
    ].map((line) => lines.lastIndexOf(line));
    expect(order.indexOf(-1)).toBe(-1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  it('tells the share of good requests only where it changes', () => {
    const calm = told([started(), ...Array.from({ length: 300 }, (_, at) => requestsOf(at, 0)).flat()]);
    expect(calm.filter((line) => line.includes('Good:'))).toHaveLength(1);
    const hurt = lines.filter((line) => line.includes('Good:'));
    expect(hurt.length).toBeGreaterThanOrEqual(2);
    expect(hurt.length).toBeLessThanOrEqual(4);
    expect(hurt[1]).toMatch(/Good: \d+(\.\d)? % of \d+ requests in \d+s, target 99 %: HTTP 503 \(\d+\)/);
  });

  it('tells the steady state after the faults only where it changes, and what is unknown once', () => {
    const gap = (at: number): DrillEvent => ({ type: 'no-requests', at: second(at), from: second(0), reason: 'away' });
    const again = told([
      ...[started(), gap(1), gap(2), gap(3)],
      ...Array.from({ length: 9 }, (_, at) => steady('after', 'failed', second(at))).flat(),
      ...steady('after', 'passed', second(10)),
    ]);
    expect(again.filter((line) => line.includes('Nothing is known'))).toHaveLength(1);
    expect(again.filter((line) => line.includes('Steady state after'))).toEqual([
      '03:00:00  Steady state after the faults: failed: errors: too many',
      '03:00:10  Steady state after the faults: passed: 1 of 1 checks passed',
    ]);
  });

  it('has no command to the runner and no line without an end, whatever others write', () => {
    const text = `\n::error::x ##[group]${'x'.repeat(100_000)}`;
    const writes = Array.from({ length: 500 }, () => text);
    const lines = told([
      started({ service: text, faults: [{ ...plan, text }], requests: text, targets: [text] }),
      { type: 'injecting', at: second(1), index: 0, aim: { ...aim, writes, warnings: [text] } },
      { type: 'felt', at: second(2), index: 0, effect: { felt: 'unknown', evidence: text } },
      { type: 'no-requests', at: second(3), from: second(2), reason: text },
      ended({ reason: text, left: [text], advice: [text] }),
    ]);
    expect(lines.length).toBeLessThan(60);
    for (const line of lines) {
      expect(line).not.toMatch(/^\s*::|##\[|\n/);
      expect(line.length).toBeLessThan(1_200);
    }
  });
});
