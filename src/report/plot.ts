import { percent } from '../core/wording.ts';
import type { Report } from './canary-report-schema.ts';
import { clockTime, endText } from './sentences.ts';
import { FEWEST_REQUESTS, type Series, seriesOf, ticks, timeUnit } from './series.ts';
import { subjectOf } from './subject.ts';

const width = 960;
const height = 470;
const left = 70;
const right = 840;
const rates = { top: 92, bottom: 282 };
const weights = { top: 322, bottom: 422 };

/**
 * The run as one self-contained SVG: the error rates of both arms above, the canary's weight below, the breach marked. Its
 * colours follow the reader's light or dark scheme. Undefined where nothing was measured and no request was moved.
 */
export function renderPlot(report: Report): string | undefined {
  const series = seriesOf(report, 120);
  if (!series) return undefined;
  const highest = Math.max(0.001, ...series.rates.flatMap(({ stable, canary }) => [stable ?? 0, canary ?? 0]));
  const rateTicks = ticks(Math.min(1, highest * 1.1), 4);
  const topRate = rateTicks.at(-1) ?? 1;
  const x = (time: number) => left + (time / series.length) * (right - left);
  const yRate = (rate: number) => rates.bottom - (rate / topRate) * (rates.bottom - rates.top);
  const yWeight = (weight: number) => weights.bottom - (weight / 100) * (weights.bottom - weights.top);
  const { title, subtitle } = headline(report);

  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title subtitle">`,
    style,
    `<rect class="page" width="${width}" height="${height}" rx="6"/>`,
    `<text id="title" class="title" x="20" y="32">${escapeXml(title)}</text>`,
    `<text id="subtitle" class="subtitle" x="20" y="54">${escapeXml(shortened(subtitle, 140))}</text>`,
    label(
      left,
      rates.top - 10,
      `error rate (of the last ${FEWEST_REQUESTS} canary requests, or as many as there were)`,
      'caption',
    ),
    ...rateTicks.map((rate) => gridLine(yRate(rate), percent(rate))),
    label(left, weights.top - 10, 'canary weight', 'caption'),
    ...[0, 50, 100].map((weight) => gridLine(yWeight(weight), `${weight} %`)),
    timeAxis(series, x),
    ...shiftMarks(series, x),
    weightArea(series, x, yWeight),
    rateLine(series, 'stable', x, yRate),
    rateLine(series, 'canary', x, yRate),
    ...armLabels(series, yRate),
    ...(series.rates.length === 0
      ? [label((left + right) / 2, (rates.top + rates.bottom) / 2, 'no requests were measured', 'middle')]
      : []),
    breachMark(series, x),
    '</svg>',
  ].join('\n')}\n`;
}

const style = `<style>
  text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #59636e }
  .page { fill: #ffffff }
  .title { font-size: 18px; font-weight: 600; fill: #1f2328 }
  .caption { font-weight: 600; fill: #1f2328 }
  .end { text-anchor: end }
  .middle { text-anchor: middle }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .shift { stroke: #d1d9e0; stroke-width: 1; stroke-dasharray: 2 4 }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
  .stable { stroke: #0969da } text.stable { stroke: none; fill: #0969da; font-weight: 600 }
  .canary { stroke: #bc4c00 } text.canary { stroke: none; fill: #bc4c00; font-weight: 600 }
  .dot { fill: #bc4c00; stroke: none } .dot.stable { fill: #0969da }
  .weight { fill: #bc4c00; fill-opacity: 0.18; stroke: none }
  .breach { stroke: #cf222e; stroke-width: 2 } text.breach { stroke: none; fill: #cf222e; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 } .page { fill: #0d1117 } .title, .caption { fill: #f0f6fc }
    .grid, .shift { stroke: #3d444d }
    .stable { stroke: #58a6ff } text.stable { fill: #58a6ff } .dot.stable { fill: #58a6ff }
    .canary { stroke: #f0883e } text.canary { fill: #f0883e } .dot { fill: #f0883e } .weight { fill: #f0883e }
    .breach { stroke: #f85149 } text.breach { fill: #f85149 }
  }
</style>`;

function headline(report: Report): { title: string; subtitle: string } {
  const { outcome, failure, run } = report;
  const subject = subjectOf(report);
  const titled = (title: string) => (subject === '' ? title : `${title}: ${subject}`);
  if (outcome) return { title: titled(endText(outcome)), subtitle: outcome.reason };
  if (failure) return { title: titled('No verdict'), subtitle: `${failure.about}: ${failure.problem}` };
  return { title: titled('Running'), subtitle: run?.plan ?? '' };
}

function gridLine(y: number, text: string): string {
  const line = `<line class="grid" x1="${left}" x2="${right}" y1="${round(y)}" y2="${round(y)}"/>`;
  return `${line}${label(left - 8, y + 4, text, 'end')}`;
}

function timeAxis(series: Series, x: (time: number) => number): string {
  const unit = timeUnit(series.length);
  const marks = ticks(series.length / unit.milliseconds, 8)
    .filter((value) => value * unit.milliseconds <= series.length)
    .map((value) => label(x(value * unit.milliseconds), weights.bottom + 18, String(value), 'middle'));
  const caption = `${unit.name} since ${clockTime(series.start)} UTC`;
  return [...marks, label((left + right) / 2, weights.bottom + 38, caption, 'middle')].join('');
}

/** An area of steps: a weight holds until the next one. */
function weightArea(series: Series, x: (time: number) => number, y: (weight: number) => number): string {
  const corners = series.weights.flatMap(({ time, weight }, index) => {
    const until = series.weights[index + 1]?.time ?? series.length;
    return [`${round(x(time))},${round(y(weight))}`, `${round(x(until))},${round(y(weight))}`];
  });
  if (corners.length === 0) return '';
  const first = series.weights[0]?.time ?? 0;
  const floor = round(y(0));
  return [
    `<polygon class="weight" points="${round(x(first))},${floor} ${corners.join(' ')} ${right},${floor}"/>`,
    `<polyline class="line canary" points="${corners.join(' ')}"/>`,
  ].join('\n');
}

/** Marks the start of each step in both plots. */
function shiftMarks(series: Series, x: (time: number) => number): string[] {
  const risen = series.weights.filter(({ weight }, index) => weight > (series.weights[index - 1]?.weight ?? 0));
  let free = left;
  return risen.map(({ time, weight }) => {
    const at = x(time);
    const line = `<line class="shift" x1="${round(at)}" x2="${round(at)}" y1="${rates.top}" y2="${weights.bottom}"/>`;
    // Labels of steps in quick succession would overlap.
    if (at < free || at + 40 > right) return line;
    free = at + 40;
    return `${line}${label(at + 4, weights.top + 14, `${weight} %`, '')}`;
  });
}

function rateLine(
  series: Series,
  arm: 'stable' | 'canary',
  x: (time: number) => number,
  y: (rate: number) => number,
): string {
  const runs: string[][] = [[]];
  for (const { time, [arm]: rate } of series.rates) {
    if (rate === undefined) runs.push([]);
    else runs.at(-1)?.push(`${round(x(time))},${round(y(rate))}`);
  }
  return runs
    .filter((points) => points.length > 0)
    .map((points) =>
      points.length === 1
        ? `<circle class="dot ${arm}" r="${isSingle(series, arm) ? 5 : 2.5}" cx="${points[0]?.split(',')[0]}" cy="${points[0]?.split(',')[1]}"/>`
        : `<polyline class="line ${arm}" points="${points.join(' ')}"/>`,
    )
    .join('\n');
}

/** Whether an arm was measured only once, which makes a dot instead of a line. */
function isSingle({ rates: all }: Series, arm: 'stable' | 'canary'): boolean {
  return all.filter(({ [arm]: rate }) => rate !== undefined).length === 1;
}

/** The name of each line at its end; names of lines that end close together are placed one above the other. */
function armLabels(series: Series, y: (rate: number) => number): string[] {
  const ends = (['canary', 'stable'] as const).flatMap((arm) => {
    const rate = series.rates.findLast((at) => at[arm] !== undefined)?.[arm];
    // A line shows the rate by its position; a single dot does not.
    const text = rate === undefined || !isSingle(series, arm) ? arm : `${arm} ${percent(rate)}`;
    return rate === undefined ? [] : [{ arm, text, at: y(rate) + 4 }];
  });
  const [upper, lower] = ends.toSorted((a, b) => a.at - b.at);
  const placed = [upper, lower && { ...lower, at: Math.max(lower.at, (upper?.at ?? 0) + 16) }];
  return placed.flatMap((end) => (end ? [label(right + 8, end.at, end.text, end.arm)] : []));
}

function breachMark({ breach, length }: Series, x: (time: number) => number): string {
  if (!breach) return '';
  const at = round(x(breach.time));
  const line = `<line class="breach" x1="${at}" x2="${at}" y1="${rates.top - 6}" y2="${weights.bottom}"/>`;
  const side = breach.time > length / 2 ? 'breach end' : 'breach';
  const shift = side === 'breach' ? 6 : -6;
  return `${line}${label(at + shift, rates.top - 10, `breach at ${breach.weight} %`, side)}`;
}

function label(x: number, y: number, text: string, className: string): string {
  return `<text${className === '' ? '' : ` class="${className}"`} x="${round(x)}" y="${round(y)}">${escapeXml(text)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function shortened(text: string, most: number): string {
  // Cuts between two words: half of a number would be another number.
  return text.length > most
    ? `${text
        .slice(0, most - 1)
        .replace(/\s\S*$/, '')
        .trimEnd()} …`
    : text;
}

function escapeXml(text: string): string {
  // XML allows no control characters, lone surrogates or non-characters, even escaped.
  const printable = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\ufffe\uffff]/gu, ' ')
    .replaceAll(/\p{Cf}/gu, '');
  return printable.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
