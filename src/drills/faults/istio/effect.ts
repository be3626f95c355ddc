import type { Effect } from '../../ports.ts';
import type { IstioMark, ProxyCounters } from './mark.ts';
import type { FoundProxies, ProxyReading } from './proxies.ts';

/** Probability that the proxies are said not to inject although they do. */
const ALPHA = 0.001;

export interface CounterEvidence {
  readonly mark: Pick<IstioMark, 'kind' | 'counters' | 'others'>;
  readonly found: Pick<FoundProxies, 'incomplete'>;
  readonly readings: readonly ProxyReading[];
  /** Per cent of the requests. */
  readonly share: number;
  /** The requests that the proxies count are not all subject to the fault: only those with a header, or of some rules, are. */
  readonly onlySome: boolean;
}

/**
 * What Envoy's own counters of injected faults say. They count all routes of a proxy together, so growth is proof only where no other
 * route has such a fault.
 */
export function effectByCounters({ mark, found, readings, share, onlySome }: CounterEvidence): Effect {
  const unknown = (evidence: string): Effect => ({ felt: 'unknown', evidence });
  const answered = readings.filter((reading): reading is ProxyCounters => 'faults' in reading);
  const silent = readings.flatMap((reading) => ('problem' in reading ? [reading.problem] : []));
  if (readings.length === 0) return unknown(found.incomplete ?? 'no running proxy of the route was found');
  if (answered.length === 0) return unknown(`no proxy of the route answered: ${silent[0]}`);
  const counting = answered.filter(({ faults }) => faults !== null);
  if (counting.length === 0) return unknown(howToExport(mark.kind));

  const before = new Map(mark.counters.map((counters) => [counters.uid, counters]));
  const grown = (field: 'faults' | 'requests') =>
    answered.reduce((sum, reading) => sum + growth(before.get(reading.uid)?.[field] ?? 0, reading[field] ?? 0), 0);
  const faults = grown('faults');
  const proxies = `${counting.length} ${counting.length === 1 ? 'proxy' : 'proxies'}`;
  const what = mark.kind === 'istio-abort' ? 'aborts' : 'delays';
  if (faults > 0 && mark.others.length > 0)
    return unknown(`${proxies} injected ${faults} ${what}, but those of ${mark.others[0]} count as well`);
  if (faults > 0) return { felt: 'felt', evidence: `${proxies} of the route injected ${faults} ${what}` };

  const requests = grown('requests');
  const none = `${proxies} of the route injected no ${what}`;
  if (silent.length > 0) return unknown(`${none}, and ${silent.length} did not answer: ${silent[0]}`);
  if (counting.length < answered.length) return unknown(`${none}, and the others do not export the counter`);
  if (found.incomplete !== undefined) return unknown(`${none}, and ${found.incomplete}`);
  if (onlySome) return unknown(`${none}, and not every request that passed is one to be faulted`);
  // A request is not faulted with probability 1 − share.
  if (share < 100 && requests * Math.log1p(-share / 100) > Math.log(ALPHA))
    return unknown(`${none} in ${requests} requests, too few to tell`);
  if (requests === 0) return unknown(`${none}, and no request passed`);
  return { felt: 'not-felt', evidence: `${none} in ${requests} requests` };
}

/** A proxy that was started again counts from 0. */
function growth(before: number, now: number): number {
  return now >= before ? now - before : now;
}

/**
 * Istio's proxies export few of Envoy's own counters, and not those of faults.
 * https://istio.io/latest/docs/ops/configuration/telemetry/envoy-stats/
 */
function howToExport(kind: IstioMark['kind']): string {
  const counter = kind === 'istio-abort' ? 'aborts_injected' : 'delays_injected';
  return (
    `the proxies do not export the counter ${counter}: let them by the annotation ` +
    `proxy.istio.io/config: '{"proxyStatsMatcher":{"inclusionSuffixes":["${counter}"]}}' of their pods, or by proxyStatsMatcher in the mesh's defaultConfig`
  );
}
