import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../../src/report/canary-report-schema.ts';
import { emptyReport } from '../../../src/report/empty-report.ts';
import { mermaidCharts } from '../../../src/report/mermaid.ts';
import { renderPlot } from '../../../src/report/plot.ts';
import { seriesOf, ticks } from '../../../src/report/series.ts';
import { reportOf, start, tell } from './story.ts';

const late = reportOf(tell({ errors: (weight) => (weight >= 25 ? 0.2 : 0.005) }));
const healthy = reportOf(tell({ errors: () => 0.005 }));

const one = {
  at: start,
  weight: 5,
  progress: 0,
  stable: { requests: 200, errors: 1 },
  canary: { requests: 10, errors: 5 },
};

/** Ended by its first sample. */
const sudden: Report = {
  ...emptyReport,
  weights: [
    { at: start, weight: 0 },
    { at: start, weight: 5 },
    { at: start + 1_600, weight: 0 },
  ],
  points: [{ ...one, at: start + 1_500, canary: { requests: 10, errors: 10 } }],
  breach: {
    at: start + 1_500,
    weight: 5,
    opinion: { check: 'error-rate', state: 'breach', onBreach: 'rollback', progress: 1, sentence: '', figures: {} },
  },
};

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

  it('has one slice for each measurement where they are few, and no gap where one is a little late', () => {
    const points = [0, 5_000, 11_000, 15_000, 26_000].map((at) => ({ ...one, at: start + at }));
    const { rates = [] } = seriesOf({ ...emptyReport, points }, 60) ?? {};
    expect(rates.map(({ canary }) => canary)).toEqual([0.5, 0.5, 0.5, 0.5, 0.5]);
  });

  it('does not carry a rate over a gap', () => {
    const before = { ...one, at: start, canary: { requests: 10, errors: 10 } };
    const times = [1_000, 2_000, 3_000, 60_000, 61_000];
    const after = { ...one, canary: { requests: 10, errors: 0 } };
    const points = times.map((at) => ({ ...(at < 60_000 ? before : after), at: start + at }));
    const { rates = [] } = seriesOf({ ...emptyReport, points }, 60) ?? {};
    expect(rates.at(-1)).toMatchObject({ canary: 0 });
    expect(rates.filter(({ canary }) => canary === undefined).length).toBeGreaterThan(50);
  });

  it('has what there is of a rollout that one sample has ended, or none', () => {
    expect(seriesOf(sudden, 60)).toMatchObject({
      rates: [{ canary: 1, stable: 0.005 }],
      breach: { time: 1_500, weight: 5 },
    });
    expect(seriesOf({ ...sudden, points: [] }, 60)).toMatchObject({ rates: [], breach: { weight: 5 } });
  });

  it('is nothing where nothing was measured and nothing moved', () => {
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

  it('has a picture of a rollout that one sample has ended: both rates, the weight and the breach', () => {
    const drawn = plot(sudden);
    for (const text of ['>canary 100 %<', '>stable 0.5 %<', '>breach at 5 %<']) expect(drawn).toContain(text);
    expect(drawn.match(/<circle/g)).toHaveLength(2);
    expect(plot({ ...sudden, points: [] })).toContain('>no requests were measured<');
    expect(renderPlot(emptyReport)).toBeUndefined();
  });

  it('tells the rate of an arm that was measured once, beside one that was measured often', () => {
    const before = [1, 2, 3].map((second) => ({
      ...one,
      at: start + second * 400,
      canary: { requests: 0, errors: 0 },
    }));
    const drawn = plot({ ...sudden, points: [...before, ...sudden.points] });
    expect(drawn).toContain('>canary 100 %<');
    expect(drawn).toContain('>stable<');
  });

  it('is cut between two words, as half of a number is another one', () => {
    const reason = `${'word '.repeat(26)}less than 1 of 1,000,000 rollouts`;
    const outcome = { endedAt: 1, verdict: 'held' as const, reason, reached: 5, weight: 5, revision: 'r' };
    expect(plot({ ...late, outcome })).toMatch(/word less …</);
  });

  it('draws no line over a gap in the data', () => {
    const [first, second, third, ...rest] = healthy.points;
    if (!first || !second || !third) throw new Error('the story has no points');
    const lines = (report: Report) => plot(report).match(/<polyline class="line stable"/g)?.length;
    expect(lines({ ...healthy, points: [first, second, third, ...rest.slice(100)] })).toBe((lines(healthy) ?? 0) + 1);
  });

  it('takes what others wrote for text', () => {
    const reason = 'pod <script>alert("x")</script> & co\u0000';
    const outcome = { endedAt: 1, verdict: 'held' as const, reason, reached: 5, weight: 5, revision: 'r' };
    expect(plot({ ...late, outcome })).toContain('pod &lt;script&gt;alert("x")&lt;/script&gt; &amp; co ');
  });

  it('holds nothing that is no XML, and nothing that turns what stands beside it', () => {
    const reason = 'a\u202eb\u0000c\ufffe\ud800d\u001b[31m]]>';
    const outcome = { endedAt: start, verdict: 'held', reason, reached: 5, weight: 5, revision: 'r' } as const;
    const drawn = plot({ ...late, outcome });
    expect(drawn).toContain('ab c \ufffdd [31m]]&gt;');
    expect(drawn.isWellFormed()).toBe(true);
    expect(
      [...drawn].filter((character) => /[\p{Cc}\p{Cf}\ufffe\uffff]/u.test(character) && character !== '\n'),
    ).toEqual([]);
  });
});

describe('the charts of the summary', () => {
  const charts = mermaidCharts(late) ?? '';

  it('are two, as an xychart has but one scale', () => {
    expect(charts.match(/```mermaid/g)).toHaveLength(2);
    expect(charts.match(/^ {4}line /gm)).toHaveLength(2);
    expect(charts.match(/^ {4}bar /gm)).toHaveLength(3);
  });

  it('hold nothing but numbers that Mermaid reads, inside of their axes, as many in each', () => {
    const lists = [...charts.matchAll(/^ {4}(?:line|bar) \[(.*)\]$/gm)].map(([, list = '']) => list.split(', '));
    expect(lists.map((list) => list.length)).toEqual([60, 60, 60, 60, 60]);
    for (const number of lists.flat()) expect(number).toMatch(/^\d+(\.\d+)?$/);
    const top = Number(/"error rate \(%\)" 0 --> ([\d.]+)/.exec(charts)?.[1]);
    for (const number of lists.slice(0, 3).flat()) expect(Number(number)).toBeLessThanOrEqual(top);
  });

  it('mark the breach where it was found, in both', () => {
    const [rates = [], weights = []] = charts
      .split('Weight of the canary')
      .map((chart) => [...chart.matchAll(/^ {4}bar \[(.*)\]$/gm)].map(([, list = '']) => list.split(', ').map(Number)));
    expect(charts).toContain('the red bar is the breach');
    expect(rates).toHaveLength(1);
    expect(rates[0]?.findIndex((value) => value > 0)).toBeGreaterThan(55);
    expect(weights[1]?.filter((value) => value > 0)).toEqual([25]);
    expect(mermaidCharts(healthy)).not.toContain('breach');
  });

  it('draw no line where there was no data: a gap parts the chart in two', () => {
    const [first, second, third, ...rest] = late.points;
    if (!first || !second || !third) throw new Error('the story has no points');
    const drawn = mermaidCharts({ ...late, points: [first, second, third, ...rest.slice(80)] }) ?? '';
    expect(drawn.match(/Error rates? /g)).toHaveLength(2);
    // Not measured is not zero: stable alone, before the canary had a request, is no line at 0 % for it.
    const alone = late.points.slice(0, 20).map((point) => ({ ...point, canary: { requests: 0, errors: 0 } }));
    const later = mermaidCharts({ ...late, points: [...alone, ...late.points.slice(20)] }) ?? '';
    expect(later.match(/Error rate of/g)).toHaveLength(1);
    expect(/0 UTC" ([\d.]+) --> /.exec(later)?.[1]).toMatch(/^2\d/);
  });

  it('show the one sample that ended a rollout', () => {
    const drawn = mermaidCharts(sudden) ?? '';
    expect(drawn).toContain('Error rates in the one measurement, at 03:14:01 UTC, in which the breach was found');
    expect(drawn).toContain('    bar [0.5, 100]');
    expect(mermaidCharts({ ...sudden, points: [] })).toContain('the red bar is the breach at 5 %');
  });

  it('stay below the size that GitHub draws', () => {
    const long = reportOf(tell({ errors: () => 0.004, plan: '1 for 2h, 50 for 2h, 100', load: 5 }));
    expect((mermaidCharts(long) ?? '').length).toBeLessThan(10_000);
  });
});
