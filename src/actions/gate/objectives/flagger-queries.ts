/** What Flagger measures by queries of its own, by the names that metrics have for it. */
export const builtInMetrics = ['request-success-rate', 'request-duration'] as const;
export type BuiltInMetric = (typeof builtInMetrics)[number];

/** How requests are counted where a mesh or an ingress controller serves them. Texts have Flagger's placeholders. */
interface RequestMetrics {
  /** A counter of requests. */
  readonly requests: string;
  /** The matchers of the canary's requests. */
  readonly canary: string;
  /** The matcher of those that succeeded. */
  readonly succeeded: string;
  /** Buckets of a histogram, or the name before `_sum` and `_count`. */
  readonly duration: { readonly buckets: string } | { readonly mean: string };
  /** The matchers for the duration, where they are others. */
  readonly canaryDuration?: string;
  /** What its unit is in milliseconds. */
  readonly unit: 1 | 1_000;
}

const podsOfTarget = `kubernetes_namespace="{{ namespace }}",kubernetes_pod_name=~"{{ target }}-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"`;

/** The metrics of an Envoy, by the cluster of Envoy that is the canary. */
function envoy(canary: string): RequestMetrics {
  return {
    requests: 'envoy_cluster_upstream_rq',
    canary,
    succeeded: 'envoy_response_code!~"5.*"',
    duration: { buckets: 'envoy_cluster_upstream_rq_time_bucket' },
    unit: 1,
  };
}

const http: RequestMetrics = {
  requests: 'http_request_duration_seconds_count',
  canary: podsOfTarget,
  succeeded: 'status!~"5.*"',
  duration: { buckets: 'http_request_duration_seconds_bucket' },
  unit: 1_000,
};
const skipperRoute = 'route=~"kube(ew)?_{{ namespace }}__{{ ingress }}_canary__.*__{{ service }}_canary(_[0-9]+)?"';
const traefikService = 'service=~"{{ namespace }}-{{ target }}-canary-[0-9a-zA-Z-]+@kubernetescrd"';
const apisixRoute = 'route=~"{{ namespace }}_{{ route }}-{{ target }}-canary_.+"';

/** By the name of a provider: https://github.com/fluxcd/flagger/tree/main/pkg/metrics/observers */
const providers: Readonly<Record<string, RequestMetrics>> = {
  apisix: {
    requests: 'apisix_http_status',
    canary: apisixRoute,
    succeeded: 'code!~"5.."',
    duration: { buckets: 'apisix_http_latency_bucket' },
    canaryDuration: `type=~"request",${apisixRoute}`,
    unit: 1,
  },
  appmesh: envoy(podsOfTarget),
  contour: envoy('envoy_cluster_name=~"{{ namespace }}_{{ service }}-canary_[0-9a-zA-Z-]+"'),
  gatewayapi: http,
  gloo: envoy('envoy_cluster_name=~"{{ namespace }}-{{ target }}-canaryupstream-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+"'),
  istio: {
    requests: 'istio_requests_total',
    canary:
      'reporter="destination",destination_workload_namespace="{{ namespace }}",destination_workload=~"{{ target }}"',
    succeeded: 'response_code!~"5.*"',
    duration: { buckets: 'istio_request_duration_milliseconds_bucket' },
    unit: 1,
  },
  knative: envoy('envoy_cluster_name=~"{{ namespace }}/{{ route }}"'),
  kubernetes: http,
  kuma: envoy('service=~"{{ target }}-canary_{{ namespace }}_svc_[0-9a-zA-Z-]+"'),
  linkerd: {
    requests: 'response_total',
    canary: 'namespace="{{ namespace }}",deployment=~"{{ target }}",direction="inbound"',
    succeeded: 'classification!="failure"',
    duration: { buckets: 'response_latency_ms_bucket' },
    unit: 1,
  },
  nginx: {
    requests: 'nginx_ingress_controller_requests',
    canary: 'namespace="{{ namespace }}",ingress="{{ ingress }}",canary!=""',
    succeeded: 'status!~"5.*"',
    duration: { mean: 'nginx_ingress_controller_response_duration_seconds' },
    unit: 1_000,
  },
  osm: {
    requests: 'osm_request_total',
    canary: 'destination_namespace="{{ namespace }}",destination_kind="Deployment",destination_name="{{ target }}"',
    succeeded: 'response_code!~"5.*"',
    duration: { buckets: 'osm_request_duration_ms_bucket' },
    unit: 1,
  },
  skipper: {
    requests: 'skipper_response_duration_seconds_bucket',
    canary: `${skipperRoute},le="+Inf"`,
    succeeded: 'code!~"5.."',
    duration: { mean: 'skipper_serve_route_duration_seconds' },
    canaryDuration: skipperRoute,
    unit: 1_000,
  },
  traefik: {
    requests: 'traefik_service_request_duration_seconds_bucket',
    canary: `${traefikService},le="+Inf"`,
    succeeded: 'code!~"5.."',
    duration: { buckets: 'traefik_service_request_duration_seconds_bucket' },
    canaryDuration: traefikService,
    unit: 1_000,
  },
};
/** Providers that Flagger knows by how their names begin: `gatewayapi:v1`. */
const byPrefix = ['appmesh', 'gloo', 'gatewayapi'];

/** Names of providers whose requests Flagger counts, for errors. */
export const knownProviders = Object.keys(providers);

/**
 * The query by which Flagger measures one of its own metrics, with its placeholders: per cent of requests that succeeded, or the
 * 99th percentile (for some, the mean) of their duration in milliseconds.
 *
 * @returns undefined for a provider that Flagger itself does not tell from Istio
 */
export function builtInQuery(metric: BuiltInMetric, provider: string): string | undefined {
  const prefix = byPrefix.find((name) => provider.startsWith(name));
  const known = prefix ?? provider;
  const metrics = Object.hasOwn(providers, known) ? providers[known] : undefined;
  if (!metrics) return undefined;
  const { requests, canary, succeeded, duration, canaryDuration = canary, unit } = metrics;
  const rate = (name: string, matchers: string) => `sum(rate(${name}{${matchers}}[{{ interval }}]))`;
  if (metric === 'request-success-rate')
    return `${rate(requests, `${canary},${succeeded}`)} / ${rate(requests, canary)} * 100`;
  const scale = unit === 1 ? '' : ` * ${unit}`;
  if ('mean' in duration)
    return `${rate(`${duration.mean}_sum`, canaryDuration)} / ${rate(`${duration.mean}_count`, canaryDuration)}${scale}`;
  return `histogram_quantile(0.99, sum(rate(${duration.buckets}{${canaryDuration}}[{{ interval }}])) by (le))${scale}`;
}
