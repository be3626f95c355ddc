import * as z from 'zod';
import type { Arm } from '../../../judge/readings.ts';
import { lokiLinesSource, lokiMetricSource } from '../../../sources/loki/loki.ts';
import { checkKind, commonSettings } from '../check-kind.ts';
import { must } from '../check-list.ts';
import { limitRule, refuse, valueProblem, valueSettings } from '../rules.ts';
import { compareSources, countProblem, countRule, countSettings } from './counting.ts';

const query = z.string(must('LogQL')).min(1);

const settingsSchema = z.strictObject({
  check: z.literal('loki'),
  ...commonSettings,
  ...valueSettings,
  ...countSettings,
  query,
  total: query.optional(),
});
type LokiSettings = z.infer<typeof settingsSchema>;

const ofValues = ['above', 'below', 'warn-above', 'warn-below', 'breach-after'] as const;
const ofCounts = [
  ...(['total', 'most', 'limit', 'tolerance', 'absolute-tolerance'] as const),
  ...(['burst-size', 'must-detect'] as const),
];

/** Lines of Loki: their number, or their rate among all; or a number that LogQL computes. */
export const lokiCheck = checkKind({
  kind: 'loki',
  schema: settingsSchema.superRefine(refuse(problemOf)),
  isStatistical: (settings) => settings.most === undefined && !isMetric(settings),
  example: `{check: loki, query: '{app="shop"} |= "error"', total: '{app="shop"}', limit: 1%}`,
  build(settings, place) {
    const server = place.server('Loki', settings.from ?? 'loki');
    const { total, lag, 'stale-after': staleAfter } = settings;
    const sourceOf = (arm: Arm) => {
      const common = { query: place.expand(settings.query, arm), lag, staleAfter };
      if (isMetric(settings)) return lokiMetricSource(common, server, place.world);
      const lines = { ...common, ...(total !== undefined && { total: place.expand(total, arm) }) };
      return lokiLinesSource(lines, server, place.world);
    };
    return {
      ...compareSources(settings, place, sourceOf),
      rule: isMetric(settings)
        ? limitRule(settings)
        : countRule(settings, place, { counted: 'lines', failing: 'match' }),
    };
  },
});

function isMetric(settings: Pick<LokiSettings, (typeof ofValues)[number]>): boolean {
  return ofValues.some((name) => settings[name] !== undefined);
}

function problemOf(settings: LokiSettings): string | undefined {
  if (!isMetric(settings)) return countProblem(settings);
  const idle = ofCounts.find((name) => settings[name] !== undefined);
  if (idle !== undefined) return `"${idle}" counts lines, and "above" or "below" judge a number: leave one of them out`;
  return valueProblem(settings);
}
