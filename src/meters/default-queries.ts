import { SluiceError } from '../canary/errors.ts';
import type { Arm } from '../canary/ports.ts';
import type { Found } from './cluster-names.ts';
import { type Identify, podIdentities } from './pod-identities.ts';
import { equal, escapeRegex, type Labels, like, NAME, type Selector } from './selector.ts';

/** How one arm is called where metrics name it. */
interface ArmNames {
  /** The Deployment or StatefulSet. */
  readonly workload: string;
  /** The Service, without its namespace. */
  readonly service?: string;
  /** The subset of a DestinationRule, or the `version` label of the pods. */
  readonly version?: string;
}

export interface Names {
  readonly namespace: string;
  readonly stable: ArmNames;
  readonly canary: ArmNames;
}

/** Which metrics count the requests. */
export type DefaultQueries =
  | {
      readonly kind: 'istio';
      /** Which proxy's count is taken, as each request is counted on both sides. Only `source` sees refused connections. */
      readonly reporter: 'source' | 'destination' | 'waypoint';
      /** What tells the arms apart: `destination_workload`, or `destination_service_name` and `destination_version`. */
      readonly by: 'workload' | 'version';
    }
  /** Envoy's clusters as istiod names them: `outbound|80|v2|checkout.shop.svc.cluster.local`. */
  | { readonly kind: 'envoy' }
  /** `ingress` is the one that is named; others that lead to the same Service are counted with it. */
  | { readonly kind: 'nginx'; readonly ingress: string }
  | { readonly kind: 'traefik' }
  | { readonly kind: 'linkerd' }
  /** `http_requests_total` and `http_request_duration_seconds` of the arms' own pods. */
  | { readonly kind: 'http' }
  /** `http.server.request.duration` of the arms' own pods. */
  | { readonly kind: 'opentelemetry' };

/** What the series that a selector picks say. */
export interface Rule {
  readonly arm: Arm;
  /** `start` is when a process began, in Unix seconds; the others as in `Counter`. */
  readonly kind: 'requests' | 'errors' | 'bucket' | 'start';
  readonly selector: Selector;
  /** What a selector can't say of the series that it picks: whether they are the arm's. */
  readonly isOfArm?: (labels: Labels) => boolean;
  /** The unit of a bucket's `le`: how many of it are a second. */
  readonly perSecond: 1 | 1_000;
}

/** Where series come from: scraped by Prometheus with its labels added, or read by Sluice, which adds the label `arm`. */
export type Place = 'prometheus' | 'pods';

const ARMS = ['stable', 'canary'] as const satisfies readonly Arm[];

/** The gRPC codes that are the server's fault (OpenTelemetry semantic conventions for RPC): they come with HTTP 200. */
const GRPC_SERVER_ERRORS = '2|4|12|13|14|15';

/** For each kind of default queries a metric that shows that they may fit. */
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
 * The questions for both arms, as variants of which one is to be used: the first whose series exist. Variants differ in
 * what scraping does to labels (`exported_service` where a scrape has a `service` of its own).
 * Errors are answers with a 5xx status, and for gRPC the codes that are the server's fault where a metric has them.
 *
 * @throws SluiceError `invalid-input` where a name that the metrics need is not given.
 */
export function defaultQueries(queries: DefaultQueries, names: Names, place: Place, found: Found = {}): Rule[][] {
  switch (queries.kind) {
    case 'istio':
      return [istio(queries, names)];
    case 'envoy':
      return envoy(names);
    case 'nginx':
      return nginx(names, found);
    case 'traefik':
      return traefik(names, found);
    case 'linkerd':
      return linkerd(names, place, found);
    case 'http':
      return http(names, place, found);
    case 'opentelemetry':
      return opentelemetry(names, place, found);
  }
}

/** https://istio.io/latest/docs/reference/config/metrics/ */
function istio(queries: Extract<DefaultQueries, { kind: 'istio' }>, names: Names): Rule[] {
  return ARMS.flatMap((arm) => {
    const one = names[arm];
    const destination =
      queries.by === 'workload'
        ? [equal('destination_workload', one.workload), equal('destination_workload_namespace', names.namespace)]
        : [
            equal('destination_service_name', needed(one.service, arm, 'service', 'istio')),
            equal('destination_service_namespace', names.namespace),
            equal('destination_version', needed(one.version, arm, 'version', 'istio')),
          ];
    const common = [equal('reporter', queries.reporter), ...destination];
    return rules(arm, common, {
      requests: 'istio_requests_total',
      errors: [[like('response_code', '5..')], [like('grpc_response_status', GRPC_SERVER_ERRORS)]],
      histogram: 'istio_request_duration_milliseconds',
      perSecond: 1_000,
    });
  });
}

/**
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats. How they are spelled
 * depends on the bootstrap: Istio's own makes the class of the status a label of `upstream_rq` (beside series by single
 * codes, which count the same requests again); Envoy's default tags make it `upstream_rq_xx`; and without a tag for Istio's
 * cluster names Envoy cuts them at their dots, so that half of it stays in the metric's name (after it may come `external_`
 * or `internal_`, again the same requests). These are HTTP statuses: gRPC errors don't show.
 */
function envoy(names: Names): Rule[][] {
  const spellings = [
    { root: equal, prefix: 'envoy_cluster_', label: '', requests: 'upstream_rq', classes: ['.xx', '5xx'], whole: true },
    {
      root: equal,
      prefix: 'envoy_cluster_',
      label: 'envoy_',
      requests: 'upstream_rq_xx',
      classes: ['.', '5'],
      whole: true,
    },
    {
      root: like,
      prefix: `envoy_cluster_${names.namespace.replaceAll('-', '_')}_svc_cluster_local_+`,
      label: 'envoy_',
      requests: 'upstream_rq_xx',
      classes: ['.', '5'],
      whole: false,
    },
  ] as const;
  return spellings.map(({ root, prefix, label, requests, classes: [any, error], whole }) =>
    ARMS.flatMap((arm): Rule[] => {
      const service = needed(names[arm].service, arm, 'service', 'envoy');
      const start = `outbound\\|[0-9]+\\|${escapeRegex(names[arm].version ?? '')}\\|${escapeRegex(service)}`;
      const cluster = like(
        `${label}cluster_name`,
        whole ? `${start}\\.${escapeRegex(names.namespace)}\\.svc\\.[^|]*` : start,
      );
      const counted = [root(NAME, `${prefix}${requests}`), cluster];
      const status = (pattern: string) => like(`${label}response_code_class`, pattern);
      return [
        { arm, kind: 'requests', selector: [...counted, status(any)], perSecond: 1 },
        { arm, kind: 'errors', selector: [...counted, status(error)], perSecond: 1 },
        { arm, kind: 'bucket', selector: [root(NAME, `${prefix}upstream_rq_time_bucket`), cluster], perSecond: 1_000 },
      ];
    }),
  );
}

/**
 * https://kubernetes.github.io/ingress-nginx/user-guide/monitoring/. The label `canary` names the upstream that a canary
 * ingress put in place of the service: `NAMESPACE-SERVICE-PORT`, empty for requests that stayed. Whichever Ingress leads to the
 * service shares that upstream, and is shifted and counted with the others.
 */
function nginx(names: Names, { ports }: Found): Rule[][] {
  const service = needed(names.stable.service, 'stable', 'service', 'nginx');
  const canary = needed(names.canary.service, 'canary', 'service', 'nginx');
  const upstream = {
    stable: equal('canary', ''),
    // Beside the labels of the Ingress and its Service nothing else begins like this, whatever the port is called.
    canary: like('canary', `${escapeRegex(`${names.namespace}-${canary}`)}-${anyOf(ports?.canary) ?? '[a-z0-9-]+'}`),
  };
  // A scrape that has labels of these names itself renames the metric's own; many have a namespace, fewer a service.
  const spellings = [
    { namespace: 'namespace', service: 'service' },
    { namespace: 'exported_namespace', service: 'exported_service' },
    { namespace: 'exported_namespace', service: 'service' },
  ];
  return spellings.map((label) =>
    ARMS.flatMap((arm) => {
      const common = [equal(label.namespace, names.namespace), equal(label.service, service), upstream[arm]];
      return rules(arm, common, {
        requests: 'nginx_ingress_controller_requests',
        errors: [[like('status', '5..')]],
        histogram: 'nginx_ingress_controller_request_duration_seconds',
        perSecond: 1,
      });
    }),
  );
}

/**
 * https://doc.traefik.io/traefik/observability/metrics/overview/. A service is called `NAMESPACE-SERVICE-PORT@PROVIDER`, with
 * one hyphen for several, whether an Ingress, a TraefikService or an HTTPRoute refers to it.
 */
function traefik(names: Names, { ports }: Found): Rule[][] {
  return ['service', 'exported_service'].map((label) =>
    ARMS.flatMap((arm) => {
      const service = needed(names[arm].service, arm, 'service', 'traefik');
      const start = `${names.namespace}-${service}`.replace(/-+/g, '-');
      return rules(arm, [like(label, `${escapeRegex(start)}-${anyOf(ports?.[arm]) ?? '[^-@]+'}@kubernetes.*`)], {
        requests: 'traefik_service_requests_total',
        errors: [[like('code', '5..')]],
        histogram: 'traefik_service_request_duration_seconds',
        perSecond: 1,
      });
    }),
  );
}

function anyOf(texts: readonly string[] | undefined): string | undefined {
  return texts === undefined || texts.length === 0 ? undefined : `(?:${texts.map(escapeRegex).join('|')})`;
}

/** https://linkerd.io/2/reference/proxy-metrics/. `failure` is a 5xx, or a gRPC code that is the server's fault. */
function linkerd(names: Names, place: Place, found: Found): Rule[][] {
  const byWorkload =
    (label: string): Identify =>
    (arm) => ({
      matchers: [equal('namespace', names.namespace), equal(label, names[arm].workload)],
    });
  const workloads = place === 'pods' ? [] : [byWorkload('deployment'), byWorkload('statefulset')];
  // The labels of workloads come with Linkerd's own Prometheus only.
  return [...workloads, ...podIdentities(names, place, found)].map((identify) =>
    ofPods(identify, {
      requests: 'response_total',
      only: [equal('direction', 'inbound')],
      errors: [[equal('classification', 'failure')]],
      histogram: 'response_latency_ms',
      perSecond: 1_000,
    }),
  );
}

/** The names that most client libraries' middlewares use; the status is in one of three labels. */
function http(names: Names, place: Place, found: Found): Rule[][] {
  return podIdentities(names, place, found).map((identify) =>
    ofPods(identify, {
      requests: 'http_requests_total',
      errors: ['code', 'status', 'status_code'].map((label) => [like(label, '5..')]),
      histogram: 'http_request_duration_seconds',
      perSecond: 1,
    }),
  );
}

/** https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpserverrequestduration */
function opentelemetry(names: Names, place: Place, found: Found): Rule[][] {
  return podIdentities(names, place, found).map((identify) =>
    ofPods(identify, {
      requests: 'http_server_request_duration_seconds_count',
      errors: [[like('http_response_status_code', '5..')]],
      histogram: 'http_server_request_duration_seconds',
      perSecond: 1,
    }),
  );
}

/** Rules for metrics that the arms' own pods show. */
function ofPods(identify: Identify, { only = [], ...metric }: MetricNames & { readonly only?: Selector }): Rule[] {
  return ARMS.flatMap((arm) => {
    const identity = identify(arm);
    if (!identity) return [];
    const { matchers, ...more } = identity;
    const all = [...rules(arm, [...only, ...matchers], metric), processStart(arm, matchers)];
    return all.map((rule) => ({ ...rule, ...more }));
  });
}

function processStart(arm: Arm, identity: Selector): Rule {
  return { arm, kind: 'start', selector: [equal(NAME, 'process_start_time_seconds'), ...identity], perSecond: 1 };
}

interface MetricNames {
  readonly requests: string;
  readonly errors: readonly Selector[];
  readonly histogram: string;
  readonly perSecond: Rule['perSecond'];
}

function rules(arm: Arm, common: Selector, metric: MetricNames): Rule[] {
  const requests = [equal(NAME, metric.requests), ...common];
  return [
    { arm, kind: 'requests', selector: requests, perSecond: 1 },
    ...metric.errors.map((error): Rule => ({ arm, kind: 'errors', selector: [...requests, ...error], perSecond: 1 })),
    {
      arm,
      kind: 'bucket',
      selector: [equal(NAME, `${metric.histogram}_bucket`), ...common],
      perSecond: metric.perSecond,
    },
  ];
}

function needed(name: string | undefined, arm: Arm, what: 'service' | 'version', kind: DefaultQueries['kind']): string {
  if (name) return name;
  throw new SluiceError('invalid-input', {
    about: `default queries "${kind}"`,
    problem: `need the ${what} of the ${arm} arm, which is not given.`,
    next: `Give the ${what}, or queries of your own.`,
  });
}
