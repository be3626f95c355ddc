import * as z from 'zod';
import { excerpt } from '../../core/text.ts';
import type { RemoteServer } from '../../remote/connection.ts';
import { createJsonApi, type JsonApi } from '../json-api.ts';

const labels = z.record(z.string(), z.string());
/** Unix seconds, and the value as text. */
const sample = z.tuple([z.number(), z.string()]);
const success = z.object({ status: z.literal('success'), warnings: z.array(z.string()).nullish() });
/** https://grafana.com/docs/loki/latest/reference/loki-http-api/#query-logs-at-a-single-point-in-time */
const queryAnswer = success.extend({
  data: z.discriminatedUnion('resultType', [
    z.object({ resultType: z.literal('vector'), result: z.array(z.object({ metric: labels, value: sample })) }),
    z.object({ resultType: z.literal('scalar'), result: sample }),
    z.object({ resultType: z.literal('streams'), result: z.array(z.unknown()) }),
  ]),
});
/** Loki leaves out `data` where there is nothing. */
const seriesAnswer = success.extend({ data: z.array(labels).nullish() });
const labelsAnswer = success.extend({ data: z.array(z.string()).nullish() });

/** One number of an answer and the labels that it is of. */
export interface LokiValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export type LokiApi = ReturnType<typeof createLokiApi>;

/** The part of Loki's HTTP API that is needed. Times are milliseconds since the epoch. Errors are those of `JsonApi`. */
export function createLokiApi(server: RemoteServer) {
  const api: JsonApi = createJsonApi(server, {
    product: 'Loki',
    credentials:
      'Check the token, or the user name (Grafana Cloud: the number of the Loki instance) and password, and the right to read logs.',
    address: 'Check the address and its path prefix: Loki answers at /loki/api/v1 below it.',
    next: (words) =>
      /\bno org id\b|X-Scope-OrgID|\btenant\b/i.test(words) ? 'Name the tenant in a header: X-Scope-OrgID.' : undefined,
  });
  return {
    name: api.name,
    permissions: api.permissions,
    /** Evaluates a metric query at a time. @returns its numbers, or why they are not known */
    async query(query: string, at: number, signal: AbortSignal): Promise<LokiValue[] | string> {
      const parameters = { query, time: nanoseconds(at) };
      const question = { path: '/loki/api/v1/query', parameters, shape: queryAnswer, about: `query ${query}` };
      const { data, warnings } = await api.get(question, signal);
      if (warnings && warnings.length > 0)
        return `Loki warns of its answer: ${warnings
          .slice(0, 3)
          .map((warning) => excerpt(warning, 200))
          .join('; ')}`;
      if (data.resultType === 'streams') return 'the answer is lines of logs, where a number is needed';
      if (data.resultType === 'scalar') return [{ labels: {}, value: numberOf(data.result[1]) }];
      return data.result.map(({ metric, value }) => ({ labels: metric, value: numberOf(value[1]) }));
    },
    /** The streams of a selector in a time. */
    async streams(selector: string, from: number, to: number, signal: AbortSignal) {
      const parameters = { 'match[]': selector, start: nanoseconds(from), end: nanoseconds(to) };
      const question = { path: '/loki/api/v1/series', parameters, shape: seriesAnswer, about: `selector ${selector}` };
      return (await api.get(question, signal)).data ?? [];
    },
    /** The labels that streams of a time have. */
    async labels(from: number, to: number, signal: AbortSignal) {
      const parameters = { start: nanoseconds(from), end: nanoseconds(to) };
      return (await api.get({ path: '/loki/api/v1/labels', parameters, shape: labelsAnswer }, signal)).data ?? [];
    },
    /** The values of a label in a time. */
    async values(label: string, from: number, to: number, signal: AbortSignal) {
      const parameters = { start: nanoseconds(from), end: nanoseconds(to) };
      const path = `/loki/api/v1/label/${encodeURIComponent(label)}/values`;
      return (await api.get({ path, parameters, shape: labelsAnswer }, signal)).data ?? [];
    },
  };
}

function nanoseconds(at: number): string {
  return `${Math.floor(at)}000000`;
}

function numberOf(text: string): number {
  return /^[+-]?Inf$/.test(text) || text === '' ? Number.NaN : Number(text);
}
