import * as z from 'zod';
import { formatDuration, parseDuration } from '../../core/duration.ts';
import { type Criteria, needReference } from '../../judge/looks/criteria.ts';
import type { LookRule } from '../../judge/looks/look.ts';
import { rateComparisonRule, rateLimitRule } from '../../judge/looks/rate-rules.ts';
import { valueRule } from '../../judge/looks/value-rules.ts';
import { duration, number, rate } from '../../runner/input-types.ts';
import type { CheckPlace } from './check-kind.ts';
import { must, scalar } from './check-list.ts';
import { criteria } from './criteria-setting.ts';

const DAY = 86_400_000;
/** Milliseconds of raw samples that one answer holds at most. */
export const LONGEST_WINDOW = 3_600_000;

/** Milliseconds; days and weeks, too. */
export const longDuration = z.string(must('a duration such as 1h, 1d or 1w')).transform((given, context) => {
  const [, amount = '', unit] = /^(\d{1,4})([dw])$/.exec(given) ?? [];
  const milliseconds = unit === undefined ? parseDuration(given) : Number(amount) * DAY * (unit === 'w' ? 7 : 1);
  if (milliseconds !== undefined && milliseconds > 0) return milliseconds;
  context.addIssue(`"${given}" is no duration such as 1h, 1d or 1w`);
  return z.NEVER;
});

/** The settings of what a check is compared with. */
const comparedSettings = {
  'relative-to': z.enum(['stable', 'before'], must('stable or before')).optional(),
  /** Milliseconds. */
  before: longDuration.optional(),
  /** Milliseconds. */
  window: scalar.pipe(duration.schema).optional(),
};

interface Compared {
  readonly 'relative-to'?: 'stable' | 'before' | undefined;
  readonly before?: number | undefined;
}

/** Refuses one of two settings that belong together. */
function comparedProblem({ 'relative-to': relativeTo, before }: Compared): string | undefined {
  if (relativeTo === 'before' && before === undefined) return 'needs "before", how long before now: 1d or 1w';
  if (relativeTo !== 'before' && before !== undefined) return 'has "before" without "relative-to: before"';
  return undefined;
}

/** What a comparison is called in sentences. */
function referenceName({ 'relative-to': relativeTo, before = 0 }: Compared): string | undefined {
  if (relativeTo === undefined) return undefined;
  if (relativeTo === 'stable') return 'stable';
  return `the same time ${before % DAY === 0 ? `${before / DAY}d` : formatDuration(before)} before`;
}

/** The settings of checks that count: a limit for the rate, or what it is compared with. */
export const rateSettings = {
  ...comparedSettings,
  limit: scalar.pipe(rate.schema).optional(),
  tolerance: scalar.pipe(number(1).schema).optional(),
  'absolute-tolerance': scalar.pipe(rate.schema).optional(),
  'burst-size': scalar.pipe(number(1).schema).optional(),
  'must-detect': scalar.pipe(rate.schema).optional(),
};
export type RateSettings = z.infer<z.ZodObject<typeof rateSettings>>;

export function rateProblem(settings: RateSettings): string | undefined {
  const { limit, 'relative-to': relativeTo, tolerance, 'absolute-tolerance': excess } = settings;
  if ((limit === undefined) === (relativeTo === undefined))
    return 'needs either "limit", the highest rate that is accepted, or "relative-to", what it is compared with';
  if (limit !== undefined && (tolerance !== undefined || excess !== undefined))
    return '"tolerance" and "absolute-tolerance" have no effect with "limit": leave them out';
  if (limit === 1) return '"limit" accepts everything: give one below 100 %';
  return comparedProblem(settings);
}

/** The rule for a rate. */
export function rateRule(
  settings: RateSettings,
  { judging }: CheckPlace,
  words: { readonly counted: string; readonly failing: string },
): LookRule {
  const { limit, tolerance = 1, 'absolute-tolerance': excess = 0 } = settings;
  const { 'burst-size': designEffect = judging.designEffect, 'must-detect': mustDetect = judging.mustDetect } =
    settings;
  const options = { ...judging, designEffect, mustDetect, words };
  if (limit !== undefined) return rateLimitRule({ ...options, limit });
  return rateComparisonRule({ ...options, tolerance, excess, reference: referenceName(settings) ?? 'the reference' });
}

/** How long a breach has to last: a number counts looks, a text is a duration. */
export const breachAfter = z.union(
  [
    z
      .int()
      .min(1)
      .transform((looks) => ({ looks })),
    z
      .string()
      .pipe(duration.schema)
      .transform((milliseconds) => ({ milliseconds })),
  ],
  must('a number of looks or a duration: 3 or 2m'),
);

/** The settings of checks that measure values. */
export const valueSettings = {
  ...comparedSettings,
  above: z.number(must('a number')).optional(),
  below: z.number(must('a number')).optional(),
  'warn-above': z.number(must('a number')).optional(),
  'warn-below': z.number(must('a number')).optional(),
  accept: criteria.optional(),
  warn: criteria.optional(),
  'accepted-breaches': z.int(must('a whole number')).min(1, must('a whole number from 1 on')).optional(),
  'breach-after': breachAfter.optional(),
};
export type ValueSettings = z.infer<z.ZodObject<typeof valueSettings>>;

export function valueProblem(settings: ValueSettings): string | undefined {
  const { above, below, 'warn-above': warnAbove, 'warn-below': warnBelow } = settings;
  if (settings['accepted-breaches'] !== undefined && settings['breach-after'] !== undefined)
    return 'has both "accepted-breaches", looks over the whole time, and "breach-after", looks in a row: leave one out';
  if (settings.accept !== undefined) return criteriaProblem(settings, settings.accept);
  if (settings.warn !== undefined) return 'has "warn" without "accept": the warning before "above" is "warn-above"';
  if (above === undefined && below === undefined)
    return 'needs "above" or "below", the side of the limit that is a breach, or both; or "accept", such as "<= 5"';
  if (above !== undefined && below !== undefined && below > above)
    return 'has "below" above "above", so that every value is a breach';
  if (warnAbove !== undefined && (above === undefined || warnAbove >= above))
    return 'needs "warn-above" to be less than "above"';
  if (warnBelow !== undefined && (below === undefined || warnBelow <= below))
    return 'needs "warn-below" to be more than "below"';
  return comparedProblem(settings);
}

function criteriaProblem(settings: ValueSettings, accept: Criteria): string | undefined {
  const other = (['above', 'below', 'warn-above', 'warn-below'] as const).find((name) => settings[name] !== undefined);
  if (other !== undefined) return `has "accept" and "${other}": write both as "accept", or leave it out`;
  const isRelative = needReference([...accept, ...(settings.warn ?? [])]);
  if (isRelative && settings['relative-to'] === undefined)
    return 'names the reference, and nothing says what that is: give "relative-to"';
  if (!isRelative && settings['relative-to'] !== undefined)
    return 'has "relative-to", and "accept" does not name it: write for example "<= reference + 10%"';
  return comparedProblem(settings);
}

/** The rule for values. */
export function limitRule(settings: ValueSettings): LookRule {
  const { above, below, 'warn-above': warnAbove, 'warn-below': warnBelow, 'breach-after': breachAfter } = settings;
  const { accept, warn, 'accepted-breaches': acceptedBreaches } = settings;
  const reference = referenceName(settings);
  return valueRule({
    ...(accept !== undefined && { accept }),
    ...(warn !== undefined && { acceptWarned: warn }),
    ...(acceptedBreaches !== undefined && { acceptedBreaches }),
    ...(above !== undefined && { above }),
    ...(below !== undefined && { below }),
    ...(warnAbove !== undefined && { warnAbove }),
    ...(warnBelow !== undefined && { warnBelow }),
    ...(reference !== undefined && { reference }),
    ...(breachAfter !== undefined && { breachAfter }),
  });
}

/** What `zod` refuses by the problem that a function finds. */
export function refuse<Settings>(problemOf: (settings: Settings) => string | undefined) {
  return (settings: Settings, context: z.core.$RefinementCtx<Settings>) => {
    const problem = problemOf(settings);
    if (problem !== undefined) context.addIssue(problem);
  };
}
