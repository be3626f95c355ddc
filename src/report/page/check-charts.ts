import { count, percent, figure as written } from '../../core/wording.ts';
import { broken, type Chart, type Frame, type Line, type Point, ratePoint } from './chart.ts';

/** A check at one time, in the report of a rollout or of a gate. */
interface Look {
  readonly at: number;
  readonly progress: number;
  /** Why there were no data. */
  readonly missing?: string | undefined;
  readonly figures: Readonly<Record<string, number | null>>;
}

/** Where a chart stands, and its words. */
interface Place {
  readonly id: string;
  readonly frame: Frame;
  readonly title: string;
  readonly caption: string;
}

/** The looks of one check, as lines. */
export interface Looks {
  readonly looks: readonly Look[];
  /** When counts begin anew: no line crosses it. */
  readonly breaks?: readonly number[];
  readonly frame: Frame;
}

export const RANGE = 'The shaded band is the 95 % interval (Wilson) of a rate: how sure it is. No check decides by it.';

/** A rate of two figures; nothing where the check has no such figures. */
export function rateLine(
  looks: Looks,
  name: string,
  kind: Line['kind'],
  [total, bad]: readonly [string, string],
): Line[] {
  return has(looks, total)
    ? [
        lineOf(looks, name, kind, ({ at, figures }) =>
          ratePoint(at, figures[total] ?? undefined, figures[bad] ?? undefined),
        ),
      ]
    : [];
}

/** A figure as it is; nothing where the check has no such figure. */
export function valueLine(looks: Looks, name: string, kind: Line['kind'], figureName: string): Line[] {
  return has(looks, figureName)
    ? [lineOf(looks, name, kind, ({ at, figures }) => ({ at, value: figures[figureName] ?? undefined }))]
    : [];
}

export function has({ looks }: Looks, figureName: string): boolean {
  return looks.some(({ figures }) => typeof figures[figureName] === 'number');
}

function lineOf({ looks, breaks, frame }: Looks, name: string, kind: Line['kind'], point: (look: Look) => Point): Line {
  const points = looks.map((look) => (look.missing === undefined ? point(look) : { at: look.at }));
  return { name, kind, points: broken(points, frame, breaks) };
}

export function rateChart(place: Place, lines: readonly Line[]): Chart {
  return { ...place, lines, format: percent, top: { least: 0.001, most: 1 } };
}

export function valueChart(place: Place, lines: readonly Line[]): Chart {
  return { ...place, lines, format: written, top: { least: 1e-9, most: Number.MAX_VALUE } };
}

/** How close a check came to its limit: 100 % is where it breaches, or fails. */
export function progressChart(
  place: Place,
  looks: Looks,
  names: { readonly limit: string; readonly line: string },
): Chart {
  const { from, to } = place.frame;
  return {
    ...place,
    lines: [
      { name: names.limit, kind: 'limit', points: [from, to].map((at) => ({ at, value: 1 })) },
      lineOf(looks, names.line, 'canary', ({ at, progress }) => ({ at, value: progress })),
    ],
    format: (share) => `${count(100 * share)} %`,
    top: { least: 1.05, most: 1.05 },
  };
}
