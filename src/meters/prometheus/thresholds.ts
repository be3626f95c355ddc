import { SluiceError } from '../../core/errors.ts';
import { type Catalog, explainNoSeries } from '../queries/no-series.ts';
import { parseExpression, refusePadding } from '../queries/promql.ts';
import { equal, NAME } from '../series/selector.ts';
import { severalSeries, singleValue } from './answers.ts';
import type { PrometheusApi } from './api.ts';

/** Refuses threshold queries without a meaningful answer; returns the server's remarks on the others. */
export async function checkThresholds(
  queries: readonly string[],
  { api, catalog }: { readonly api: PrometheusApi; readonly catalog: Catalog },
  signal: AbortSignal,
): Promise<string[]> {
  if (queries.length === 0) return [];
  const remarks: string[] = [];
  const known = new Set(await catalog.metricNames());
  for (const query of queries) {
    const expression = await parseExpression(query, 'threshold query');
    refusePadding(expression, query, 'threshold query');
    const unknown = expression.metrics.find((metric) => !known.has(metric));
    if (unknown !== undefined) throw await explainNoSeries([[equal(NAME, unknown)]], catalog);
    const { data, infos } = await api.query(query, signal);
    remarks.push(...infos.map((info) => `${api.name} remarks on ${query}: ${info}`));
    if (data.resultType === 'vector' && data.result.length > 1) {
      throw new SluiceError('bad-query', {
        about: `threshold query ${query}`,
        problem: `${severalSeries(data.result)}, where one number is needed.`,
        next: 'Aggregate it, for example with sum() or max().',
      });
    }
  }
  return remarks;
}

/**
 * Asks a threshold query, now or at a time (milliseconds since the epoch), and when each of its selectors was last measured: the
 * age of what was asked is a part of the answer.
 */
export async function askThreshold(query: string, api: PrometheusApi, signal: AbortSignal, at?: number) {
  const expression = await parseExpression(query, 'threshold query');
  refusePadding(expression, query, 'threshold query');
  const [answer, ...measured] = await Promise.all([
    api.query(query, signal, at),
    ...expression.selectors.map((selector) => api.query(`max(timestamp(${selector}))`, signal, at)),
  ]);
  const missing = [answer, ...measured].flatMap(({ warnings }) => warnings);
  if (missing.length > 0) return { missing: `the answer is partial: ${[...new Set(missing)].join('; ')}` };
  return { data: answer.data, measured: measured.map(({ data }) => singleValue(data)) };
}
