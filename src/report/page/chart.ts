import { wilson } from '../../judge/wilson.ts';

/** A measured value at a time; without a value there was none, and no line is drawn across. */
export interface Point {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly value?: number | undefined;
  /** How sure a rate is. */
  readonly range?: { readonly low: number; readonly high: number } | undefined;
  /** What a rate was counted from. */
  readonly counted?: { readonly requests: number; readonly bad: number } | undefined;
}

export interface Line {
  /** Shown at its end. */
  readonly name: string;
  /** How it is drawn. */
  readonly kind: 'canary' | 'stable' | 'limit';
  readonly points: readonly Point[];
}

/** What all charts of a report share: the same time is at the same place in each of them. */
export interface Frame {
  readonly from: number;
  readonly to: number;
  /** Times without data. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
  /** A mark without text is a line alone. */
  readonly marks: readonly { readonly at: number; readonly text: string; readonly kind: 'breach' | 'step' }[];
  /** Times that are shaded, such as those with a fault. */
  readonly spans?: readonly { readonly from: number; readonly to: number }[];
}

/** One chart. Its drawing, its text alternative and its table show the same figures. */
export interface Chart {
  /** Unique in the page, and fit for an id. */
  readonly id: string;
  readonly title: string;
  readonly caption: string;
  readonly frame: Frame;
  readonly lines: readonly Line[];
  /** How values are written on the axis and in the table. */
  readonly format: (value: number) => string;
  /** The least value at the top of the axis, and the most. */
  readonly top: { readonly least: number; readonly most: number };
  /** Weights of the canary in per cent, each until the next one, drawn below. */
  readonly weights?: readonly { readonly at: number; readonly weight: number }[];
}

/** A rate as a point, with its range; without a value where there were no requests. */
export function ratePoint(at: number, requests: number | undefined, bad: number | undefined): Point {
  if (requests === undefined || bad === undefined || requests === 0) return { at };
  const counted = { requests, bad };
  return { at, value: bad / requests, range: wilson(counted), counted };
}

/** Points with an empty one in each gap and at each given time between two of them, so that no line crosses these. */
export function broken(
  points: readonly Point[],
  { gaps }: Pick<Frame, 'gaps'>,
  breaks: readonly number[] = [],
): Point[] {
  const times = [...gaps.map(({ to }) => to), ...breaks];
  return points.flatMap((point, index) => {
    const before = points[index - 1];
    const isCut = before !== undefined && times.some((time) => time > before.at && time <= point.at);
    return isCut ? [{ at: (before.at + point.at) / 2 }, point] : [point];
  });
}

/** Runs of points that have values. */
export function runsOf(points: readonly Point[]): Measured[][] {
  const runs: Measured[][] = [[]];
  for (const { at, value, range, counted } of points) {
    if (value === undefined || !Number.isFinite(value)) runs.push([]);
    else runs.at(-1)?.push({ at, value, range, counted });
  }
  return runs.filter((run) => run.length > 0);
}

export interface Measured extends Point {
  readonly value: number;
}

/** Whether there is anything to draw. */
export function isDrawn({ lines }: Chart): boolean {
  return lines.some(({ points }) => runsOf(points).length > 0);
}
