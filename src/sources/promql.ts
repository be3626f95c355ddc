import type { Source } from '../gates/ports.ts';
import type { Look } from '../judge/looks/look.ts';
import { gaugeOf, severalSeries, singleValue, staleAfter } from '../meters/prometheus/answers.ts';
import type { PrometheusApi, QueryResult } from '../meters/prometheus/api.ts';
import { catalogOf } from '../meters/prometheus/catalog.ts';
import { askExpression } from '../meters/prometheus/expression.ts';
import { explainNoSeries } from '../meters/queries/no-series.ts';
import { parseExpression, refusePadding } from '../meters/queries/promql.ts';
import { equal, NAME } from '../meters/series/selector.ts';
import type { SourceWorld } from './world.ts';

/** Series of one answer that are judged: more of them are a query that was meant otherwise. */
const MOST_SERIES = 100;

/** @throws SluiceError `bad-query` for what is no PromQL, or answers where there is no data; placeholders may stand in texts */
export async function checkExpression(query: string, about: string): Promise<void> {
  refusePadding(await parseExpression(query, about), query, about);
}

/** A PromQL expression of Prometheus, or what speaks its HTTP API: one number, or one for each series of the answer. */
export function promqlSource(query: string, api: PrometheusApi, { clock }: SourceWorld): Source {
  return {
    kind: 'promql',
    asked: `${query} of ${api.name}`,
    permissions: api.permissions,
    lag: 0,

    async preflight(signal) {
      const expression = await parseExpression(query, 'query');
      const catalog = catalogOf(api, clock, signal);
      const known = new Set(expression.metrics.length === 0 ? [] : await catalog.metricNames());
      const unknown = expression.metrics.find((metric) => !known.has(metric));
      if (unknown !== undefined) throw await explainNoSeries([[equal(NAME, unknown)]], catalog);
      const { data, infos } = await api.query(query, signal);
      const warnings = infos.map((info) => `${api.name} remarks on ${query}: ${info}`);
      return { evidence: `${query}: ${describeAnswer(data)}`, warnings };
    },

    async look({ to }, signal): Promise<Look> {
      const answer = await askExpression(query, api, signal, to);
      if (answer.missing !== undefined) return { kind: 'missing', reason: answer.missing };
      const { data, measured } = answer;
      if (data.resultType !== 'vector' || data.result.length < 2) {
        const gauge = gaugeOf(data, measured, staleAfter(undefined));
        if ('missing' in gauge) return { kind: 'missing', reason: gauge.missing };
        return { kind: 'values', values: [{ of: labelsOf(data, 0), ...gauge }] };
      }
      if (data.result.length > MOST_SERIES)
        return { kind: 'missing', reason: `the answer ${severalSeries(data.result)}` };
      const gauges = data.result.map((series, index) => ({
        of: labelsOf(data, index),
        ...gaugeOf({ ...data, result: [series] }, measured, staleAfter(undefined)),
      }));
      // One series that can't be judged may be the one that matters.
      const values = gauges.flatMap((gauge) => ('missing' in gauge ? [] : [gauge]));
      const missing = gauges.find((gauge) => 'missing' in gauge);
      return missing ? { kind: 'missing', reason: `${missing.of}: ${missing.missing}` } : { kind: 'values', values };
    },
  };
}

function describeAnswer(data: QueryResult): string {
  if (data.resultType === 'vector' && data.result.length > 1) return `${data.result.length} series`;
  const single = singleValue(data);
  return typeof single === 'string' ? single : `${single.value}`;
}

function labelsOf(data: QueryResult, index: number): string {
  if (data.resultType !== 'vector') return '';
  const { [NAME]: _, ...labels } = data.result[index]?.metric ?? {};
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(', ');
}
