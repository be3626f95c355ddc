import type { DefaultQueries } from '../../src/meters/queries/default-queries.ts';

/** What one version of a service has answered so far. */
export interface Answered {
  readonly ok: number;
  readonly failed: number;
  /** Those of `ok` that took longer than 300 ms; the others took less than 250 ms. */
  readonly slow: number;
}

/** A version, as metrics name it. */
export interface Version {
  readonly workload: string;
  readonly pod: string;
  /** The label `canary` of ingress-nginx. */
  readonly upstream: string;
}

export const stableVersion: Version = { workload: 'checkout', pod: 'checkout-7d9f8c6b5-x2x4z', upstream: '' };
export const canaryVersion: Version = {
  workload: 'checkout-canary',
  pod: 'checkout-canary-5c7d9f8b64-bq7wz',
  upstream: 'shop-checkout-canary-80',
};

type Series = (version: Version, answered: Answered) => string;

/** The buckets of a histogram, in the unit that it has. */
function buckets(name: string, labels: string, { ok, failed, slow }: Answered, perSecond: number): string {
  const all = ok + failed;
  const bounds = [0.25, 0.3, 2.5].map((bound) => [String(bound * perSecond), bound < 2.5 ? all - slow : all] as const);
  return [...bounds, ['+Inf', all] as const]
    .map(([le, count]) => `${name}_bucket{${labels},le="${le}"} ${count}`)
    .join('\n');
}

/** The metrics of a preset as their software shows them, scraped by Prometheus. */
export const presetSeries: Readonly<Record<DefaultQueries['kind'], Series>> = {
  istio({ workload }, answered) {
    const common = `reporter="source",source_workload="gateway",destination_workload="${workload}",destination_workload_namespace="shop",destination_service="checkout.shop.svc.cluster.local",destination_service_name="checkout",destination_service_namespace="shop",request_protocol="http",pod="gateway-1",namespace="istio-system"`;
    const of = (code: number, flags: string) => `${common},response_code="${code}",response_flags="${flags}"`;
    return `
istio_requests_total{${of(200, '-')}} ${answered.ok}
istio_requests_total{${of(503, 'UF')}} ${answered.failed}
${buckets('istio_request_duration_milliseconds', of(200, '-'), answered, 1_000)}`;
  },
  envoy({ workload }, answered) {
    const cluster = `envoy_cluster_name="outbound|80||${workload}.shop.svc.cluster.local",pod="gateway-1",namespace="istio-system"`;
    return `
envoy_cluster_upstream_rq_xx{envoy_response_code_class="2",${cluster}} ${answered.ok}
envoy_cluster_upstream_rq_xx{envoy_response_code_class="5",${cluster}} ${answered.failed}
${buckets('envoy_cluster_upstream_rq_time', cluster, answered, 1_000)}`;
  },
  nginx({ upstream }, answered) {
    const common = `exported_namespace="shop",ingress="shop",exported_service="checkout",canary="${upstream}",host="shop.example",path="/",method="GET",controller_pod="nginx-1",namespace="ingress-nginx",service="nginx-metrics",pod="nginx-1"`;
    return `
nginx_ingress_controller_requests{${common},status="200"} ${answered.ok}
nginx_ingress_controller_requests{${common},status="502"} ${answered.failed}
${buckets('nginx_ingress_controller_request_duration_seconds', `${common},status="200"`, answered, 1)}`;
  },
  traefik({ workload }, answered) {
    const common = `service="shop-${workload}-80@kubernetescrd",method="GET",protocol="http",pod="traefik-1",namespace="traefik"`;
    return `
traefik_service_requests_total{${common},code="200"} ${answered.ok}
traefik_service_requests_total{${common},code="500"} ${answered.failed}
${buckets('traefik_service_request_duration_seconds', `${common},code="200"`, answered, 1)}`;
  },
  linkerd({ workload, pod }, answered) {
    const common = `namespace="shop",deployment="${workload}",pod="${pod}",direction="inbound",target_port="8080"`;
    return `
response_total{${common},classification="success",status_code="200"} ${answered.ok}
response_total{${common},classification="failure",status_code="500"} ${answered.failed}
${buckets('response_latency_ms', `${common},status_code="200"`, answered, 1_000)}`;
  },
  http({ pod }, answered) {
    const common = `namespace="shop",pod="${pod}",container="app",method="GET",path="/cart"`;
    return `
http_requests_total{${common},code="200"} ${answered.ok}
http_requests_total{${common},code="500"} ${answered.failed}
${buckets('http_request_duration_seconds', common, answered, 1)}`;
  },
  opentelemetry({ pod }, answered) {
    const common = `k8s_namespace_name="shop",k8s_pod_name="${pod}",http_request_method="GET",http_route="/cart"`;
    const ok = `${common},http_response_status_code="200"`;
    return `
http_server_request_duration_seconds_count{${ok}} ${answered.ok}
http_server_request_duration_seconds_count{${common},http_response_status_code="500",error_type="500"} ${answered.failed}
${buckets('http_server_request_duration_seconds', ok, answered, 1)}`;
  },
};
