import { describe, expect, it } from 'vitest';
import type { DrillReport } from '../../../../src/report/drill/drill-report.ts';
import { drillFrame, latencyChart, marksOf, successChart } from '../../../../src/report/page/drill-charts.ts';
import { drillPage } from '../../../../src/report/page/drill-page.ts';
import {
  aim,
  drillEvents,
  drillReportOf,
  ended,
  newDrill,
  plan,
  requestsOf,
  second,
  started,
} from '../../../support/drill-story.ts';
import { shapeOf } from '../../../support/html-shape.ts';

const page = (report: DrillReport) => shapeOf(drillPage(report, 'https://github.com'));
const story = drillReportOf(...drillEvents());

describe('the page of a drill', () => {
  it('begins with verdict, service, reason and what to do, and is whole', () => {
    const { text, errors, elements } = page(story);
    expect(errors).toEqual([]);
    const order = [
      'Drill: not resilient',
      'shop/checkout',
      'recovery <= 3s was missed',
      '66 % of the targets',
      'What to do next',
      'What users felt',
      'What is marked',
      'Faults',
      'Targets',
      'What to mend',
      'Against earlier runs',
      'What was hit',
      'Steady state',
      'Why requests failed',
      'Times of which nothing is known',
      'What happened when',
    ].map((words) => text.indexOf(words));
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    const ids = elements.flatMap((one) => /\bid=(\S+)/.exec(one)?.[1] ?? []);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('draws success and time of answers once, with target, shaded fault and a gap', () => {
    const { elements, text } = page(story);
    expect(elements.filter((one) => one.startsWith('svg class=wide'))).toHaveLength(2);
    for (const part of ['path class=limit line', 'rect class=span', 'rect class=void'])
      expect(elements.some((one) => one.startsWith(part))).toBe(true);
    expect(text).toContain('No data from 03:00:20 to 03:00:30.');
    expect(text).toContain('All figures of this chart');
  });

  it.each<[string, DrillReport, string]>([
    ['nothing', newDrill(), 'Drill: not over yet'],
    ['a dry run', newDrill({ dryRun: true, endedAt: second(1), faults: [{ ...plan, targets: [], aim }] }), 'dry run'],
    ['an error', newDrill({ endedAt: second(1), reason: 'no cluster' }), 'Drill: no answer'],
    [
      'a drill that was stopped',
      drillReportOf(
        started(),
        { type: 'injecting', at: second(1), index: 0, aim },
        ended({ verdict: 'aborted', faults: [] }),
      ),
      'in part at most',
    ],
  ])('of %s draws nothing', (_, report, shown) => {
    const { elements, errors, text } = page(report);
    expect(errors).toEqual([]);
    expect(text).toContain(shown);
    expect(text).not.toMatch(/undefined|NaN/);
    expect(elements.filter((one) => one.startsWith('svg'))).toEqual([]);
  });

  it('says that times of answers were not measured', () => {
    const counted = drillReportOf(started({ requestKind: 'counted' }), {
      ...{ type: 'requests', at: second(15), tally: { from: second(0), to: second(15), good: 9, bad: 1 } },
    });
    expect(page(counted).text).toContain('How long answers took was not measured.');
  });
});

describe('the picture of a drill', () => {
  it('marks what happened, in the order of time', () => {
    expect(marksOf(story).map(({ number, at, what }) => [number, (at - second(0)) / 1_000, what])).toEqual([
      [1, 10, 'injected'],
      [2, 10.5, 'felt'],
      [3, 12, 'removed'],
      [4, 13, 'outlier-ejection opened'],
      [5, 14.2, 'recovered'],
    ]);
  });

  it('writes the numbers of marks that are close together as one, and loses none', () => {
    const frame = drillFrame(story, marksOf(story));
    expect(frame?.marks.map(({ text }) => text)).toEqual(['1–2', '', '3', '4', '5']);
    const stopped = {
      ...story,
      faults: story.faults.map((one) => ({ ...one, stopped: { at: second(11), reason: '' } })),
    };
    expect(drillFrame(stopped, marksOf(stopped))?.marks).toContainEqual({
      ...{ at: second(11), text: 'Stopped', kind: 'breach' },
    });
  });

  it('has no recovery where none was seen, and no point where no request was sent', () => {
    const open = drillReportOf(started(), ...requestsOf(1, 2), ...requestsOf(2, 0), ...requestsOf(40, 0));
    expect(marksOf(open)).toEqual([]);
    const frame = drillFrame(open, []);
    if (!frame) throw new Error('requests were counted');
    const good = successChart(open, frame).lines.find(({ name }) => name === 'good');
    // The second without a value keeps the line from crossing the time without requests.
    expect(good?.points.map(({ value }) => value)).toEqual([0.8, 1, undefined, 1]);
    expect(latencyChart(open, frame)).toBeUndefined();
    expect(drillFrame(newDrill(), [])).toBeUndefined();
  });

  it('has the slow answers', () => {
    const frame = drillFrame(story, marksOf(story));
    const slow = frame && latencyChart(story, frame)?.lines.find(({ name }) => name === 'p95');
    expect(Math.max(...(slow?.points.map(({ value }) => value ?? 0) ?? []))).toBeGreaterThan(880);
  });
});
