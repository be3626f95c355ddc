import type { Clock } from '../../core/clock.ts';
import { SluiceError } from '../../core/errors.ts';
import type { PrometheusApi } from '../../meters/prometheus/api.ts';
import type { Moment, Responder } from '../ports.ts';
import { followChanges } from './follow-changes.ts';

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats#outlier-detection-statistics */
const EJECTED = 'envoy_cluster_outlier_detection_ejections_active';

/**
 * Whether Envoy's outlier detection has taken hosts of a service out of its load balancing, as Prometheus scraped it: a moment is
 * known a scrape late. Istio exports these statistics only where `proxyStatsMatcher` includes `outlier_detection`.
 */
export function outlierResponder(service: string, api: PrometheusApi, clock: Clock): Responder {
  let ejected: number | undefined;
  // Clusters are called `outbound|80||checkout.shop.svc.cluster.local` by Istio, and as people like by others.
  const clusters = `"(.*[^a-z0-9-])?${service}([^a-z0-9-].*)?"`;
  const query = `sum(${EJECTED}{cluster_name=~${clusters}} or ${EJECTED}{envoy_cluster_name=~${clusters}})`;

  async function look(signal: AbortSignal): Promise<Moment[]> {
    const { data } = await api.query(query, signal);
    const [sample] = data.resultType === 'vector' ? data.result : [];
    if (!sample?.value) throw nothing(api.name, service);
    const now = Number(sample.value[1]);
    // No number tells nothing, and is no change.
    if (Number.isNaN(now)) return [];
    const before = ejected ?? 0;
    ejected = now;
    if (now === before) return [];
    const state = now > before ? 'opened' : now === 0 ? 'closed' : 'half-open';
    return [{ at: clock.now(), kind: 'outlier-ejection', state, text: `${now} hosts are ejected, ${before} before` }];
  }

  return {
    kind: 'outlier-ejection',
    about: `outlier detection of ${service} in ${api.name}`,
    permissions: api.permissions,
    follow: (tell, signal) => followChanges('outlier-ejection', { look, clock }, tell, signal),
  };
}

function nothing(about: string, service: string): SluiceError {
  return new SluiceError('not-found', {
    about,
    problem: `has no series of ${EJECTED} for ${service}.`,
    next: 'Give the service outlierDetection, and let the proxies export its statistics (proxyStatsMatcher in Istio).',
  });
}
