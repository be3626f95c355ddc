import { count } from '../../core/wording.ts';
import { clockTime, span } from '../sentences.ts';
import { type Chart, isDrawn, type Line, type Measured, runsOf } from './chart.ts';
import { drawings } from './draw.ts';
import { type Content, details, type Html, html, table, timeOf } from './html.ts';

/** A chart with its caption, and all its figures as a table; undefined where nothing was measured. */
export function figure(chart: Chart): Html | undefined {
  if (!isDrawn(chart) && chart.weights === undefined) return undefined;
  const rows = rowsOf(chart);
  return html`<figure>
<figcaption><strong>${chart.title}.</strong> ${chart.caption}</figcaption>
${drawings(chart, describe(chart))}
${rows.length === 0 ? undefined : details(`All figures of this chart (${count(rows.length)} ${rows.length === 1 ? 'row' : 'rows'})`, table(`${chart.title} (times in UTC)`, headOf(chart), rows))}
${weightsTable(chart)}
</figure>
`;
}

/** The text alternative: where each line begins, ends and is highest, what is marked, and where data are missing. */
function describe({ lines, frame, format, weights }: Chart): string {
  const { gaps, marks } = frame;
  const breach = marks.find(({ kind }) => kind === 'breach');
  return [
    `From ${clockTime(frame.from)} to ${clockTime(frame.to)} UTC.`,
    ...lines.map((line) => describeLine(line, format)),
    ...(weights && weights.length > 0
      ? [`Canary weight: ${weights.map(({ at, weight }) => `${weight} % from ${clockTime(at)}`).join(', ')}.`]
      : []),
    ...(breach ? [`${breach.text} at ${clockTime(breach.at)}.`] : []),
    ...gaps.map(({ from, to }) => `No data from ${clockTime(from)} to ${clockTime(to)}.`),
  ].join(' ');
}

function describeLine({ name, points }: Line, format: Chart['format']): string {
  const measured = runsOf(points).flat();
  const [first, last] = [measured[0], measured.at(-1)];
  if (!first || !last) return `${name}: nothing was measured.`;
  const told = ({ at, value }: Measured) => `${format(value)} at ${clockTime(at)}`;
  if (measured.length === 1) return `${name}: ${told(first)}.`;
  const highest = measured.reduce((most, point) => (point.value > most.value ? point : most));
  return `${name}: from ${told(first)} to ${told(last)}, highest ${told(highest)}.`;
}

const hasRange = ({ points }: Line) => points.some(({ range }) => range);

function headOf({ lines }: Pick<Chart, 'lines'>): Content[] {
  return ['Time', ...lines.flatMap((line) => (hasRange(line) ? [line.name, 'of', '95 % interval'] : [line.name]))];
}

function rowsOf({ lines, format, frame }: Chart): Content[][] {
  const measured = lines.map(
    (line) => new Map(runsOf(line.points).flatMap((run) => run.map((point) => [point.at, point]))),
  );
  const times = [...new Set(measured.flatMap((line) => [...line.keys()]))];
  const rows = times.map((at) => ({
    at,
    row: [
      timeOf(at, clockTime(at)),
      ...lines.flatMap((line, index) => cells(measured[index]?.get(at), format, hasRange(line))),
    ],
  }));
  const columns = headOf({ lines }).length;
  const missing = frame.gaps.map(({ from, to }) => ({
    at: from,
    row: [
      timeOf(from, clockTime(from)),
      `no data for ${span(to - from)}`,
      ...Array.from({ length: Math.max(0, columns - 2) }, () => ''),
    ],
  }));
  return [...rows, ...missing].toSorted((a, b) => a.at - b.at).map(({ row }) => row);
}

function cells(point: Measured | undefined, format: Chart['format'], isRate: boolean): Content[] {
  const value = point ? format(point.value) : 'not measured';
  if (!isRate) return [value];
  const { counted, range } = point ?? {};
  return [
    value,
    counted ? `${count(counted.bad)} of ${count(counted.requests)}` : '',
    range ? `${format(range.low)} to ${format(range.high)}` : '',
  ];
}

function weightsTable({ title, weights }: Chart): Content {
  if (!weights || weights.length === 0) return undefined;
  const rows = weights.map(({ at, weight }) => [timeOf(at, clockTime(at)), `${weight} %`]);
  return details(
    'The canary’s weights',
    table(`Canary weights below “${title}” (times in UTC)`, ['From', 'Weight'], rows),
  );
}
