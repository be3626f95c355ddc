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

/** A metric query of Datadog. Times are milliseconds. */
export interface DatadogQuery {
  readonly query: string;
  /** Until a point is surely there. */
  readonly lag: number;
  /** Without a point after which nothing is known. */
  readonly staleAfter: number;
}

/** https://docs.datadoghq.com/api/latest/metrics/#query-timeseries-points; an error comes with HTTP 200, too. */
const answerShape = z.union([
  z.object({
    status: z.literal('ok'),
    error: z.string().nullish(),
    series: z.array(
      z.object({
        expression: z.string().nullish(),
        scope: z.string().nullish(),
        /** Seconds that one point stands for. */
        interval: z.number().positive(),
        /** Milliseconds since the epoch; null where nothing was measured. */
        pointlist: z.array(z.tuple([z.number(), z.number().nullable()])),
      }),
    ),
  }),
  z.object({ status: z.literal('error'), error: z.string() }),
]);

/** Series of one answer that are judged: more of them are a query that was meant otherwise. */
const MOST_SERIES = 100;

/** The newest whole point of a metric query of Datadog, of each of its series. A point that is null is none, and not 0. */
export function datadogSource(
  { query, lag, staleAfter }: DatadogQuery,
  server: RemoteServer,
  { clock }: Pick<SourceWorld, 'clock'>,
): Source {
  const api = createJsonApi(server, {
    product: 'Datadog',
    credentials:
      'Check the headers DD-API-KEY and DD-APPLICATION-KEY, the right timeseries_query of the application key, and that the address is the one of your site: https://api.datadoghq.eu.',
    address:
      'Check the address: https://api.SITE, with the site of your account (datadoghq.com, datadoghq.eu, us5.datadoghq.com).',
  });
  const about = `query ${query}`;

  async function values({ to }: Pick<Window, 'to'>, signal: AbortSignal): Promise<Measured[] | string> {
    const parameters = {
      from: `${Math.floor((to - 2 * staleAfter) / 1_000)}`,
      to: `${Math.ceil(to / 1_000)}`,
      query,
    };
    const answer = await api.get({ path: '/api/v1/query', parameters, shape: answerShape, about }, signal);
    const { error } = answer;
    if (answer.status === 'error' || error) {
      throw new SluiceError('bad-query', {
        about,
        problem: `was refused by ${api.name}: ${excerpt(error ?? '', 300)}.`,
        next: 'Correct what the message names.',
      });
    }
    const { series } = answer;
    if (series.length === 0) return 'the answer is empty';
    if (series.length > MOST_SERIES) return `the answer has ${count(series.length)} series`;
    const measured: Measured[] = [];
    for (const { scope, expression, interval, pointlist } of series) {
      const of = series.length > 1 ? excerpt(scope ?? expression ?? '', 100) : '';
      const points = pointlist.flatMap(([at, value]) => (value === null ? [] : [{ at, value }]));
      const newest = newestWholePoint(points, { to }, { interval: interval * 1_000, staleAfter });
      if (!newest)
        return `${of === '' ? '' : `${of}: `}there is no value of the last ${formatDuration(staleAfter)} (one point stands for ${interval} s)`;
      measured.push({ ...newest, of });
    }
    return measured;
  }

  return {
    kind: 'datadog',
    asked: `${query} (${api.name})`,
    permissions: api.permissions,
    lag,
    async preflight(signal) {
      const found = await values({ to: clock.now() - lag }, signal);
      if (typeof found !== 'string') return { evidence: `${query}: ${count(found.length)} series, up to date` };
      throw new SluiceError('bad-query', {
        about,
        problem: `has no answer in ${api.name}: ${found}.`,
        next: 'Check the name of the metric and its tags. Where no value means 0, write default_zero(…); where points are far apart, raise "stale-after".',
      });
    },
    async look(window, signal): Promise<Look> {
      const found = await values(window, signal);
      return typeof found === 'string' ? { kind: 'missing', reason: found } : { kind: 'values', values: found };
    },
  };
}
