import type { Arm } from '../../judge/readings.ts';
import type { Rule } from '../queries/rules.ts';
import { equal, format, NAME, type Selector } from '../series/selector.ts';
import { seriesOf } from './answers.ts';
import type { PrometheusApi } from './api.ts';
import { LOOKBACK } from './look.ts';

/** A measurement of one source; the time is milliseconds since the epoch. */
interface Measured {
  /** The process that was scraped: a pod's name. */
  readonly instance: string;
  readonly at: number;
}

/**
 * The next two times at which each source will be measured: Prometheus scrapes a target at the same moment of every interval
 * (https://prometheus.io/docs/prometheus/latest/configuration/configuration/, `scrape_interval`).
 *
 * @param interval milliseconds between two scrapes of a target
 * @param now milliseconds since the epoch; the returned times are later, and sorted
 */
export function dueTimes(
  measured: Readonly<Record<Arm, readonly Measured[]>>,
  interval: number,
  now: number,
): Record<Arm, number[]> {
  const next = (last: number) => last + Math.max(Math.floor((now - last) / interval) + 1, 1) * interval;
  const ofArm = (arm: Arm) =>
    [...Map.groupBy(measured[arm], ({ instance }) => instance).values()]
      .map((ofInstance) => next(Math.max(...ofInstance.map(({ at }) => at))))
      .flatMap((time) => [time, time + interval])
      .toSorted((a, b) => a - b);
  return { stable: ofArm('stable'), canary: ofArm('canary') };
}

/** Selects `up` of the canary's pods, if its counters are identified by pod names; undefined otherwise. */
export function targetSelector(rules: readonly Rule[]): Selector | undefined {
  const requests = rules.find(({ arm, kind }) => arm === 'canary' && kind === 'requests');
  const ofPods = requests?.selector.filter(({ label }) => label === 'pod' || label === 'namespace') ?? [];
  return ofPods.some(({ label }) => label === 'pod') ? [equal(NAME, 'up'), ...ofPods] : undefined;
}

/** When canary pods without counters were scraped: many services show a counter only after its first request. */
export async function scrapesOfCanary(
  rules: readonly Rule[],
  stable: readonly Measured[],
  api: PrometheusApi,
  signal: AbortSignal,
): Promise<readonly Measured[]> {
  const requests = rules.find(({ arm, kind }) => arm === 'canary' && kind === 'requests');
  if (!requests) return [];
  const targets = targetSelector(rules);
  // A gateway counts for both arms, so the counters of both come with the same scrapes.
  if (!targets) return stable;
  const { data } = await api.query(`${format(targets)}[${Math.ceil(LOOKBACK / 1_000)}s]`, signal);
  const scraped = seriesOf(data).filter(({ labels }) => requests.isOfArm?.(labels) !== false);
  return scraped.map(({ labels, at }) => ({ instance: labels.pod ?? '', at }));
}
