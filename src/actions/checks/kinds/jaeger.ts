import * as z from 'zod';
import type { Arm } from '../../../judge/readings.ts';
import { duration } from '../../../runner/input-types.ts';
import { jaegerSource } from '../../../sources/jaeger/jaeger.ts';
import { checkKind, commonSettings } from '../check-kind.ts';
import { must, scalar } from '../check-list.ts';
import { refuse } from '../rules.ts';
import { compareSources, countProblem, countRule, countSettings } from './counting.ts';

/** Requests of a service that failed or were slow, by its traces: their number, or their rate among all. */
export const jaegerCheck = checkKind({
  kind: 'jaeger',
  schema: z
    .strictObject({
      check: z.literal('jaeger'),
      ...commonSettings,
      ...countSettings,
      service: z.string(must('the name of a service')).min(1),
      operation: z.string(must('the name of an operation')).min(1).optional(),
      /** Milliseconds. */
      'slower-than': scalar.pipe(duration.schema).optional(),
    })
    .superRefine(refuse(countProblem)),
  isStatistical: ({ most }) => most === undefined,
  example: '{check: jaeger, service: shop, operation: "POST /orders", limit: 1%}',
  build(settings, place) {
    const server = place.server('Jaeger', settings.from ?? 'jaeger');
    const { operation, 'slower-than': slowerThan, lag, 'stale-after': staleAfter } = settings;
    const sourceOf = (arm: Arm) =>
      jaegerSource(
        {
          service: place.expand(settings.service, arm),
          ...(operation !== undefined && { operation: place.expand(operation, arm) }),
          ...(slowerThan !== undefined && { slowerThan }),
          lag,
          staleAfter,
        },
        server,
        place.world,
      );
    return {
      ...compareSources(settings, place, sourceOf),
      rule: countRule(settings, place, {
        counted: 'traced requests',
        failing: slowerThan === undefined ? 'failed' : 'were slow',
      }),
    };
  },
});
