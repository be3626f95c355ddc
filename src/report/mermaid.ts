import type { Report } from './canary-report-schema.ts';
import { clockTime } from './sentences.ts';
import { type Series, seriesOf, ticks, timeUnit } from './series.ts';
import { decimal, xychart } from './xychart.ts';

/** The most points of a line that are distinguishable at the width of a summary. */
const SLICES = 60;

/** Colours that are readable on GitHub's light and dark pages. */
const stableColour = '#3b8eea';
const canaryColour = '#e5730b';

const breachColour = '#d1242f';

/** The most charts of one run with separate data; the JSON report serves a reader better than more charts. */
const MOST_CHARTS = 3;

type Arm = 'stable' | 'canary';
type Rates = Series['rates'];

/** A period in which the same arms were measured. */
interface Span {
  readonly arms: readonly Arm[];
  readonly rates: Rates;
}

/**
 * The run as Mermaid charts, the only kind of plot that GitHub draws in a job summary (it removes inline SVG and data URIs).
 * Undefined where nothing was measured and no request was moved.
 *
 * An xychart has one y axis, evenly spaced points without gaps, and no legend: hence one chart for the rates and one for the
 * weights, another one after each gap in the data, and colours named in the text.
 * Syntax: https://mermaid.js.org/syntax/xyChart.html
 */
export function mermaidCharts(report: Report): string | undefined {
  const series = seriesOf(report, SLICES);
  if (!series) return undefined;
  return [...ratesCharts(series), ...(series.weights.length === 0 ? [] : weightsChart(series))].join('\n\n');
}

/** Only for the time in which the canary was measured: the stable arm alone decides nothing. */
function ratesCharts(series: Series): string[] {
  const spans = spansOf(series.rates).filter(({ arms }) => arms.includes('canary'));
  const shown = spans
    .toSorted((a, b) => b.rates.length - a.rates.length)
    .slice(0, MOST_CHARTS)
    .toSorted((a, b) => spans.indexOf(a) - spans.indexOf(b));
  const left = spans.length - shown.length;
  return [
    ...shown.flatMap((span) => (span.rates.length === 1 ? barsOf(series, span) : linesOf(series, span))),
    ...(left === 0
      ? []
      : [`*The plot beside the JSON report shows ${left} more, with a gap in the data before each.*`]),
  ];
}

function spansOf(rates: Rates): Span[] {
  const spans: { arms: readonly Arm[]; rates: Rates[number][] }[] = [];
  for (const slice of rates) {
    const arms = (['stable', 'canary'] as const).filter((arm) => slice[arm] !== undefined);
    const last = spans.at(-1);
    if (last?.arms.join() === arms.join()) last.rates.push(slice);
    else spans.push({ arms, rates: [slice] });
  }
  return spans;
}

const colours = { stable: stableColour, canary: canaryColour };
const legend = { stable: '**stable** (blue)', canary: '**canary** (orange)' };

/** A line for each arm, and a bar at the breach. */
function linesOf(series: Series, { arms, rates }: Span): string[] {
  const [from = 0, to = 0] = [rates[0]?.time, rates.at(-1)?.time];
  const values = arms.map((arm) => rates.map((rate) => 100 * (rate[arm] ?? 0)));
  const top = topOf(values.flat());
  const found = series.breach;
  const at = found && found.time >= from ? rates.findIndex(({ time }) => time >= found.time - 1) : -1;
  const mark = at === -1 ? [] : [`bar [${rates.map((_, index) => (index === at ? top : 0)).join(', ')}]`];
  return [
    `Error rate of ${arms.map((arm) => legend[arm]).join(' and ')}${at === -1 ? '' : '; the red bar is the breach'}`,
    xychart({
      height: 300,
      colours: [...(at === -1 ? [] : [breachColour]), ...arms.map((arm) => colours[arm])],
      lines: [
        timeAxis(series, from, to),
        `y-axis "error rate (%)" 0 --> ${top}`,
        ...mark,
        ...values.map((line) => `line [${line.map(decimal).join(', ')}]`),
      ],
    }),
  ];
}

/** Bars, because a single measurement makes no line. */
function barsOf(series: Series, { arms, rates }: Span): string[] {
  const [rate] = rates;
  if (!rate) return [];
  const values = arms.map((arm) => 100 * (rate[arm] ?? 0));
  const at = clockTime(series.start + rate.time);
  const breached = series.breach !== undefined && series.breach.time >= rate.time - 1;
  return [
    `Error rates in the one measurement, at ${at} UTC${breached ? ', in which the breach was found' : ''}`,
    xychart({
      height: 300,
      colours: [breached ? breachColour : canaryColour],
      lines: [
        `x-axis [${arms.join(', ')}]`,
        `y-axis "error rate (%)" 0 --> ${topOf(values)}`,
        `bar [${values.map(decimal).join(', ')}]`,
      ],
    }),
  ];
}

function topOf(values: readonly number[]): number {
  return ticks(Math.min(100, Math.max(0.1, ...values) * 1.1), 4).at(-1) ?? 100;
}

function weightsChart(series: Series): string[] {
  const { breach, length } = series;
  const slice = (time: number) => Math.min(SLICES - 1, Math.floor((time / length) * SLICES));
  const mark =
    breach &&
    `bar [${Array.from({ length: SLICES }, (_, index) => (index === slice(breach.time) ? Math.max(breach.weight, 5) : 0)).join(', ')}]`;
  return [
    `Weight of the canary${breach ? `; the red bar is the breach at ${breach.weight} %` : ''}`,
    xychart({
      height: 200,
      colours: [canaryColour, ...(breach ? [breachColour] : [])],
      lines: [
        timeAxis(series, 0, length),
        'y-axis "weight (%)" 0 --> 100',
        `bar [${weights(series).join(', ')}]`,
        ...(mark ? [mark] : []),
      ],
    }),
  ];
}

/** @param from milliseconds since the start; the same holds for `to` */
function timeAxis({ start, length }: Series, from: number, to: number): string {
  const unit = timeUnit(length);
  const [left, right] = [from, to].map((time) => decimal(time / unit.milliseconds));
  return `x-axis "${unit.name} since ${clockTime(start)} UTC" ${left} --> ${right}`;
}

function weights(series: Series): number[] {
  return Array.from({ length: SLICES }, (_, index) => {
    const time = ((index + 0.5) / SLICES) * series.length;
    return series.weights.findLast((weight) => weight.time <= time)?.weight ?? 0;
  });
}
