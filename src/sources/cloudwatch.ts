import * as z from 'zod';
import { formatDuration } from '../core/duration.ts';
import { SluiceError } from '../core/errors.ts';
import { excerpt } from '../core/text.ts';
import { count } from '../core/wording.ts';
import type { Source } from '../gates/ports.ts';
import type { Look, Measured, Window } from '../judge/looks/look.ts';
import type { RemoteServer } from '../remote/connection.ts';
import { createJsonApi } from './json-api.ts';
import { newestWholePoint } from './points.ts';
import type { SourceWorld } from './world.ts';

/** One metric of CloudWatch. */
interface CloudWatchMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** `Average`, `Sum`, `p99` */
  readonly statistic: string;
}

/** What is asked of CloudWatch. Times are milliseconds. */
export interface CloudWatchQuery {
  /** A metric; or a metric math expression or a query of Metrics Insights. */
  readonly of: CloudWatchMetric | string;
  readonly period: number;
  /** Until a point is surely there. */
  readonly lag: number;
  /** Without a point after which nothing is known. */
  readonly staleAfter: number;
}

/** The query protocol of AWS as JSON: a list stands there as it is, or in `member`. */
function listOf<S extends z.ZodType>(item: S) {
  const list = z.array(item);
  return z.union([list, z.object({ member: list }).transform(({ member }) => member), z.null().transform(() => [])]);
}
const time = z.union([
  z.number().transform((seconds) => seconds * 1_000),
  z.iso.datetime({ offset: true }).transform(Date.parse),
]);
const message = z.object({ Code: z.string().nullish(), Value: z.string().nullish() });
/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html */
const answerShape = z
  .object({
    GetMetricDataResponse: z.object({
      GetMetricDataResult: z.object({
        MetricDataResults: listOf(
          z.object({
            Label: z.string().default(''),
            StatusCode: z.string(),
            Timestamps: listOf(time),
            Values: listOf(z.number()),
            Messages: listOf(message).optional(),
          }),
        ),
        Messages: listOf(message).optional(),
        NextToken: z.string().nullish(),
      }),
    }),
  })
  .transform((answer) => answer.GetMetricDataResponse.GetMetricDataResult);
type Answer = z.infer<typeof answerShape>;

/** Series of one answer that are judged: more of them are a query that was meant otherwise. */
const MOST_SERIES = 100;

/**
 * The newest whole period of a metric of CloudWatch, or of each series of an expression. The connection signs the requests
 * (`sigv4` with the service `monitoring`).
 */
export function cloudWatchSource(
  query: CloudWatchQuery,
  server: RemoteServer,
  { clock }: Pick<SourceWorld, 'clock'>,
): Source {
  const api = createJsonApi(server, {
    product: 'CloudWatch',
    credentials:
      'Check that the connection has "sigv4" with the region and the service monitoring, the credentials in the environment, and the right cloudwatch:GetMetricData.',
    address: 'Check the address: https://monitoring.REGION.amazonaws.com.',
  });
  const { period, lag, staleAfter } = query;
  const asked = describe(query.of);

  async function values(window: Pick<Window, 'to'>, signal: AbortSignal): Promise<Measured[] | string> {
    const end = Math.floor(window.to / period) * period;
    const parameters = {
      Action: 'GetMetricData',
      Version: '2010-08-01',
      StartTime: new Date(end - staleAfter - period).toISOString(),
      EndTime: new Date(end).toISOString(),
      ScanBy: 'TimestampDescending',
      ...parametersOf(query),
    };
    const answer = await api.get({ path: '/', parameters, shape: answerShape, about: asked }, signal);
    return whyNotWhole(answer) ?? measure(answer, window);
  }

  function measure({ MetricDataResults: results }: Answer, window: Pick<Window, 'to'>): Measured[] | string {
    if (results.length === 0) return 'the answer is empty';
    if (results.length > MOST_SERIES) return `the answer has ${count(results.length)} series`;
    const measured: Measured[] = [];
    for (const { Label: label, Timestamps: times, Values: numbers } of results) {
      const of = excerpt(label, 100);
      if (times.length !== numbers.length) return `${of}: the answer has not as many times as values`;
      const points = times.flatMap((at, index) => {
        const value = numbers[index];
        return value === undefined ? [] : [{ at, value }];
      });
      const newest = newestWholePoint(points, window, { interval: period, staleAfter });
      if (!newest) return `${of}: there is no value of the last ${formatDuration(staleAfter)}`;
      measured.push({ ...newest, of });
    }
    return measured;
  }

  return {
    kind: 'cloudwatch',
    asked: `${asked} (${api.name})`,
    permissions: api.permissions,
    lag,
    async preflight(signal) {
      const found = await values({ to: clock.now() - lag }, signal);
      if (typeof found !== 'string') return { evidence: `${asked}: ${count(found.length)} series, up to date` };
      throw new SluiceError('bad-query', {
        about: asked,
        problem: `has no answer in ${api.name}: ${found}.`,
        next: 'Check namespace, name and every dimension of the metric, its period and the region: CloudWatch knows a metric by all of them. Where no value means 0, use FILL(m, 0) in an expression.',
      });
    },
    async look(window, signal): Promise<Look> {
      const found = await values(window, signal);
      return typeof found === 'string' ? { kind: 'missing', reason: found } : { kind: 'values', values: found };
    },
  };
}

function whyNotWhole({
  MetricDataResults: results,
  Messages: messages = [],
  NextToken: next,
}: Answer): string | undefined {
  const unfinished = results.find(({ StatusCode: status }) => status !== 'Complete');
  if (unfinished)
    return `${excerpt(unfinished.Label, 100)}: the answer is not complete (${excerpt(unfinished.StatusCode, 40)})`;
  const [said] = [...messages, ...results.flatMap(({ Messages: own = [] }) => own)];
  if (said) return `CloudWatch remarks: ${excerpt(said.Value ?? said.Code ?? 'something', 200)}`;
  return next ? 'the answer has further pages' : undefined;
}

/** Lists and maps of the query protocol: `Dimensions.member.1.Name`. */
function parametersOf({ of, period }: CloudWatchQuery): Record<string, string> {
  const query = 'MetricDataQueries.member.1';
  const seconds = `${period / 1_000}`;
  const common = { [`${query}.Id`]: 'value', [`${query}.ReturnData`]: 'true' };
  if (typeof of === 'string') return { ...common, [`${query}.Expression`]: of, [`${query}.Period`]: seconds };
  const metric = `${query}.MetricStat.Metric`;
  const dimensions = Object.entries(of.dimensions).flatMap(([name, value], index) => [
    [`${metric}.Dimensions.member.${index + 1}.Name`, name],
    [`${metric}.Dimensions.member.${index + 1}.Value`, value],
  ]);
  return {
    ...common,
    [`${metric}.Namespace`]: of.namespace,
    [`${metric}.MetricName`]: of.name,
    ...Object.fromEntries(dimensions),
    [`${query}.MetricStat.Period`]: seconds,
    [`${query}.MetricStat.Stat`]: of.statistic,
  };
}

function describe(of: CloudWatchQuery['of']): string {
  if (typeof of === 'string') return `query ${of}`;
  const dimensions = Object.entries(of.dimensions).map(([name, value]) => `${name}=${value}`);
  return `metric ${of.statistic} of ${of.namespace} ${of.name}${dimensions.length > 0 ? ` {${dimensions.join(', ')}}` : ''}`;
}
