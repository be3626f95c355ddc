import * as z from 'zod';
import { checkRatio, ratioSource } from '../../../sources/ratio.ts';
import { checkKind, commonSettings } from '../check-kind.ts';
import { must } from '../check-list.ts';
import { LONGEST_WINDOW, type RateSettings, rateProblem, rateRule, rateSettings, refuse } from '../rules.ts';

const query = z.string(must('a counter in PromQL')).min(1);

interface RatioSettings extends RateSettings {
  readonly total: string;
  readonly bad?: string | undefined;
  readonly good?: string | undefined;
}

/** Bad events out of all, by two counters of Prometheus. */
export const ratioCheck = checkKind({
  kind: 'ratio',
  schema: z
    .strictObject({
      check: z.literal('ratio'),
      ...commonSettings,
      ...rateSettings,
      total: query,
      bad: query.optional(),
      good: query.optional(),
    })
    .superRefine(refuse(problemOf)),
  isStatistical: true,
  example: `{check: ratio, total: 'http_requests_total{app="shop"}', bad: 'http_requests_total{app="shop",code=~"5.."}', limit: 1%}`,
  verify: ({ total, bad, good = '' }) => checkRatio(total, bad ?? good),
  build(settings, place) {
    const { total, bad, good = '', before, window = place.judging.window } = settings;
    const source = (arm: 'stable' | 'canary') => {
      const part = bad === undefined ? { good: place.expand(good, arm) } : { bad: place.expand(bad, arm) };
      return ratioSource({ total: place.expand(total, arm), part }, place.prometheus(), place.world);
    };
    return {
      source: source('canary'),
      rule: rateRule(settings, place, { counted: 'events', failing: 'were bad' }),
      window,
      ...(settings['relative-to'] === 'stable' && { reference: { source: source('stable') } }),
      ...(before !== undefined && { reference: { before } }),
    };
  },
});

function problemOf(settings: RatioSettings): string | undefined {
  if ((settings.bad === undefined) === (settings.good === undefined))
    return 'needs either "bad" or "good", the counter of a part of all events';
  if ((settings.window ?? 0) > LONGEST_WINDOW) return 'has a "window" of more than 1h: use burn-rate for longer times';
  return rateProblem(settings);
}
