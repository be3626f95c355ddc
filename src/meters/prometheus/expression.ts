import { parseExpression, refusePadding } from '../queries/promql.ts';
import { singleValue } from './answers.ts';
import type { PrometheusApi } from './api.ts';

/**
 * Asks a PromQL expression at a time (milliseconds since the Unix epoch), and when each of its selectors was last measured: the
 * age of what was asked is a part of the answer.
 */
export async function askExpression(query: string, api: PrometheusApi, signal: AbortSignal, at: number) {
  const expression = await parseExpression(query, 'query');
  refusePadding(expression, query, 'query');
  const [answer, ...measured] = await Promise.all([
    api.query(query, signal, at),
    ...expression.selectors.map((selector) => api.query(`max(timestamp(${selector}))`, signal, at)),
  ]);
  const missing = [answer, ...measured].flatMap(({ warnings }) => warnings);
  if (missing.length > 0) return { missing: `the answer is partial: ${[...new Set(missing)].join('; ')}` };
  return { data: answer.data, measured: measured.map(({ data }) => singleValue(data)) };
}
