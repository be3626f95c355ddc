import * as z from 'zod';
import { formatDuration } from '../../../core/duration.ts';
import { figure } from '../../../core/wording.ts';
import { sightingRule } from '../../../judge/looks/value-rules.ts';
import { probability } from '../../../runner/input-types.ts';
import { type BurnWindows, burnRateSource } from '../../../sources/burn-rate.ts';
import { checkKind, commonSettings } from '../check-kind.ts';
import { must, scalar } from '../check-list.ts';
import { longDuration, refuse } from '../rules.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** What an objective is usually measured over. */
const PERIOD = 30 * DAY;

/**
 * The windows whose alerts wake somebody, with the share of the budget that may burn in the long one:
 * https://sre.google/workbook/alerting-on-slos/#recommended_parameters_for_an_slo_based_a
 */
const pages = [
  { short: HOUR / 12, long: HOUR, share: 0.02 },
  { short: HOUR / 2, long: 6 * HOUR, share: 0.05 },
];

const counter = z.string(must('a counter in PromQL')).min(1);
const windows = z.strictObject({
  short: longDuration,
  long: longDuration,
  above: z.number(must('a number above 0')).gt(0, must('a number above 0')),
});

interface BurnRateSettings {
  readonly total: string;
  readonly bad?: string | undefined;
  readonly good?: string | undefined;
  readonly objective: number;
  readonly period?: number | undefined;
  readonly windows?: readonly BurnWindows[] | undefined;
}

/** How fast the error budget of an objective burns. */
export const burnRateCheck = checkKind({
  kind: 'burn-rate',
  schema: z
    .strictObject({
      check: z.literal('burn-rate'),
      ...commonSettings,
      total: counter,
      bad: counter.optional(),
      good: counter.optional(),
      objective: scalar.pipe(probability.schema),
      /** Milliseconds. */
      period: longDuration.optional(),
      windows: z.array(windows, must('a list of {short, long, above}')).min(1, must('at least one pair')).optional(),
    })
    .superRefine(refuse(problemOf)),
  isStatistical: false,
  example: `{check: burn-rate, objective: 99.9%, total: 'http_requests_total{app="shop"}', bad: 'http_requests_total{app="shop",code=~"5.."}'}`,
  build(settings, place) {
    const { total, bad, good = '' } = settings;
    const part = bad === undefined ? { good: place.expand(good, 'canary') } : { bad: place.expand(bad, 'canary') };
    const query = {
      total: place.expand(total, 'canary'),
      part,
      budget: budgetOf(settings),
      windows: windowsOf(settings),
    };
    return {
      source: burnRateSource(query, place.prometheus(), place.world),
      rule: sightingRule({ none: 'the error budget burns no faster than accepted' }),
      window: place.judging.window,
    };
  },
});

/** Without the rounding of floating point: 1 - 0.999 is not 0.001. */
function budgetOf({ objective }: BurnRateSettings): number {
  return Number((1 - objective).toPrecision(10));
}

function windowsOf({ windows: own, period = PERIOD }: BurnRateSettings): readonly BurnWindows[] {
  const above = (share: number, long: number) => Number(((share * period) / long).toPrecision(10));
  return own ?? pages.map(({ short, long, share }) => ({ short, long, above: above(share, long) }));
}

function problemOf(settings: BurnRateSettings): string | undefined {
  if ((settings.bad === undefined) === (settings.good === undefined))
    return 'needs either "bad" or "good", the counter of a part of all events';
  if (settings.windows && settings.period !== undefined)
    return '"period" has no effect with "windows", which have limits of their own';
  const all = windowsOf(settings);
  const inverted = all.find(({ short, long }) => short >= long);
  if (inverted)
    return `needs "short" (${formatDuration(inverted.short)}) to be less than "long" (${formatDuration(inverted.long)})`;
  const most = 1 / budgetOf(settings);
  const never = all.find(({ above }) => above >= most);
  return never
    ? `can never fail by a burn rate above ${figure(never.above)}: where all events are bad, the budget of this objective burns at ${figure(most)}; give "windows" with a lower "above"`
    : undefined;
}
