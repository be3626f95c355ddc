import { percent } from '../../core/wording.ts';
import type { CheckHistory, Report } from '../canary-report-schema.ts';
import { FEWEST_REQUESTS, seriesOf } from '../series.ts';
import { broken, type Chart, type Frame, type Line, type Point, ratePoint } from './chart.ts';
import { has, progressChart, RANGE, rateChart, rateLine, valueChart, valueLine } from './check-charts.ts';
import { missingOf } from './gaps.ts';

/** The most slices of time that a chart shows. */
const SLICES = 90;

/** The time of all charts of a run; undefined where nothing was measured and no request was moved. */
export function frameOf(report: Report): Frame | undefined {
  const { points, weights, breach, steps, outcome } = report;
  const { gaps } = missingOf(report);
  const times = [
    ...[...points, ...weights, ...(breach ? [breach] : [])].map(({ at }) => at),
    ...gaps.flatMap(({ from, to }) => [from, to]),
  ];
  if (points.length + weights.length === 0 || times.length === 0) return undefined;
  const from = times.reduce((earliest, at) => Math.min(earliest, at));
  const last = times.reduce((latest, at) => Math.max(latest, at), outcome?.endedAt ?? 0);
  return {
    from,
    // A little longer, so that the last fall of the weight is seen.
    to: from + Math.max(1_000, last - from) * 1.02,
    gaps,
    marks: [
      ...steps.flatMap(({ observedFrom, enteredAt, weight }) => {
        const at = observedFrom ?? enteredAt;
        return at >= from ? [{ at, text: `${weight} %`, kind: 'step' as const }] : [];
      }),
      ...(breach ? [{ at: breach.at, text: `Breach at ${breach.weight} %`, kind: 'breach' as const }] : []),
    ],
  };
}

/** The error rates of both arms, and the canary's weight below them. */
export function ratesChart(report: Report, frame: Frame): Chart {
  const series = seriesOf(report, SLICES);
  const line = (arm: 'canary' | 'stable'): Line => {
    const points = (series?.rates ?? []).map(({ time, counted }): Point => {
      const at = (series?.start ?? 0) + time;
      return counted ? ratePoint(at, counted[arm].requests, counted[arm].errors) : { at };
    });
    return { name: arm, kind: arm, points: broken(points, frame) };
  };
  return {
    id: 'rates',
    title: 'Error rate of both versions',
    caption: `Each point is of the last ${FEWEST_REQUESTS} canary requests of a step, or of as many as there were. ${RANGE}`,
    frame,
    lines: [line('stable'), line('canary')],
    format: percent,
    top: { least: 0.001, most: 1 },
    ...(report.weights.length > 0 && { weights: report.weights }),
  };
}

/** What a check measured, and how close it came to a breach. */
export function checkCharts(
  { check, looks }: CheckHistory,
  { id, frame }: { readonly id: string; readonly frame: Frame },
): Chart[] {
  // Counts and answers begin anew with each step.
  const breaks = looks.flatMap((look, index) => {
    const before = looks[index - 1];
    return before && before.weight !== look.weight ? [look.at] : [];
  });
  const seen = { looks, breaks, frame };
  const isTest = has(seen, 'evidence');
  // The limit of a test is one of evidence.
  const limit = isTest ? [] : valueLine(seen, 'limit', 'limit', 'limit');
  const share = {
    id: `${id}-share`,
    frame,
    title: `${check}: share of bad requests`,
    caption: `Counted from the beginning of each step on, as the check judges it. ${RANGE}`,
  };
  const answer = { id: `${id}-value`, frame, title: `${check}: measured value`, caption: 'As the query answered.' };
  const measured = has(seen, 'canaryRequests')
    ? [
        rateChart(share, [
          ...rateLine(seen, 'stable', 'stable', ['stableRequests', 'stableBad']),
          ...limit,
          ...rateLine(seen, 'canary', 'canary', ['canaryRequests', 'canaryBad']),
        ]),
      ]
    : has(seen, 'canary')
      ? [
          valueChart(answer, [
            ...valueLine(seen, 'stable', 'stable', 'stable'),
            ...limit,
            ...valueLine(seen, 'canary', 'canary', 'canary'),
          ]),
        ]
      : [];
  const meaning = isTest
    ? 'It is the evidence that the canary is worse than accepted, in per cent of what a breach takes.'
    : has(seen, 'limit')
      ? 'It is the measured value in per cent of its limit.'
      : '';
  const place = {
    id: `${id}-progress`,
    frame,
    title: `${check}: how close to a breach`,
    caption: `100 % is a breach. ${meaning}`,
  };
  return [...measured, progressChart(place, seen, { limit: 'breach', line: 'canary' })];
}
