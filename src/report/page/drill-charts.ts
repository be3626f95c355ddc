import type { DrillReport } from '../drill/drill-report.ts';
import { type RequestSlice, thinnedSlices } from '../drill/drill-requests.ts';
import { answerText, successText } from '../drill/drill-words.ts';
import { broken, type Chart, type Frame, type Line, type Point, ratePoint } from './chart.ts';

/** About the most points of a line. */
const POINTS = 600;

/** The most marks of a picture. */
const MOST_MARKS = 100;

/** The part of the time that one number needs. */
const ROOM = 1 / 40;

/** What happened at a time, with its number in the picture. */
export interface DrillMark {
  readonly at: number;
  readonly number: number;
  readonly what: string;
  readonly text: string;
}

/** What is marked in the pictures, in the order of time. */
export function marksOf({ faults, moments }: DrillReport): DrillMark[] {
  const mark = (at: number | undefined, what: string, text: string) => (at === undefined ? [] : [{ at, what, text }]);
  const ofFaults = faults.flatMap(({ text, effect, injectedAt, feltAt, stopped, removedAt, measured }) => {
    const below = measured && measured.belowTarget > 0 ? measured.recovery?.fromInjection : undefined;
    const recoveredAt = injectedAt === undefined || below === undefined ? undefined : injectedAt + below;
    return [
      ...mark(injectedAt, 'injected', text),
      ...mark(feltAt, 'felt', effect?.evidence ?? text),
      ...mark(stopped?.at, STOPPED, stopped?.reason ?? ''),
      ...mark(removedAt, 'removed', text),
      ...mark(recoveredAt, 'recovered', `users were last below the target: ${text}`),
    ];
  });
  const ofOthers = moments.map(({ at, kind, state, text }) => ({ at, what: `${kind} ${state}`, text }));
  return [...ofFaults, ...ofOthers]
    .toSorted((a, b) => a.at - b.at)
    .slice(0, MOST_MARKS)
    .map((one, index) => ({ ...one, number: index + 1 }));
}

const STOPPED = 'stopped';

/** The time of all pictures; undefined where no request was counted: nothing is drawn that was not measured. */
export function drillFrame(report: DrillReport, marks: readonly DrillMark[]): Frame | undefined {
  const { slices, gaps } = report.requests;
  const counted = countedOf(slices);
  if (counted.length === 0) return undefined;
  const times = [
    ...counted.flatMap(({ at, to }) => [at, to]),
    ...gaps.flatMap((gap) => [gap.from, gap.to]),
    ...marks.map(({ at }) => at),
  ];
  const from = times.reduce((earliest, at) => Math.min(earliest, at));
  const to = times.reduce((latest, at) => Math.max(latest, at), from + 1_000);
  const spans = report.faults.flatMap(({ injectedAt, removedAt }) =>
    injectedAt === undefined ? [] : [{ from: injectedAt, to: removedAt ?? report.endedAt ?? to }],
  );
  return { from, to, gaps, spans, marks: numbered(marks, (to - from) * ROOM) };
}

/** Numbers of marks that are too close to each other become one text at the first of them. */
function numbered(marks: readonly DrillMark[], room: number): Frame['marks'] {
  const groups: DrillMark[][] = [];
  for (const mark of marks) {
    const group = groups.at(-1);
    if (group?.[0] && mark.at - group[0].at < room) group.push(mark);
    else groups.push([mark]);
  }
  return groups.flatMap((group) => {
    const [first, last] = [group[0]?.number, group.at(-1)?.number];
    const label = first === last ? `${first}` : `${first}–${last}`;
    return group.map(({ at, what }, index) =>
      what === STOPPED
        ? { at, text: 'Stopped', kind: 'breach' as const }
        : { at, text: index === 0 ? label : '', kind: 'step' as const },
    );
  });
}

function countedOf(slices: readonly RequestSlice[]): RequestSlice[] {
  return slices.filter(({ good, bad }) => good + bad > 0);
}

/** The share of good requests over time, with the target. */
export function successChart({ requests, successTarget }: DrillReport, frame: Frame): Chart {
  const { from, to } = frame;
  const target: Line[] =
    successTarget === undefined
      ? []
      : [{ name: 'target', kind: 'limit', points: [from, to].map((at) => ({ at, value: successTarget })) }];
  return {
    id: 'success',
    title: 'Share of good requests',
    caption: `${requests.kind === 'counted' ? 'Each point is of one window of counts.' : 'Each point is of the requests that were sent in one second.'} A fault was in while it is shaded. The numbers are those of the list below. The shaded band is the 95 % interval (Wilson).`,
    frame,
    lines: [...target, { name: 'good', kind: 'canary', points: pointsOf(requests.slices, frame, goodPoint) }],
    format: successText,
    top: { least: 1, most: 1 },
  };
}

/** How long answers took; undefined where that was not measured. */
export function latencyChart({ requests: { slices } }: DrillReport, frame: Frame): Chart | undefined {
  if (slices.every(({ p95 }) => p95 === undefined)) return undefined;
  const points = (name: 'p50' | 'p95') => pointsOf(slices, frame, (one) => ({ at: middleOf(one), value: one[name] }));
  return {
    id: 'latency',
    title: 'Time of answers',
    caption: 'Median and 95th percentile of the answers to the requests of one second, within 1 %.',
    frame,
    lines: [
      { name: 'median', kind: 'stable', points: points('p50') },
      { name: 'p95', kind: 'canary', points: points('p95') },
    ],
    format: answerText,
    top: { least: 1, most: Number.MAX_VALUE },
  };
}

function goodPoint(one: RequestSlice): Point {
  const { at, value, range, counted } = ratePoint(middleOf(one), one.good + one.bad, one.bad);
  return {
    at,
    value: value === undefined ? undefined : 1 - value,
    range: range && { low: 1 - range.high, high: 1 - range.low },
    counted,
  };
}

function middleOf({ at, to }: RequestSlice): number {
  return (at + to) / 2;
}

/** Points of slices; none is joined to the one before it across a time of which nothing is known. */
function pointsOf(slices: readonly RequestSlice[], frame: Frame, point: (one: RequestSlice) => Point): Point[] {
  const shown = thinnedSlices(countedOf(slices), POINTS);
  const distances = shown.slice(1).map(({ at }, index) => at - (shown[index]?.at ?? at));
  const usual = distances.toSorted((a, b) => a - b)[Math.floor((distances.length - 1) / 2)] ?? 0;
  const breaks = shown.slice(1).flatMap((one, index) => {
    const before = shown[index];
    return before && one.at - before.at > Math.max(5_000, 4 * usual) ? [middleOf(one)] : [];
  });
  return broken(shown.map(point), frame, breaks);
}
