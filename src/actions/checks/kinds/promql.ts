import * as z from 'zod';
import { checkExpression, promqlSource } from '../../../sources/promql.ts';
import { checkKind, commonSettings } from '../check-kind.ts';
import { must } from '../check-list.ts';
import { limitRule, refuse, valueProblem, valueSettings } from '../rules.ts';

/** A PromQL expression against a limit, or against what it says of stable or of an earlier time. */
export const promqlCheck = checkKind({
  kind: 'promql',
  schema: z
    .strictObject({
      check: z.literal('promql'),
      ...commonSettings,
      ...valueSettings,
      query: z.string(must('PromQL')).min(1),
    })
    .superRefine(refuse(valueProblem)),
  isStatistical: false,
  example: '{check: promql, name: queue, query: "max(queue_length)", above: 100}',
  verify: ({ query, name = 'promql' }) => checkExpression(query, `query of check ${name}`),
  build(settings, place) {
    const source = (arm: 'stable' | 'canary') =>
      promqlSource(place.expand(settings.query, arm), place.prometheus(), place.world);
    const { before, window = place.judging.window } = settings;
    return {
      source: source('canary'),
      rule: limitRule(settings),
      window,
      ...(settings['relative-to'] === 'stable' && { reference: { source: source('stable') } }),
      ...(before !== undefined && { reference: { before } }),
    };
  },
});
