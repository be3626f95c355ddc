import { clockTime } from '../sentences.ts';
import { timeUnit } from '../series.ts';
import { decimal, xychart } from '../xychart.ts';
import type { DrillReport } from './drill-report.ts';
import type { RequestSlice } from './drill-requests.ts';
import { successText } from './drill-words.ts';

/** The most points of a line that are distinguishable at the width of a summary. */
const BINS = 60;

/** The most charts of one drill with separate data. */
const MOST_CHARTS = 3;

/** Colours that are readable on GitHub's light and dark pages. */
const faultColour = '#8c959f';
const successColour = '#3b8eea';
const targetColour = '#d1242f';

/** Height of the bars at the bottom that show when a fault was in, in per cent. */
const BAR = 6;

interface Bin {
  readonly from: number;
  readonly to: number;
  /** The lowest share of good requests in it; undefined where nothing is known. */
  readonly lowest: number | undefined;
  /** No line is drawn to it from the one before. */
  readonly isAfterGap: boolean;
}

/** The success of requests over time as Mermaid charts, the only pictures of a job summary. Empty for a dry run. */
export function drillTimeline(report: DrillReport): string {
  if (report.dryRun) return '';
  const { slices, gaps } = report.requests;
  const counted = slices.filter(({ good, bad }) => good + bad > 0);
  const [first, last] = [counted[0], counted.at(-1)];
  if (!first || !last) return 'There is no picture, as no request was counted.';
  const runs = runsOf(binsOf(counted, gaps, first.at, last.to));
  const drawn = runs.filter((run) => run.length > 1);
  const shown = drawn.toSorted((a, b) => b.length - a.length).slice(0, MOST_CHARTS);
  if (shown.length === 0) return `In the one measurement, ${successText(lowestOf(counted))} of the requests were good.`;
  const left = runs.length - shown.length;
  const title = [
    'Share of good requests (blue, the lowest of each point)',
    ...(report.successTarget === undefined ? [] : [`target ${successText(report.successTarget)} (red)`]),
    'times with a fault (grey)',
  ];
  return [
    `### Timeline\n\n${title.join(', ')}`,
    ...drawn.filter((run) => shown.includes(run)).map((run) => chartOf(report, run)),
    ...(left === 0
      ? []
      : [`*The page beside the JSON report shows ${left} more, with a gap in the data before each.*`]),
  ].join('\n\n');
}

function binsOf(
  slices: readonly RequestSlice[],
  gaps: DrillReport['requests']['gaps'],
  from: number,
  to: number,
): Bin[] {
  // Fewer than slices, so that windows of uneven length leave no bin empty.
  const number = Math.min(BINS, Math.max(1, Math.floor(slices.length / 1.5)));
  const length = (to - from) / number;
  const inBin = Map.groupBy(slices, ({ at }) => Math.min(number - 1, Math.floor((at - from) / length)));
  return Array.from({ length: number }, (_, index) => {
    const [begin, end] = [from + index * length, from + (index + 1) * length];
    const known = inBin.get(index);
    const isAfterGap = gaps.some((gap) => gap.from < end && gap.to > begin);
    return { from: begin, to: end, lowest: known && lowestOf(known), isAfterGap };
  });
}

function lowestOf(slices: readonly RequestSlice[]): number {
  return slices.reduce((least, { good, bad }) => Math.min(least, good / (good + bad)), 1);
}

interface KnownBin extends Bin {
  readonly lowest: number;
}

/** Neighbours of which something is known: a chart has no gaps. */
function runsOf(bins: readonly Bin[]): KnownBin[][] {
  const runs: KnownBin[][] = [[]];
  for (const bin of bins) {
    const { lowest } = bin;
    if (lowest === undefined || bin.isAfterGap) runs.push([]);
    if (lowest !== undefined) runs.at(-1)?.push({ ...bin, lowest });
  }
  return runs.filter((run) => run.length > 0);
}

function chartOf({ startedAt, faults, successTarget, endedAt }: DrillReport, run: readonly KnownBin[]): string {
  const [begin, end] = [run[0]?.from ?? startedAt, run.at(-1)?.to ?? startedAt];
  const until = (removedAt: number | undefined) => removedAt ?? endedAt ?? end;
  const bars = run.map((bin) =>
    faults.some(
      ({ injectedAt, removedAt }) => injectedAt !== undefined && injectedAt < bin.to && until(removedAt) >= bin.from,
    )
      ? BAR
      : 0,
  );
  const unit = timeUnit(end - begin);
  const target =
    successTarget === undefined ? [] : [`line [${run.map(() => decimal(100 * successTarget)).join(', ')}]`];
  return xychart({
    height: 300,
    colours: [faultColour, ...target.map(() => targetColour), successColour],
    lines: [
      `x-axis "${unit.name} since ${clockTime(begin)} UTC" 0 --> ${decimal((end - begin) / unit.milliseconds)}`,
      'y-axis "good requests (%)" 0 --> 100',
      `bar [${bars.join(', ')}]`,
      ...target,
      `line [${run.map(({ lowest }) => decimal(100 * lowest)).join(', ')}]`,
    ],
  });
}
