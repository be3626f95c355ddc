import * as z from 'zod';
import type { Arm } from '../../../judge/readings.ts';
import { duration } from '../../../runner/input-types.ts';
import { datadogSource } from '../../../sources/datadog.ts';
import { checkKind, commonSettings } from '../check-kind.ts';
import { checkName, must, scalar } from '../check-list.ts';
import { limitRule, refuse, type ValueSettings, valueProblem, valueSettings } from '../rules.ts';
import { compareSources } from './counting.ts';

const MINUTE = 60_000;

/** A metric query of Datadog against a limit, or against what it was at an earlier time. */
export const datadogCheck = checkKind({
  kind: 'datadog',
  schema: z
    .strictObject({
      check: z.literal('datadog'),
      ...commonSettings,
      ...valueSettings,
      from: checkName.optional(),
      query: z.string(must('a metric query')).min(1),
      /** Milliseconds. */
      lag: scalar.pipe(duration.schema).default(MINUTE),
      /** Milliseconds. */
      'stale-after': scalar.pipe(duration.schema).default(10 * MINUTE),
    })
    .superRefine(refuse(problemOf)),
  isStatistical: false,
  example: "{check: datadog, query: 'avg:trace.http.request.duration{service:shop}', above: 0.5}",
  build(settings, place) {
    const server = place.server('Datadog', settings.from ?? 'datadog');
    const { lag, 'stale-after': staleAfter } = settings;
    const sourceOf = (arm: Arm) =>
      datadogSource({ query: place.expand(settings.query, arm), lag, staleAfter }, server, place.world);
    return { ...compareSources(settings, place, sourceOf), rule: limitRule(settings) };
  },
});

function problemOf(settings: ValueSettings & { readonly 'stale-after': number }): string | undefined {
  if (settings['stale-after'] === 0) return 'has a "stale-after" of 0s, in which no point arrives';
  return valueProblem(settings);
}
