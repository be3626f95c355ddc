import type { Arm } from '../../judge/readings.ts';
import { endingOfStatus } from '../endings/endings.ts';
import type { ServerMetric } from '../endings/server-metrics.ts';
import { equal, NAME, type Selector } from '../series/selector.ts';
import type { Found } from './cluster-names.ts';
import { type Identify, podIdentities } from './pod-identities.ts';
import { ARMS, metricRules, type Names, type Place, type Rule } from './rules.ts';

/** https://linkerd.io/2/reference/proxy-metrics/. `failure` is a 5xx, or a gRPC code that is the server's fault. */
export function linkerdRules(names: Names, place: Place, found: Found): Rule[][] {
  const byWorkload =
    (label: string): Identify =>
    (arm) => ({
      matchers: [equal('namespace', names.namespace), equal(label, names[arm].workload)],
    });
  const workloads = place === 'pods' ? [] : [byWorkload('deployment'), byWorkload('statefulset')];
  // Only Linkerd's own Prometheus has labels of workloads.
  return [...workloads, ...podIdentities(names, place, found)].map((identify) =>
    ofPods(identify, {
      requests: 'response_total',
      only: [equal('direction', 'inbound')],
      endings: [{ label: 'classification', read: endingOfStatus }],
      histogram: 'response_latency_ms',
      perSecond: 1_000,
    }),
  );
}

/** The metrics of a service that counts for itself depend on its framework; the first existing one is used. */
export function serverRules(metrics: readonly ServerMetric[], names: Names, place: Place, found: Found): Rule[][] {
  const identities = podIdentities(names, place, found);
  return metrics.flatMap((metric) => identities.map((identify) => ofPods(identify, metric)));
}

/** Rules for metrics of the arms' own pods. */
function ofPods(identify: Identify, { only = [], ...metric }: ServerMetric & { readonly only?: Selector }): Rule[] {
  return ARMS.flatMap((arm) => {
    const identity = identify(arm);
    if (!identity) return [];
    const { matchers, ...more } = identity;
    const all = [...metricRules(arm, [...only, ...matchers], metric), processStart(arm, matchers)];
    return all.map((rule) => ({ ...rule, ...more }));
  });
}

function processStart(arm: Arm, identity: Selector): Rule {
  return { arm, kind: 'start', selector: [equal(NAME, 'process_start_time_seconds'), ...identity], perSecond: 1 };
}
