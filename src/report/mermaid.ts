import type { Report } from './report.ts';
import { clockTime } from './sentences.ts';
import { type Series, seriesOf, ticks, timeUnit } from './series.ts';

/** A line has to be told from its neighbours at the width of a summary. */
const SLICES = 60;

/** Colours that can be read on GitHub's light and on its dark page. */
const stableColour = '#3b8eea';
const canaryColour = '#e5730b';

/**
 * The run as two Mermaid charts, the one kind of plot that GitHub draws in a job summary (inline SVG and data URIs are taken
 * out there). Undefined where too little was measured.
 *
 * An xychart knows one y axis, evenly spaced points without gaps, and no legend: hence two charts, and colours named in the
 * text. Syntax: https://mermaid.js.org/syntax/xyChart.html
 */
export function mermaidCharts(report: Report): string | undefined {
  const series = seriesOf(report, SLICES);
  if (!series) return undefined;
  const rates = [withoutGaps(series, 'stable'), withoutGaps(series, 'canary')];
  const top = ticks(Math.min(100, Math.max(0.1, ...rates.flat()) * 1.1), 4).at(-1);
  return [
    `Error rate of **stable** (blue) and **canary** (orange)`,
    '',
    chart({
      height: 300,
      colours: [stableColour, canaryColour],
      lines: [
        timeAxis(series),
        `y-axis "error rate (%)" 0 --> ${top}`,
        ...rates.map((values) => `line [${values.map(decimal).join(', ')}]`),
      ],
    }),
    '',
    'Weight of the canary',
    '',
    chart({
      height: 200,
      colours: [canaryColour],
      lines: [timeAxis(series), 'y-axis "weight (%)" 0 --> 100', `bar [${weights(series).join(', ')}]`],
    }),
  ].join('\n');
}

function chart({ height, colours, lines }: { height: number; colours: string[]; lines: string[] }): string {
  return [
    '```mermaid',
    '---',
    'config:',
    '  xyChart:',
    '    width: 900',
    `    height: ${height}`,
    '  themeVariables:',
    '    xyChart:',
    `      plotColorPalette: "${colours.join(', ')}"`,
    '---',
    'xychart-beta',
    ...lines.map((line) => `    ${line}`),
    '```',
  ].join('\n');
}

function timeAxis({ start, length }: Series): string {
  const unit = timeUnit(length);
  return `x-axis "${unit.name} since ${clockTime(start)} UTC" 0 --> ${decimal(length / unit.milliseconds)}`;
}

/** Per cent; an arm without requests keeps its last rate, as there are no gaps. */
function withoutGaps({ rates }: Series, arm: 'stable' | 'canary'): number[] {
  let last = 0;
  return rates.map(({ [arm]: rate }) => {
    last = rate === undefined ? last : rate * 100;
    return last;
  });
}

function weights(series: Series): number[] {
  return Array.from({ length: SLICES }, (_, index) => {
    const time = ((index + 0.5) / SLICES) * series.length;
    return series.weights.findLast((weight) => weight.time <= time)?.weight ?? 0;
  });
}

/** Plain notation: an xychart does not read `1e-7`. */
function decimal(value: number): string {
  return String(Number(value.toFixed(3)));
}
