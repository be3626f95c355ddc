import * as z from 'zod';
import { SluiceError } from '../../core/errors.ts';
import { tryParseJson } from '../../core/json.ts';
import { excerpt } from '../../core/text.ts';
import { type Connection, type RemoteWorld, reach } from '../../remote/connection.ts';
import { explainRefusal } from './server-words.ts';

export type PrometheusApi = ReturnType<typeof createPrometheusApi>;

const sample = z.tuple([z.number(), z.string()]);
const labels = z.record(z.string(), z.string());
const success = z.object({
  status: z.literal('success'),
  warnings: z.array(z.string()).nullish(),
  infos: z.array(z.string()).nullish(),
  /** VictoriaMetrics: some of its storage nodes did not answer. */
  isPartial: z.boolean().nullish(),
  data: z.unknown(),
});

const result = z.discriminatedUnion('resultType', [
  // A native histogram has `histograms` instead of `values`.
  z.object({
    resultType: z.literal('matrix'),
    result: z.array(z.object({ metric: labels, values: z.array(sample).default([]) })),
  }),
  z.object({
    resultType: z.literal('vector'),
    result: z.array(z.object({ metric: labels, value: sample.optional() })),
  }),
  z.object({ resultType: z.literal('scalar'), result: sample }),
  z.object({ resultType: z.literal('string'), result: sample }),
]);

export type QueryResult = z.infer<typeof result>;

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
/** Of rules and their alerts, what tells whether they fire. Thanos gives no health to a rule that it has not evaluated yet. */
const alertingRules = z.object({
  /** Where the rest of a long list is asked for. */
  groupNextToken: z.string().nullish(),
  groups: z.array(
    z.object({
      name: z.string(),
      /** Seconds between two evaluations. */
      interval: z.number(),
      rules: z.array(
        z.object({
          /** `recording` where a server does not know that it is asked for alerts alone. */
          type: z.string().nullish(),
          name: z.string(),
          /** Seconds that an alert is pending before it fires. */
          duration: z.number().nullish(),
          labels: labels.nullish(),
          health: z.string().nullish(),
          lastError: z.string().nullish(),
          lastEvaluation: time.nullish(),
          alerts: z
            .array(
              z.object({
                labels,
                annotations: labels.nullish(),
                state: z.enum(['pending', 'firing', 'inactive']),
                activeAt: time,
              }),
            )
            .nullish(),
        }),
      ),
    }),
  ),
});

export type AlertingRules = z.infer<typeof alertingRules>;

/** An answer, and the server's remarks on it, each a short line. */
export interface Answer<T> {
  readonly data: T;
  /** Remarks that data are missing, for example because a store did not answer. */
  readonly warnings: readonly string[];
  /** Remarks on the query, which do not concern the data. */
  readonly infos: readonly string[];
}

/** The most characters of a remark that are kept. */
const MOST_WORDS = 300;

/**
 * The needed part of Prometheus' HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/).
 *
 * Errors are SluiceError: `bad-query` with the query and Prometheus' message, `unreachable`, `forbidden`, and `not-found` if
 * something other than Prometheus answers.
 *
 * @throws SluiceError `invalid-input` for an address that can't be used, or settings that contradict it.
 */
export function createPrometheusApi(connection: Connection, world: RemoteWorld) {
  const { name, permissions, ask } = reach('Prometheus', connection, world);

  async function call<S extends z.ZodType>(
    path: string,
    parameters: Readonly<Record<string, string>>,
    shape: S,
    signal: AbortSignal,
  ): Promise<Answer<z.infer<S>>> {
    const answer = await ask(`/api/v1/${path}?${new URLSearchParams(parameters)}`, signal);
    const parsed = success.safeParse(tryParseJson(answer.body)).data;
    if (parsed && answer.status < 300) {
      const data = shape.safeParse(parsed.data);
      if (data.success) return { data: data.data, ...remarksOf(parsed) };
    }
    throw explainRefusal(name, answer, parameters.query ?? parameters['match[]']);
  }

  /** For questions that are asked once and not judged over time: refuses a partial answer. */
  async function callForAll<S extends z.ZodType>(...call_: Parameters<typeof call<S>>): Promise<z.infer<S>> {
    const { data, warnings } = await call(...call_);
    const partial = warnings.filter((warning) => !saysWasCut(warning));
    if (partial.length > 0) throw partialAnswer(name, partial);
    return data;
  }

  return {
    /** `Prometheus http://…`, for logs and errors. */
    name,
    permissions,
    /** Evaluates an expression, now or at a time (milliseconds since the epoch). */
    query(query: string, signal: AbortSignal, at?: number): Promise<Answer<QueryResult>> {
      return call('query', { query, ...(at !== undefined && { time: String(at / 1_000) }) }, result, signal);
    },
    /** The values of a label, if given only of series that match the selector, and since a time in milliseconds. */
    async labelValues(
      label: string,
      selector: string | undefined,
      since: number | undefined,
      signal: AbortSignal,
    ): Promise<string[]> {
      const parameters = { ...(selector !== undefined && { 'match[]': selector }), ...startOf(since) };
      return callForAll(`label/${label}/values`, parameters, z.array(z.string()), signal);
    },
    /** All rules of alerts, with the alerts that they have. */
    alertingRules(signal: AbortSignal): Promise<Answer<AlertingRules>> {
      return call('rules', { type: 'alert' }, alertingRules, signal);
    },
    /** The labels of the series that matched a selector since a time in milliseconds, at most 10,000 of them. */
    async series(selector: string, since: number, signal: AbortSignal): Promise<Record<string, string>[]> {
      const parameters = { 'match[]': selector, limit: '10000', ...startOf(since) };
      return callForAll('series', parameters, z.array(labels), signal);
    },
  };
}

function startOf(since: number | undefined): Record<string, string> {
  return since === undefined ? {} : { start: String(since / 1_000) };
}

/**
 * Before Prometheus 2.53, remarks on the query were among the warnings (https://github.com/prometheus/prometheus/issues/14135).
 */
function remarksOf({ warnings, infos, isPartial }: z.infer<typeof success>): Omit<Answer<unknown>, 'data'> {
  const isInfo = (remark: string) => remark.startsWith('PromQL info:');
  const said = (warnings ?? []).map((warning) => excerpt(warning, MOST_WORDS));
  return {
    warnings: [
      ...said.filter((remark) => !isInfo(remark)),
      ...(isPartial ? ['some of its storage nodes did not answer (isPartial)'] : []),
    ],
    infos: [...said.filter(isInfo), ...(infos ?? []).map((info) => excerpt(info, MOST_WORDS))],
  };
}

/** Whether the answer was cut at the requested limit. */
function saysWasCut(warning: string): boolean {
  return /truncated due to limit/i.test(warning);
}

/** The error for an answer with missing data, if all are needed. */
class PartialAnswer extends SluiceError {}

export function partialAnswer(server: string, warnings: readonly string[]): SluiceError {
  return new PartialAnswer('unreachable', {
    about: server,
    problem: `answered with a part of the data only: ${warnings.join('; ')}.`,
    next: 'Wait until all its stores answer again, or take those that are gone for good out of it.',
  });
}

export function isPartialAnswer(error: unknown): boolean {
  return error instanceof PartialAnswer;
}
