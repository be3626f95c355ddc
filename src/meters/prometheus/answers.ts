import type { Gauge } from '../../judge/readings.ts';
import type { Sample } from '../counting/classify.ts';
import type { History, Point } from '../series/readiness.ts';
import type { Labels } from '../series/selector.ts';
import type { QueryResult } from './api.ts';

/** The newest measurement of a series, and those before it. */
export interface Series extends Sample {
  readonly history: History;
}

/** Milliseconds after which a measurement is old at usual scrape intervals: two and a half times the longest usual interval. */
export const LEAST_STALE = 150_000;

export function seriesOf(data: QueryResult): Series[] {
  if (data.resultType !== 'matrix') return [];
  return data.result.flatMap(({ metric, values }) => {
    const history = values.map(pointOf);
    const last = history.at(-1);
    return last ? [{ labels: metric, ...last, history }] : [];
  });
}

/** A sample of the API: Unix seconds, and the value as text. */
function pointOf([time, value]: readonly [number, string]): Point {
  return { at: Math.round(time * 1_000), value: numberOf(value) };
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

export function staleAfter(interval: number | undefined): number {
  return Math.max((interval ?? 0) * 4, LEAST_STALE);
}

export function singleValue(data: QueryResult): { value: number; at: number } | string {
  if (data.resultType === 'scalar') return pointOf(data.result);
  if (data.resultType === 'string') return 'the answer is a text';
  if (data.resultType === 'matrix') return 'the answer is a range of values; ask for an instant';
  const [first, ...more] = data.result;
  if (!first) return 'the answer is empty';
  if (more.length > 0) return `the answer ${severalSeries(data.result)}`;
  return first.value ? pointOf(first.value) : 'the answer is a native histogram';
}

export function severalSeries(result: readonly { readonly metric: Labels }[]): string {
  const shown = result.slice(0, 3).map(({ metric }) => JSON.stringify(metric));
  return `has ${result.length} series (${shown.join(', ')}${result.length > 3 ? ', …' : ''})`;
}

/**
 * @param measured When each selector of the query was last measured, in Unix seconds: an answer is as old as its oldest part.
 * @param limit Milliseconds after which a measurement is stale.
 */
export function gaugeOf(data: QueryResult, measured: readonly ReturnType<typeof singleValue>[], limit: number): Gauge {
  const single = singleValue(data);
  if (typeof single === 'string') return { missing: single };
  const { value, at: asked } = single;
  if (!Number.isFinite(value)) return { missing: `the answer is ${value}` };
  const times = measured.flatMap((newest) => (typeof newest === 'string' ? [] : [Math.round(newest.value * 1_000)]));
  const at = Math.min(asked, ...times);
  if (asked - at > limit)
    return { missing: `the answer is stale: measured ${Math.round((asked - at) / 1_000)} s before` };
  return { value, at };
}
