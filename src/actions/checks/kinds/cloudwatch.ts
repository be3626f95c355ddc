import * as z from 'zod';
import type { Arm } from '../../../judge/readings.ts';
import { duration } from '../../../runner/input-types.ts';
import { cloudWatchSource } from '../../../sources/cloudwatch.ts';
import { checkKind, commonSettings } from '../check-kind.ts';
import { checkName, must, scalar } from '../check-list.ts';
import { limitRule, refuse, type ValueSettings, valueProblem, valueSettings } from '../rules.ts';
import { compareSources } from './counting.ts';

const MINUTE = 60_000;

const metric = z.strictObject({
  namespace: z.string(must('a namespace such as AWS/ApplicationELB')).min(1),
  name: z.string(must('the name of a metric')).min(1),
  dimensions: z.record(z.string(), scalar).default({}),
  statistic: z.string(must('a statistic such as Sum, Average or p99')).min(1),
});

interface CloudWatchSettings extends ValueSettings {
  readonly metric?: unknown;
  readonly query?: string | undefined;
  readonly period: number;
  readonly 'stale-after': number;
}

/** A metric of CloudWatch against a limit, or against what it was at an earlier time. */
export const cloudWatchCheck = checkKind({
  kind: 'cloudwatch',
  schema: z
    .strictObject({
      check: z.literal('cloudwatch'),
      ...commonSettings,
      ...valueSettings,
      from: checkName.optional(),
      metric: metric.optional(),
      query: z.string(must('an expression of metric math or of Metrics Insights')).min(1).optional(),
      /** Milliseconds. */
      period: scalar.pipe(duration.schema).default(MINUTE),
      /** Milliseconds: CloudWatch has the metrics of AWS' own services some two minutes later. */
      lag: scalar.pipe(duration.schema).default(2 * MINUTE),
      /** Milliseconds. */
      'stale-after': scalar.pipe(duration.schema).default(10 * MINUTE),
    })
    .superRefine(refuse(problemOf)),
  isStatistical: false,
  example:
    '{check: cloudwatch, metric: {namespace: AWS/ApplicationELB, name: TargetResponseTime, dimensions: {LoadBalancer: app/shop/50dc6c495c0c9188}, statistic: p99}, above: 0.5}',
  build(settings, place) {
    const server = place.server('CloudWatch', settings.from ?? 'cloudwatch');
    const { metric: given, query = '', period, lag, 'stale-after': staleAfter } = settings;
    const sourceOf = (arm: Arm) => {
      const expand = (text: string) => place.expand(text, arm);
      const dimensions = Object.entries(given?.dimensions ?? {}).map(([name, value]) => [name, expand(value)]);
      const of = given ? { ...given, dimensions: Object.fromEntries(dimensions) } : expand(query);
      return cloudWatchSource({ of, period, lag, staleAfter }, server, place.world);
    };
    return { ...compareSources(settings, place, sourceOf), rule: limitRule(settings) };
  },
});

function problemOf(settings: CloudWatchSettings): string | undefined {
  const { metric: given, query, period, 'stale-after': staleAfter } = settings;
  if ((given === undefined) === (query === undefined))
    return 'needs either "metric", or "query", an expression of metric math or of Metrics Insights';
  if (
    period !== 1_000 &&
    period !== 5_000 &&
    period !== 10_000 &&
    period !== 30_000 &&
    (period === 0 || period % MINUTE !== 0)
  )
    return 'has a "period" that CloudWatch does not take: give 1s, 5s, 10s, 30s or whole minutes';
  if (staleAfter < period) return 'has a "stale-after" shorter than its "period"';
  return valueProblem(settings);
}
