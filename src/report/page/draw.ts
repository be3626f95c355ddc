import { type ScaleLinear, type ScaleTime, scaleLinear, scaleUtc } from 'd3-scale';
import { area, curveStepAfter, line } from 'd3-shape';
import { clockTime } from '../sentences.ts';
import { type Chart, type Frame, type Line, type Measured, runsOf } from './chart.ts';
import { type Content, type Html, html } from './html.ts';

/** Sizes in units of the drawing, which are pixels at its full width. */
interface Size {
  readonly name: 'wide' | 'narrow';
  readonly width: number;
  readonly left: number;
  readonly right: number;
  readonly timeTicks: number;
  readonly top: number;
  readonly height: number;
}

/** The same chart for a desk and for a phone: a drawing that only shrinks would have text too small to read. */
const sizes: readonly Size[] = [
  { name: 'wide', width: 1000, left: 64, right: 900, timeTicks: 9, top: 44, height: 220 },
  { name: 'narrow', width: 340, left: 50, right: 330, timeTicks: 4, top: 60, height: 180 },
];

const PANEL = { gap: 40, height: 70 };
const AXIS = 44;

interface Place {
  readonly size: Size;
  readonly x: ScaleTime<number, number>;
  readonly y: ScaleLinear<number, number>;
  /** Of the rates, and of the weights below them. */
  readonly bottom: number;
  readonly floor: number;
}

/** Both drawings of a chart, of which the style shows the one that fits. `description` is the text alternative. */
export function drawings(chart: Chart, description: string): Html[] {
  return sizes.map((size) => drawing(chart, size, description));
}

function drawing(chart: Chart, size: Size, description: string): Html {
  const { frame, lines, weights, title } = chart;
  const bottom = size.top + size.height;
  const floor = weights ? bottom + PANEL.gap + PANEL.height : bottom;
  const height = floor + AXIS;
  const place: Place = {
    size,
    x: scaleUtc([frame.from, frame.to], [size.left, size.right]),
    y: scaleLinear([lowestOf(chart), topOf(chart)], [bottom, size.top]).nice(4),
    bottom,
    floor,
  };
  const id = `${chart.id}-${size.name}`;
  return html`<svg class="${size.name}" viewBox="0 0 ${size.width} ${height}" width="${size.width}" height="${height}" role="img" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">${title}</title>
<desc id="${id}-text">${description}</desc>
${grid(chart, place)}
${timeAxis(frame, place)}
${spans(frame, place)}
${gaps(frame, place)}
${weights ? weightPanel(weights, frame, place) : undefined}
${lines.map((one) => band(one, place))}
${lines.map((one) => drawnLine(one, place))}
${marks(frame, place)}
${names(lines, place)}
</svg>
`;
}

function topOf({ lines, top }: Chart): number {
  const values = lines.flatMap(({ points }) => runsOf(points).flat());
  const highest = Math.max(0, ...values.map(({ value }) => value));
  // A range is cut where it is far above every value: a few requests would flatten all that is known.
  const ranges = Math.max(0, ...values.map(({ range }) => range?.high ?? 0));
  return Math.min(top.most, Math.max(top.least, highest * 1.1, Math.min(ranges, highest * 2)));
}

/** Rates begin at 0; values of queries may be below it. */
function lowestOf({ lines }: Chart): number {
  return Math.min(0, ...lines.flatMap(({ points }) => runsOf(points).flatMap((run) => run.map(({ value }) => value))));
}

function grid({ format }: Chart, { size, y, bottom }: Place): Content {
  return y.ticks(4).map((value) => {
    const at = round(y(value));
    return html`<line class="grid" x1="${size.left}" x2="${size.right}" y1="${at}" y2="${at}"/>${label(size.left - 6, Math.min(at + 4, bottom + 4), format(value), 'end')}`;
  });
}

function timeAxis({ from, to }: Frame, { size, x, floor }: Place): Content {
  const ticks = x.ticks(size.timeTicks).filter((time) => {
    const at = x(time);
    return at >= size.left + 4 && at <= size.right - 4;
  });
  const whole = ticks.filter((time) => time.getUTCMilliseconds() === 0);
  const isFine = whole.some((time) => time.getUTCSeconds() !== 0);
  // Each label needs its width, and some room.
  const fitting = Math.floor((size.right - size.left) / (isFine ? 84 : 60));
  const every = Math.ceil(whole.length / fitting);
  const shown = whole.filter((_, index) => index % every === 0);
  const date = (at: number) => new Date(at).toISOString().slice(0, 10);
  const days = date(from) === date(to) ? date(from) : `${date(from)} to ${date(to)}`;
  return [
    ...shown.map((time) => {
      const at = x(time);
      const text = clockTime(time.getTime()).slice(0, isFine ? 8 : 5);
      return html`<line class="grid" x1="${round(at)}" x2="${round(at)}" y1="${floor}" y2="${floor + 5}"/>${label(at, floor + 19, text, 'middle')}`;
    }),
    label((size.left + size.right) / 2, floor + 38, `UTC, ${days}`, 'middle'),
  ];
}

/** Shaded times, at least as wide as a line. */
function spans({ spans: all = [], from, to }: Frame, { size, x, floor }: Place): Content {
  return all.map((span) => {
    const [begin, end] = [x(Math.max(span.from, from)), x(Math.min(span.to, to))];
    return html`<rect class="span" x="${round(begin)}" y="${size.top}" width="${round(Math.max(2, end - begin))}" height="${floor - size.top}"/>`;
  });
}

/** Times without data: a bar between two ends, and words where they fit. */
function gaps({ gaps: all, from, to }: Frame, { size, x, floor }: Place): Content {
  return all
    .filter((gap) => gap.to > from && gap.from < to)
    .map((gap) => {
      const [begin, end] = [x(Math.max(gap.from, from)), x(Math.min(gap.to, to))];
      const middle = size.top + 6;
      const width = Math.max(1, end - begin);
      return html`<rect class="void" x="${round(begin)}" y="${size.top}" width="${round(width)}" height="${floor - size.top}"/><path class="gap" d="M${round(begin)},${size.top}V${floor}M${round(begin + width)},${size.top}V${floor}M${round(begin)},${middle}H${round(begin + width)}"/>${width > 60 ? label(begin + width / 2, middle + 18, 'no data', 'middle gaps') : undefined}`;
    });
}

function weightPanel(weights: NonNullable<Chart['weights']>, frame: Frame, { size, x, bottom, floor }: Place): Content {
  const top = bottom + PANEL.gap;
  const y = scaleLinear([0, 100], [floor, top]);
  const last = weights.at(-1);
  if (!last) return undefined;
  const corners = [...weights, { at: frame.to, weight: last.weight }];
  const place = ({ at }: { readonly at: number }) => x(at);
  const shape = area<(typeof corners)[number]>(place, floor, ({ weight }) => y(weight))
    .curve(curveStepAfter)
    .digits(1);
  const edge = line<(typeof corners)[number]>(place, ({ weight }) => y(weight))
    .curve(curveStepAfter)
    .digits(1);
  return html`${label(size.left, top - 10, 'Canary weight', 'title')}
${[0, 50, 100].map((weight) => html`<line class="grid" x1="${size.left}" x2="${size.right}" y1="${y(weight)}" y2="${y(weight)}"/>${label(size.left - 6, y(weight) + 4, `${weight} %`, 'end')}`)}
<path class="area" d="${shape(corners) ?? ''}"/><path class="canary line" d="${edge(corners) ?? ''}"/>`;
}

/** How sure the values are. */
function band({ kind, points }: Line, { x, y, size }: Place): Content {
  const shape = area<Measured>()
    .x(({ at }) => x(at))
    .y0(({ range, value }) => y(range?.low ?? value))
    .y1(({ range, value }) => Math.max(size.top, y(range?.high ?? value)))
    .digits(1);
  return runsOf(points)
    .filter((run) => run.length > 1 && run.some(({ range }) => range))
    .map((run) => html`<path class="${kind} band" d="${shape(run) ?? ''}"/>`);
}

function drawnLine({ kind, points }: Line, { x, y, size }: Place): Content {
  const path = line<Measured>(
    ({ at }) => x(at),
    ({ value }) => Math.max(size.top, y(value)),
  ).digits(1);
  return runsOf(points).map((run) => {
    const [only] = run;
    if (run.length > 1 || !only) return html`<path class="${kind} line" d="${path(run) ?? ''}"/>`;
    const [at, middle] = [round(x(only.at)), Math.max(size.top, y(only.value))];
    const whisker =
      only.range &&
      html`<path class="${kind} line" d="M${at},${round(y(only.range.low))}V${round(Math.max(size.top, y(only.range.high)))}"/>`;
    return html`${whisker}<circle class="${kind} dot" r="4" cx="${at}" cy="${round(middle)}"/>`;
  });
}

/** Steps begin at dotted lines with their weights, and the breach is a solid line with words, above everything. */
function marks({ marks: all }: Frame, { size, x, floor }: Place): Content {
  let free = 0;
  return all.map(({ at, text, kind }) => {
    const place = round(x(at));
    if (kind === 'breach') {
      const isRight = place > (size.left + size.right) / 2;
      const [edge, anchor] = isRight ? [place - 6, 'breach end'] : [place + 6, 'breach'];
      return html`<line class="breach" x1="${place}" x2="${place}" y1="${size.top - 28}" y2="${floor}"/>${label(edge, size.top - 18, text, anchor)}`;
    }
    const mark = html`<line class="step" x1="${place}" x2="${place}" y1="${size.top}" y2="${floor}"/>`;
    // Labels of steps in quick succession would cover each other.
    if (text === '' || place < free || place > size.right - 30) return mark;
    free = place + 7 * text.length + 12;
    return [mark, label(place + 3, size.top - 4, text, '')];
  });
}

/** The name of each line: at its end, or on a narrow drawing above it all. */
function names(lines: readonly Line[], { size, y }: Place): Content {
  const ends = lines.flatMap(({ name, kind, points }) => {
    const last = runsOf(points).at(-1)?.at(-1);
    return last ? [{ name, kind, at: Math.max(size.top, y(last.value)) + 4 }] : [];
  });
  if (size.name === 'narrow') return legend(ends);
  let least = 0;
  return ends
    .toSorted((a, b) => a.at - b.at)
    .map(({ name, kind, at }) => {
      const place = Math.max(at, least);
      least = place + 16;
      return label(size.right + 8, place, name, kind);
    });
}

function legend(lines: readonly Pick<Line, 'name' | 'kind'>[]): Content {
  let left = 4;
  return lines.map(({ name, kind }) => {
    const begin = left;
    left += 40 + 7.5 * name.length;
    return html`<path class="${kind} line" d="M${begin},10H${begin + 24}"/>${label(begin + 28, 14, name, kind)}`;
  });
}

function label(x: number, y: number, text: string, name: string): Html {
  return html`<text${name === '' ? undefined : html` class="${name}"`} x="${round(x)}" y="${round(y)}">${text}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
