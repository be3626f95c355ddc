import { SluiceError } from '../../core/errors.ts';
import type { Arm } from '../../judge/readings.ts';
import { type EndingLabel, endingOfClass, endingOfFlags, endingOfGrpc, endingOfStatus } from '../endings/endings.ts';
import { httpMetrics, openTelemetryMetrics, type ServerMetric } from '../endings/server-metrics.ts';
import { equal, escapeRegex, type Labels, like, NAME, type Selector } from '../series/selector.ts';
import type { Found } from './cluster-names.ts';
import { type Identify, podIdentities } from './pod-identities.ts';

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
  /** `http_requests_total` of the arms' own pods, or what their framework has in its place (`httpMetrics`). */
  | { readonly kind: 'http' }
  /** `http.server.request.duration` of the arms' own pods, or its predecessors (`openTelemetryMetrics`). */
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
  /** The labels of `requests` that tell how they ended; without them, rules for `errors` do. */
  readonly endings?: readonly EndingLabel[];
}

/** Where series come from: scraped by Prometheus with its labels added, or read by Sluice, which adds the label `arm`. */
export type Place = 'prometheus' | 'pods';

const ARMS = ['stable', 'canary'] as const satisfies readonly Arm[];

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
 * Errors are answers with a 5xx status, and for gRPC the codes that are the server's fault where a metric has them; a request
 * without an answer is counted as one, and apart from them.
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
      return served(httpMetrics, names, place, found);
    case 'opentelemetry':
      return served(openTelemetryMetrics, names, place, found);
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
      endings: [
        { label: 'response_code', read: endingOfStatus },
        { label: 'grpc_response_status', read: endingOfGrpc },
        { label: 'response_flags', read: endingOfFlags },
      ],
      histogram: 'istio_request_duration_milliseconds',
      perSecond: 1_000,
    });
  });
}

/** Envoy's counters of requests without a status, one for each way in which they end. */
export const envoyGivenUp = [
  'upstream_rq_cancelled',
  'upstream_rq_tx_reset',
  'upstream_rq_pending_failure_eject',
  'upstream_cx_destroy_local_with_active_rq',
] as const;

/**
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats. How they are spelled
 * depends on the bootstrap: Istio's own makes the class of the status a label of `upstream_rq` (beside series by single
 * codes, which count the same requests again); Envoy's default tags make it `upstream_rq_xx`; and without a tag for Istio's
 * cluster names Envoy cuts them at their dots, so that half of it stays in the metric's name (after it may come `external_`
 * or `internal_`, again the same requests). These are HTTP statuses: gRPC errors don't show. A request that its client gives
 * up has no status: it resets an HTTP/2 stream, ends an HTTP/1 connection, or leaves the queue for one.
 */
function envoy(names: Names): Rule[][] {
  const spellings = [
    { root: equal, prefix: 'envoy_cluster_', label: '', requests: 'upstream_rq', classes: '.xx', whole: true },
    {
      root: equal,
      prefix: 'envoy_cluster_',
      label: 'envoy_',
      requests: 'upstream_rq_xx',
      classes: '.',
      whole: true,
    },
    {
      root: like,
      prefix: `envoy_cluster_${names.namespace.replaceAll('-', '_')}_svc_cluster_local_+`,
      label: 'envoy_',
      requests: 'upstream_rq_xx',
      classes: '.',
      whole: false,
    },
  ] as const;
  return spellings.map(({ root, prefix, label, requests, classes, whole }) =>
    ARMS.flatMap((arm): Rule[] => {
      const service = needed(names[arm].service, arm, 'service', 'envoy');
      const start = `outbound\\|[0-9]+\\|${escapeRegex(names[arm].version ?? '')}\\|${escapeRegex(service)}`;
      const cluster = like(
        `${label}cluster_name`,
        whole ? `${start}\\.${escapeRegex(names.namespace)}\\.svc\\.[^|]*` : start,
      );
      const status = `${label}response_code_class`;
      return [
        {
          arm,
          kind: 'requests',
          selector: [root(NAME, `${prefix}${requests}`), cluster, like(status, classes)],
          perSecond: 1,
          endings: [{ label: status, read: endingOfClass }],
        },
        {
          arm,
          kind: 'requests',
          selector: [like(NAME, `${prefix}(${envoyGivenUp.join('|')})`), cluster],
          perSecond: 1,
          endings: [{ label: status, read: endingOfClass, absent: 'unanswered' }],
        },
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
        endings: [{ label: 'status', read: endingOfStatus }],
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
        endings: [{ label: 'code', read: endingOfStatus }],
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
      endings: [{ label: 'classification', read: endingOfStatus }],
      histogram: 'response_latency_ms',
      perSecond: 1_000,
    }),
  );
}

/** Where a service counts for itself, what is counted depends on its framework; the first metric that exists is taken. */
function served(metrics: readonly ServerMetric[], names: Names, place: Place, found: Found): Rule[][] {
  const identities = podIdentities(names, place, found);
  return metrics.flatMap((metric) => identities.map((identify) => ofPods(identify, metric)));
}

/** Rules for metrics that the arms' own pods show. */
function ofPods(identify: Identify, { only = [], ...metric }: ServerMetric & { readonly only?: Selector }): Rule[] {
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

function rules(arm: Arm, common: Selector, metric: ServerMetric): Rule[] {
  const { requests, endings, histogram, perSecond } = metric;
  return [
    { arm, kind: 'requests', selector: [equal(NAME, requests), ...common], perSecond: 1, endings },
    { arm, kind: 'bucket', selector: [equal(NAME, `${histogram}_bucket`), ...common], perSecond },
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
