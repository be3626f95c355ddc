import { httpMetrics, openTelemetryMetrics } from '../endings/server-metrics.ts';
import type { Found } from './cluster-names.ts';
import { envoyRules } from './envoy.ts';
import { istioRules } from './istio.ts';
import { nginxRules } from './nginx.ts';
import { linkerdRules, serverRules } from './pod-metrics.ts';
import type { Names, Place, Rule } from './rules.ts';
import { traefikRules } from './traefik.ts';

/** Which metrics count the requests. */
export type DefaultQueries =
  | {
      readonly kind: 'istio';
      /** Which proxy's count is used, as each request is counted on both sides. Only `source` sees refused connections. */
      readonly reporter: 'source' | 'destination' | 'waypoint';
      /** The labels that identify the arms: `destination_workload`, or `destination_service_name` and `destination_version`. */
      readonly by: 'workload' | 'version';
    }
  /** Envoy's clusters, as istiod names them: `outbound|80|v2|checkout.shop.svc.cluster.local`. */
  | { readonly kind: 'envoy' }
  /** Every Ingress that leads to the Service. */
  | { readonly kind: 'nginx' }
  | { readonly kind: 'traefik' }
  | { readonly kind: 'linkerd' }
  /** `http_requests_total` of the arms' own pods, or their framework's equivalent (`httpMetrics`). */
  | { readonly kind: 'http' }
  /** `http.server.request.duration` of the arms' own pods, or its predecessors (`openTelemetryMetrics`). */
  | { readonly kind: 'opentelemetry' };

/** The kinds of default queries, as inputs name them. */
export const metricsPresets = [
  'istio',
  'envoy',
  'nginx',
  'traefik',
  'linkerd',
  'http',
  'opentelemetry',
] as const satisfies readonly DefaultQueries['kind'][];

/** For each kind of default queries, a metric that suggests that they match. */
export const telltales = {
  istio: 'istio_requests_total',
  envoy: 'envoy_cluster_upstream_rq',
  nginx: 'nginx_ingress_controller_requests',
  traefik: 'traefik_service_requests_total',
  linkerd: 'response_total',
  http: 'http_requests_total',
  opentelemetry: 'http_server_request_duration_seconds_count',
} as const satisfies Record<DefaultQueries['kind'], string>;

/**
 * The questions for both arms, as variants: the first whose series exist is used. Variants differ in how scraping changes
 * labels (`exported_service` if the scrape has a `service` of its own).
 * Errors are answers with a 5xx status, and for gRPC the codes that are the server's fault, if a metric has them. A request
 * without an answer counts as an error, and is also counted separately.
 *
 * @throws SluiceError `invalid-input` if a name that the metrics need is missing.
 */
export function defaultQueries(queries: DefaultQueries, names: Names, place: Place, found: Found = {}): Rule[][] {
  switch (queries.kind) {
    case 'istio':
      return [istioRules(queries, names)];
    case 'envoy':
      return envoyRules(names);
    case 'nginx':
      return nginxRules(names, found);
    case 'traefik':
      return traefikRules(names, found);
    case 'linkerd':
      return linkerdRules(names, place, found);
    case 'http':
      return serverRules(httpMetrics, names, place, found);
    case 'opentelemetry':
      return serverRules(openTelemetryMetrics, names, place, found);
  }
}
