import { Counter, Histogram, Registry } from 'prom-client';
import type { Endpoint } from './endpoints.ts';
import type { Destination, Route } from './routes.ts';

/** One finished request, as the gateway saw it. */
export interface Passed {
  readonly route: Route;
  readonly destination: Destination;
  /** Number of the destination Service's port. */
  readonly port: number | undefined;
  /** Absent if there was no pod to send it to. */
  readonly endpoint: Endpoint | undefined;
  readonly method: string;
  readonly status: number;
  /** The client left before it got an answer; `status` then has no meaning. */
  readonly gaveUp: boolean;
  /** An injected fault ended the request, so that it was sent to no pod. */
  readonly aborted?: boolean;
  readonly milliseconds: number;
}

/** Bounds of Envoy's histograms, in milliseconds. */
const envoyBuckets = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];
const secondBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * The gateway's own counters, with the names and labels of the product whose route was followed: Istio and Envoy for
 * VirtualServices and Gateway API routes, ingress-nginx, or Traefik. A plain Service has none.
 */
export function createGatewayMetrics() {
  const registry = new Registry();
  const registers = [registry];

  const istioLabels = [
    'reporter',
    'destination_workload',
    'destination_workload_namespace',
    'destination_service',
    'destination_service_name',
    'destination_service_namespace',
    'destination_version',
    'request_protocol',
    'response_code',
    'response_flags',
  ] as const;
  const istioRequests = new Counter({
    name: 'istio_requests_total',
    help: 'Total requests handled by an Istio proxy.',
    labelNames: istioLabels,
    registers,
  });
  const istioDuration = new Histogram({
    name: 'istio_request_duration_milliseconds',
    help: 'Duration of requests.',
    labelNames: istioLabels,
    buckets: envoyBuckets,
    registers,
  });
  const envoyRequests = new Counter({
    name: 'envoy_cluster_upstream_rq_xx',
    help: 'Upstream requests by class of status.',
    labelNames: ['envoy_cluster_name', 'envoy_response_code_class'],
    registers,
  });
  const envoyDuration = new Histogram({
    name: 'envoy_cluster_upstream_rq_time',
    help: 'Milliseconds of upstream requests.',
    labelNames: ['envoy_cluster_name'],
    buckets: envoyBuckets,
    registers,
  });
  const envoyResets = new Counter({
    name: 'envoy_cluster_upstream_rq_tx_reset',
    help: 'Upstream requests that were reset from this side.',
    labelNames: ['envoy_cluster_name'],
    registers,
  });
  // Envoy counts for a listener, whatever the route.
  const listener = { http_conn_manager_prefix: 'outbound_0.0.0.0_8080' };
  const [aborts, delays] = ['aborts', 'delays'].map((what) => {
    const counter = new Counter({
      name: `envoy_http_fault_${what}_injected`,
      help: `Requests with injected ${what}.`,
      labelNames: ['http_conn_manager_prefix'],
      registers,
    });
    counter.inc(listener, 0);
    return counter;
  });
  const nginxLabels = ['namespace', 'ingress', 'service', 'canary', 'method', 'status'] as const;
  const nginxRequests = new Counter({
    name: 'nginx_ingress_controller_requests',
    help: 'The total number of client requests.',
    labelNames: nginxLabels,
    registers,
  });
  const nginxDuration = new Histogram({
    name: 'nginx_ingress_controller_request_duration_seconds',
    help: 'The request processing time in seconds.',
    labelNames: nginxLabels,
    buckets: secondBuckets,
    registers,
  });
  const traefikLabels = ['service', 'code', 'method', 'protocol'] as const;
  const traefikRequests = new Counter({
    name: 'traefik_service_requests_total',
    help: 'How many HTTP requests processed on a service.',
    labelNames: traefikLabels,
    registers,
  });
  const traefikDuration = new Histogram({
    name: 'traefik_service_request_duration_seconds',
    help: 'How long it took to process the request on a service.',
    labelNames: traefikLabels,
    buckets: secondBuckets,
    registers,
  });

  function countIstio({ destination, port, endpoint, status, gaveUp, aborted = false, milliseconds }: Passed): void {
    const { namespace, service, subset } = destination;
    const host = `${service}.${namespace}.svc.cluster.local`;
    const labels = {
      reporter: 'source',
      destination_workload: endpoint?.workload ?? 'unknown',
      destination_workload_namespace: endpoint === undefined ? 'unknown' : namespace,
      destination_service: host,
      destination_service_name: service,
      destination_service_namespace: namespace,
      destination_version: endpoint?.version ?? 'unknown',
      request_protocol: 'http',
      response_code: gaveUp ? '0' : String(status),
      response_flags: gaveUp ? 'DC' : aborted ? 'FI' : endpoint === undefined ? 'UH' : '-',
    };
    istioRequests.inc(labels);
    istioDuration.observe(labels, milliseconds);
    if (aborted) return;
    const cluster = `outbound|${port ?? ''}|${subset?.name ?? ''}|${host}`;
    if (gaveUp) {
      envoyResets.inc({ envoy_cluster_name: cluster });
      return;
    }
    envoyRequests.inc({ envoy_cluster_name: cluster, envoy_response_code_class: String(Math.floor(status / 100)) });
    envoyDuration.observe({ envoy_cluster_name: cluster }, milliseconds);
  }

  function countNginx({ route, destination, port, method, status, gaveUp, milliseconds }: Passed): void {
    const [main] = route.destinations;
    const { namespace, service } = destination;
    const labels = {
      namespace,
      ingress: route.name,
      service: main?.service ?? service,
      canary: service === main?.service ? '' : `${namespace}-${service}-${port ?? ''}`,
      method,
      status: gaveUp ? '499' : String(status),
    };
    nginxRequests.inc(labels);
    nginxDuration.observe(labels, milliseconds / 1_000);
  }

  function countTraefik({ destination, port, method, status, gaveUp, milliseconds }: Passed): void {
    const service = `${destination.namespace}-${destination.service}-${port ?? ''}@kubernetescrd`;
    const labels = { service, code: gaveUp ? '499' : String(status), method, protocol: 'http' };
    traefikRequests.inc(labels);
    traefikDuration.observe(labels, milliseconds / 1_000);
  }

  return {
    count(passed: Passed): void {
      if (passed.route.kind === 'nginx') countNginx(passed);
      else if (passed.route.kind === 'traefik') countTraefik(passed);
      else if (passed.route.kind !== 'service') countIstio(passed);
    },
    /** Counts an injected fault at its beginning. */
    injected(what: 'abort' | 'delay'): void {
      (what === 'abort' ? aborts : delays)?.inc(listener);
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
