import * as z from 'zod';
import type { Arm } from '../../../judge/readings.ts';
import { victoriaLogsSource } from '../../../sources/victorialogs.ts';
import { checkKind, commonSettings } from '../check-kind.ts';
import { must } from '../check-list.ts';
import { refuse } from '../rules.ts';
import { compareSources, countProblem, countRule, countSettings } from './counting.ts';

const filter = z.string(must('a filter of LogsQL')).min(1);

/** Lines of VictoriaLogs that match a filter: their number, or their rate among all. */
export const victoriaLogsCheck = checkKind({
  kind: 'victorialogs',
  schema: z
    .strictObject({
      check: z.literal('victorialogs'),
      ...commonSettings,
      ...countSettings,
      query: filter,
      total: filter,
    })
    .superRefine(refuse(countProblem)),
  isStatistical: ({ most }) => most === undefined,
  example: `{check: victorialogs, query: 'level:error', total: '{app="shop"}', limit: 1%}`,
  build(settings, place) {
    const server = place.server('VictoriaLogs', settings.from ?? 'victorialogs');
    const { lag, 'stale-after': staleAfter } = settings;
    const sourceOf = (arm: Arm) => {
      const [query, total] = [place.expand(settings.query, arm), place.expand(settings.total, arm)];
      return victoriaLogsSource({ query, total, lag, staleAfter }, server, place.world);
    };
    return {
      ...compareSources(settings, place, sourceOf),
      rule: countRule(settings, place, { counted: 'lines', failing: 'match' }),
    };
  },
});
