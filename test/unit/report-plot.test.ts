import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mermaidCharts } from '../../src/report/mermaid.ts';
import { renderPlot } from '../../src/report/plot.ts';
import { emptyReport } from '../../src/report/report.ts';
import { seriesOf, ticks } from '../../src/report/series.ts';
import { reportOf, tell } from './report-story.ts';

const late = reportOf(tell({ errors: (weight) => (weight >= 25 ? 0.2 : 0.005) }));
const healthy = reportOf(tell({ errors: () => 0.005 }));

function plot(report: typeof late): string {
  return renderPlot(report) ?? '';
}

describe('the series of a plot', () => {
  it('shows the rates of both arms and the breach', () => {
    const series = seriesOf(late, 60);
    expect(series?.rates.at(-1)?.canary).toBeGreaterThan(0.1);
    expect(series?.rates.at(-1)?.stable).toBeLessThan(0.02);
    expect(series?.breach?.weight).toBe(25);
    expect(series?.weights.map(({ weight }) => weight)).toEqual([0, 5, 25, 0]);
  });

  it('has no rate for an arm without requests', () => {
    const alone = reportOf(tell({ errors: () => 0, plan: '50 for 1s, 100 for 1m' }));
    const atFull = seriesOf(alone, 20)?.rates.slice(1) ?? [];
    expect(atFull.length).toBeGreaterThan(10);
    expect(atFull.every(({ stable }) => stable === undefined)).toBe(true);
  });

  it('has a gap where no data came', () => {
    const [first, second, ...rest] = healthy.points;
    if (!first || !second) throw new Error('the story has no points');
    const holey = { ...healthy, points: [first, second, ...rest.slice(100)] };
    const missing = seriesOf(holey, 60)?.rates.filter(({ canary }) => canary === undefined) ?? [];
    expect(missing.length).toBeGreaterThan(10);
  });

  it('is nothing where too little was measured', () => {
    expect(seriesOf(emptyReport, 60)).toBeUndefined();
  });
});

describe('the ticks of an axis', () => {
  it('are round, rise evenly from 0 and reach the highest value', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), fc.integer({ min: 2, max: 10 }), (most, count) => {
        const all = ticks(most, count);
        expect(all[0]).toBe(0);
        expect(all.at(-1)).toBeGreaterThanOrEqual(most * (1 - 1e-6));
        expect(all.length).toBeLessThanOrEqual(count + 2);
        expect(String(all[1]).replace(/e.*|[0.]/g, '')).toMatch(/^[125]$/);
      }),
    );
  });
});

describe('the plot', () => {
  it('names both arms, the axes with units, each step and the breach', () => {
    for (const text of [
      '>canary<',
      '>stable<',
      '>5 %<',
      '>25 %<',
      '>error rate',
      '>canary weight<',
      'seconds since 03:14:00 UTC',
      'breach at 25 %',
    ]) {
      expect(plot(late)).toContain(text);
    }
    expect(plot(healthy)).not.toContain('>breach');
  });

  it('says what came out, and follows the reader’s colour scheme', () => {
    expect(plot(late)).toContain('Rolled back at 25 %');
    expect(plot(late)).toContain('prefers-color-scheme: dark');
  });

  it('stands by itself, without scripts or anything from elsewhere', () => {
    expect(plot(late).replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|<script|href|@import/);
  });

  it('has every point inside of its frame', () => {
    for (const report of [late, healthy]) {
      const points = [...plot(report).matchAll(/points="([^"]+)"/g)].flatMap(([, list = '']) => list.split(' '));
      for (const [x, y] of points.map((pair) => pair.split(',').map(Number))) {
        expect(x).toBeGreaterThanOrEqual(70);
        expect(x).toBeLessThanOrEqual(840);
        expect(y).toBeGreaterThanOrEqual(92);
        expect(y).toBeLessThanOrEqual(422);
      }
    }
  });

  it('takes what others wrote for text', () => {
    const reason = 'pod <script>alert("x")</script> & co\u0000';
    const outcome = { endedAt: 1, verdict: 'held' as const, reason, reached: 5, weight: 5, revision: 'r' };
    expect(plot({ ...late, outcome })).toContain('pod &lt;script&gt;alert("x")&lt;/script&gt; &amp; co ');
  });
});

describe('the charts of the summary', () => {
  const charts = mermaidCharts(late) ?? '';

  it('are two, as an xychart has but one scale', () => {
    expect(charts.match(/```mermaid/g)).toHaveLength(2);
    expect(charts.match(/^ {4}line /gm)).toHaveLength(2);
    expect(charts.match(/^ {4}bar /gm)).toHaveLength(1);
  });

  it('hold nothing but numbers that Mermaid reads, inside of their axes, as many in each', () => {
    const lists = [...charts.matchAll(/^ {4}(?:line|bar) \[(.*)\]$/gm)].map(([, list = '']) => list.split(', '));
    expect(lists.map((list) => list.length)).toEqual([60, 60, 60]);
    for (const number of lists.flat()) expect(number).toMatch(/^\d+(\.\d+)?$/);
    const top = Number(/"error rate \(%\)" 0 --> ([\d.]+)/.exec(charts)?.[1]);
    for (const number of lists.slice(0, 2).flat()) expect(Number(number)).toBeLessThanOrEqual(top);
  });

  it('stay below the size that GitHub draws', () => {
    const long = reportOf(tell({ errors: () => 0.004, plan: '1 for 2h, 50 for 2h, 100', load: 5 }));
    expect((mermaidCharts(long) ?? '').length).toBeLessThan(10_000);
  });
});
