import type { Clock } from '../../core/clock.ts';
import type { Catalog } from '../queries/no-series.ts';
import { format, NAME } from '../series/selector.ts';
import type { PrometheusApi } from './api.ts';
import { LOOKBACK } from './look.ts';

/** The metrics on the server that were measured lately. */
export function catalogOf(api: PrometheusApi, clock: Clock, signal: AbortSignal): Catalog {
  return {
    about: api.name,
    metricNames: () => api.labelValues(NAME, undefined, undefined, signal),
    series: (selector) => api.series(format(selector), clock.now() - LOOKBACK, signal),
  };
}
