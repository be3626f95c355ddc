import * as z from 'zod';
import { isSluiceError } from '../../../core/errors.ts';
import { sightingRule } from '../../../judge/looks/value-rules.ts';
import { duration } from '../../../runner/input-types.ts';
import { alertingRulesSource } from '../../../sources/alerts/alerting-rules.ts';
import { alertmanagerSource } from '../../../sources/alerts/alertmanager.ts';
import { parseMatchers } from '../../../sources/alerts/matchers.ts';
import { checkKind, commonSettings } from '../check-kind.ts';
import { checkName, must, scalar } from '../check-list.ts';
import { refuse } from '../rules.ts';

const matchers = z
  .union([z.string(), z.array(z.string())], must('matchers such as severity="page", or a list of them'))
  .transform((given, context) => {
    try {
      if (given.length > 0) return [given].flat().flatMap(parseMatchers);
      context.addIssue('needs at least one matcher');
      return z.NEVER;
    } catch (error) {
      if (!isSluiceError(error)) throw error;
      context.addIssue(`${error.about} ${error.problem} ${error.next}`);
      return z.NEVER;
    }
  });

const alertName = z.string(must('the name of an alert')).min(1, must('the name of an alert'));

/** The rules of Prometheus itself, in the place of an Alertmanager. */
const PROMETHEUS = 'prometheus';

/** No alert that matches fires. */
export const alertsCheck = checkKind({
  kind: 'alerts',
  schema: z
    .strictObject({
      check: z.literal('alerts'),
      ...commonSettings,
      from: checkName.optional(),
      matching: matchers,
      ignore: z.array(alertName, must('a list of names of alerts')).optional(),
      'only-new': z.boolean(must('true or false')).optional(),
      pending: z.boolean(must('true or false')).optional(),
      heartbeat: alertName.optional(),
      /** Milliseconds. */
      window: scalar.pipe(duration.schema).optional(),
    })
    .superRefine(refuse(problemOf)),
  isStatistical: false,
  example: `{check: alerts, matching: ['service="checkout"', 'severity=~"page|critical"'], heartbeat: Watchdog}`,
  build({ from, matching, window, ...settings }, place) {
    const { ignore = [], pending = false, heartbeat, 'only-new': onlyNew = false } = settings;
    const query = { matchers: matching, ignore, onlyNew };
    return {
      source:
        from === PROMETHEUS
          ? alertingRulesSource({ ...query, pending }, place.prometheus(), place.world)
          : alertmanagerSource(
              { ...query, heartbeat },
              place.server('Alertmanager', from ?? 'alertmanager'),
              place.world,
            ),
      rule: sightingRule({ none: onlyNew ? 'no matching alert has begun' : 'no matching alert fires' }),
      window: window ?? place.judging.window,
    };
  },
});

interface AlertsSettings {
  readonly from?: string | undefined;
  readonly pending?: boolean | undefined;
  readonly heartbeat?: string | undefined;
  readonly 'only-new'?: boolean | undefined;
  readonly window?: number | undefined;
}

function problemOf(settings: AlertsSettings): string | undefined {
  const { from, pending, heartbeat, window, 'only-new': onlyNew } = settings;
  if (from !== PROMETHEUS && pending !== undefined)
    return '"pending" needs "from: prometheus": an Alertmanager knows only alerts that fire';
  if (from === PROMETHEUS && heartbeat !== undefined)
    return '"heartbeat" has no effect with "from: prometheus", whose rules show by themselves that they are evaluated';
  if (window !== undefined && onlyNew !== true) return '"window" has no effect without "only-new: true"';
  return undefined;
}
