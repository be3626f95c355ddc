import { describe, expect, it } from 'vitest';
import type { Counter } from '../../../../src/judge/readings.ts';
import { countersOf, createClassifier } from '../../../../src/meters/counting/classify.ts';
import { parseExposition } from '../../../../src/meters/pods/exposition.ts';
import { type DefaultQueries, defaultQueries } from '../../../../src/meters/queries/default-queries.ts';
import type { Names } from '../../../../src/meters/queries/rules.ts';
import { format, union } from '../../../../src/meters/series/selector.ts';

const names: Names = {
  namespace: 'shop',
  stable: { workload: 'checkout', service: 'checkout', version: 'v1' },
  canary: { workload: 'checkout-canary', service: 'checkout-canary', version: 'v2' },
};

/** What each variant of the questions reads from these series: `arm kind le = value`. */
function read(queries: DefaultQueries, text: string): string[][] {
  const samples = parseExposition(text, () => true).map(({ labels, value }) => ({ labels, value, at: 0 }));
  const shown =
    (arm: string) =>
    ({ kind, le, value }: Counter) =>
      `${arm} ${kind}${le === undefined ? '' : ` ${le}`} = ${value}`;
  return defaultQueries(queries, names, 'prometheus').map((rules) => {
    const found = createClassifier(rules)(samples);
    return [...countersOf('stable', found).map(shown('stable')), ...countersOf('canary', found).map(shown('canary'))];
  });
}

describe('Istio', () => {
  const series = `
istio_requests_total{reporter="source",destination_workload="checkout",destination_workload_namespace="shop",destination_service_name="checkout",destination_service_namespace="shop",destination_version="v1",response_code="200",grpc_response_status="",pod="gw"} 900
istio_requests_total{reporter="destination",destination_workload="checkout",destination_workload_namespace="shop",destination_service_name="checkout",destination_service_namespace="shop",destination_version="v1",response_code="200",pod="checkout-1"} 890
istio_requests_total{reporter="source",destination_workload="checkout-canary",destination_workload_namespace="shop",destination_service_name="checkout",destination_service_namespace="shop",destination_version="v2",response_code="503",pod="gw"} 3
istio_requests_total{reporter="source",destination_workload="checkout-canary",destination_workload_namespace="shop",destination_service_name="checkout",destination_service_namespace="shop",destination_version="v2",response_code="200",grpc_response_status="14",pod="gw"} 2
istio_requests_total{reporter="source",destination_workload="checkout-canary",destination_workload_namespace="shop",destination_service_name="checkout",destination_service_namespace="shop",destination_version="v2",response_code="200",grpc_response_status="5",pod="gw"} 7
istio_requests_total{reporter="source",destination_workload="checkout",destination_workload_namespace="other",destination_service_name="checkout",destination_service_namespace="other",destination_version="v1",response_code="200",pod="gw"} 1
istio_request_duration_milliseconds_bucket{reporter="source",destination_workload="checkout",destination_workload_namespace="shop",destination_service_name="checkout",destination_service_namespace="shop",destination_version="v1",response_code="200",le="250",pod="gw"} 800
`;

  it("counts what one reporter saw, with gRPC failures that are the server's fault as errors", () => {
    const queries = { kind: 'istio', reporter: 'source', by: 'workload' } as const;
    const counters = [
      'stable requests = 900',
      'stable bucket 0.25 = 800',
      'canary requests = 3',
      'canary errors = 3',
      'canary requests = 2',
      'canary errors = 2',
      'canary requests = 7',
    ];
    expect(read(queries, series)).toEqual([counters]);
    // The service's name is that of the stable arm's.
    const canary = { ...names.canary, service: 'checkout' };
    const byVersion = defaultQueries({ ...queries, by: 'version' }, { ...names, canary }, 'prometheus');
    const samples = parseExposition(series, () => true).map(({ labels, value }) => ({ labels, value, at: 0 }));
    expect(byVersion.flatMap((rules) => createClassifier(rules)(samples))).toHaveLength(counters.length);
  });

  it('asks for both arms in one selector', () => {
    const [rules = []] = defaultQueries(
      { kind: 'istio', reporter: 'destination', by: 'workload' },
      names,
      'prometheus',
    );
    expect(format(union(rules.map(({ selector }) => selector)))).toBe(
      '{__name__=~"istio_requests_total|istio_request_duration_milliseconds_bucket",reporter="destination",' +
        'destination_workload=~"checkout|checkout-canary",destination_workload_namespace="shop"}',
    );
  });
});

describe('Envoy', () => {
  const [nothing, counted] = [
    [],
    [
      'stable requests = 40',
      'stable requests = 2',
      'stable errors = 2',
      'stable bucket 0.3 = 39',
      'canary requests = 5',
    ],
  ];
  const subsets = { ...names, canary: { ...names.canary, service: 'checkout' } };
  const readEnvoy = (text: string) => {
    const samples = parseExposition(text, () => true).map(({ labels, value }) => ({ labels, value, at: 0 }));
    return defaultQueries({ kind: 'envoy' }, subsets, 'prometheus').map((rules) => {
      const found = createClassifier(rules)(samples);
      const shown =
        (arm: string) =>
        ({ kind, le, value }: Counter) =>
          `${arm} ${kind}${le === undefined ? '' : ` ${le}`} = ${value}`;
      return [...countersOf('stable', found).map(shown('stable')), ...countersOf('canary', found).map(shown('canary'))];
    });
  };

  it('with the bootstrap of Istio: by class, not again by code', () => {
    const text = `
envoy_cluster_upstream_rq{cluster_name="outbound|80|v1|checkout.shop.svc.cluster.local",response_code="200"} 40
envoy_cluster_upstream_rq{cluster_name="outbound|80|v1|checkout.shop.svc.cluster.local",response_code_class="2xx"} 40
envoy_cluster_upstream_rq{cluster_name="outbound|80|v1|checkout.shop.svc.cluster.local",response_code_class="5xx"} 2
envoy_cluster_external_upstream_rq{cluster_name="outbound|80|v1|checkout.shop.svc.cluster.local",response_code_class="5xx"} 2
envoy_cluster_upstream_rq_time_bucket{cluster_name="outbound|80|v1|checkout.shop.svc.cluster.local",le="300"} 39
envoy_cluster_upstream_rq{cluster_name="outbound|80|v2|checkout.shop.svc.cluster.local",response_code_class="2xx"} 5
envoy_cluster_upstream_rq{cluster_name="outbound|80||checkout.shop.svc.cluster.local",response_code_class="2xx"} 9
`;
    expect(readEnvoy(text)).toEqual([counted, nothing, nothing]);
  });

  it('with the default tags and the whole cluster name', () => {
    const text = `
envoy_cluster_upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="outbound|80|v1|checkout.shop.svc.cluster.local;"} 40
envoy_cluster_upstream_rq_xx{envoy_response_code_class="5",envoy_cluster_name="outbound|80|v1|checkout.shop.svc.cluster.local;"} 2
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="outbound|80|v1|checkout.shop.svc.cluster.local;",le="300"} 39
envoy_cluster_upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="outbound|80|v2|checkout.shop.svc.cluster.local;"} 5
envoy_cluster_upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="outbound|80|v2|checkout.other.svc.cluster.local;"} 5
`;
    expect(readEnvoy(text)).toEqual([nothing, counted, nothing]);
  });

  it.each(['local_', 'local__'])(
    'with the cluster name cut at its dots (%s), and not the internal or external part again',
    (end) => {
      const text = `
envoy_cluster_shop_svc_cluster_${end}upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="outbound|80|v1|checkout"} 40
envoy_cluster_shop_svc_cluster_${end}external_upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="outbound|80|v1|checkout"} 40
envoy_cluster_shop_svc_cluster_${end}upstream_rq_xx{envoy_response_code_class="5",envoy_cluster_name="outbound|80|v1|checkout"} 2
envoy_cluster_shop_svc_cluster_${end}upstream_rq_time_bucket{envoy_cluster_name="outbound|80|v1|checkout",le="300"} 39
envoy_cluster_shop_svc_cluster_${end}upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="outbound|80|v2|checkout"} 5
`;
      expect(readEnvoy(text)).toEqual([nothing, nothing, counted]);
    },
  );
});

describe('NGINX', () => {
  const series = (namespace: string, service: string) => `
nginx_ingress_controller_requests{${namespace}="shop",ingress="shop",${service}="checkout",canary="",status="200",controller_pod="nginx-1"} 90
nginx_ingress_controller_requests{${namespace}="shop",ingress="shop",${service}="checkout",canary="shop-checkout-canary-80",status="500",controller_pod="nginx-1"} 4
nginx_ingress_controller_requests{${namespace}="shop",ingress="shop",${service}="cart",canary="",status="200",controller_pod="nginx-1"} 7
nginx_ingress_controller_request_duration_seconds_bucket{${namespace}="shop",ingress="shop",${service}="checkout",canary="",status="200",le="0.25",controller_pod="nginx-1"} 80
`;
  const counted = ['stable requests = 90', 'stable bucket 0.25 = 80', 'canary requests = 4', 'canary errors = 4'];

  it('tells the canary by the upstream that took the place of the service', () => {
    expect(read({ kind: 'nginx' }, series('namespace', 'service'))).toEqual([counted, [], []]);
  });

  it('is read also where scraping took the labels for itself', () => {
    const queries = { kind: 'nginx' } as const;
    expect(read(queries, series('exported_namespace', 'exported_service'))).toEqual([[], counted, []]);
    expect(read(queries, series('exported_namespace', 'service'))).toEqual([[], [], counted]);
  });
});

it('Traefik: a service is not taken for one whose name begins like it', () => {
  const series = `
traefik_service_requests_total{service="shop-checkout-80@kubernetescrd",code="200",method="GET",protocol="http"} 50
traefik_service_requests_total{service="shop-checkout-canary-80@kubernetescrd",code="502",method="GET",protocol="http"} 5
traefik_service_request_duration_seconds_bucket{service="shop-checkout-canary-http@kubernetescrd",code="200",le="0.3"} 4
traefik_service_requests_total{exported_service="shop-checkout-80@kubernetescrd",code="200"} 1
`;
  expect(read({ kind: 'traefik' }, series)).toEqual([
    ['stable requests = 50', 'canary requests = 5', 'canary errors = 5', 'canary bucket 0.3 = 4'],
    ['stable requests = 1'],
  ]);
});

it('Linkerd: inbound responses of the workload, as the proxy classified them', () => {
  const series = `
response_total{namespace="shop",deployment="checkout",direction="inbound",classification="success",status_code="200",pod="a"} 50
response_total{namespace="shop",deployment="checkout",direction="outbound",classification="success",pod="a"} 9
response_total{namespace="shop",deployment="checkout-canary",direction="inbound",classification="failure",status_code="200",grpc_status_code="13",pod="b"} 2
response_latency_ms_bucket{namespace="shop",deployment="checkout-canary",direction="inbound",le="300",pod="b"} 1
`;
  expect(read({ kind: 'linkerd' }, series)[0]).toEqual([
    'stable requests = 50',
    'canary requests = 2',
    'canary errors = 2',
    'canary bucket 0.3 = 1',
  ]);
});

describe('plain http_requests_total', () => {
  it.each(['code', 'status', 'status_code'])('has its status in the label %s', (label) => {
    const series = `
http_requests_total{namespace="shop",pod="checkout-7d9f8c6b5-x2x4z",${label}="200"} 9
http_requests_total{namespace="shop",pod="checkout-0",${label}="500"} 1
http_requests_total{namespace="shop",pod="checkout-canary-7d9f8c6b5-x2x4z",${label}="503"} 2
http_requests_total{namespace="shop",pod="checkout-canary-extra-7d9f8c6b5-x2x4z",${label}="503"} 3
`;
    expect(read({ kind: 'http' }, series)[0]).toEqual([
      'stable requests = 9',
      'stable requests = 1',
      'stable errors = 1',
      'canary requests = 2',
      'canary errors = 2',
    ]);
  });

  it('knows when the process began', () => {
    const [rules = []] = defaultQueries({ kind: 'http' }, names, 'prometheus');
    const labels = { namespace: 'shop', pod: 'checkout-0' };
    const [found] = createClassifier(rules)([
      { labels: { ...labels, __name__: 'process_start_time_seconds' }, value: 1_700_000_000.5, at: 1 },
      { labels: { ...labels, __name__: 'http_requests_total' }, value: 3, at: 2 },
    ]);
    expect(found?.counter).toMatchObject({ instance: 'checkout-0', value: 3, at: 2, startedAt: 1_700_000_000_500 });
  });

  it('needs no labels of the pod where Sluice asks the pods themselves', () => {
    const variants = defaultQueries({ kind: 'http' }, names, 'pods');
    const asked = variants.flat().flatMap(({ selector }) => selector.map(({ label }) => label));
    expect(new Set(asked)).toEqual(new Set(['__name__', 'arm']));
    const [rules = []] = variants;
    const found = createClassifier(rules)([
      { labels: { __name__: 'http_requests_total', arm: 'canary', code: '500' }, value: 3, at: 2 },
    ]);
    expect(found.map(({ arm, counter }) => `${arm} ${counter.kind}`)).toEqual(['canary requests', 'canary errors']);
  });
});

it('OpenTelemetry: the count of the duration histogram', () => {
  const series = `
http_server_request_duration_seconds_count{namespace="shop",pod="checkout-0",http_response_status_code="200"} 9
http_server_request_duration_seconds_count{namespace="shop",pod="checkout-canary-0",http_response_status_code="500"} 1
http_server_request_duration_seconds_bucket{namespace="shop",pod="checkout-0",http_response_status_code="200",le="0.25"} 8
http_server_request_duration_seconds_count{k8s_namespace_name="shop",k8s_pod_name="checkout-0",http_response_status_code="200"} 4
`;
  const variants = read({ kind: 'opentelemetry' }, series);
  expect(variants[0]).toEqual([
    'stable requests = 9',
    'stable bucket 0.25 = 8',
    'canary requests = 1',
    'canary errors = 1',
  ]);
  expect(variants).toContainEqual(['stable requests = 4']);
});

describe('requests without an answer', () => {
  const arms = (metric: (workload: string, service: string) => string) =>
    [metric('checkout', 'checkout'), metric('checkout-canary', 'checkout-canary')].join('\n');
  const given = (arm: string, count: number) =>
    ['requests', 'errors', 'unanswered'].map((kind) => `${arm} ${kind} = ${count}`);

  it.each<[string, DefaultQueries, (workload: string, service: string) => string]>([
    [
      'Istio, with status 0 as the client left',
      { kind: 'istio', reporter: 'source', by: 'workload' },
      (workload) =>
        `istio_requests_total{reporter="source",destination_workload="${workload}",destination_workload_namespace="shop",response_code="0",response_flags="DC"} 7`,
    ],
    [
      'Istio, with a stream that breaks off after its status',
      { kind: 'istio', reporter: 'source', by: 'workload' },
      (workload) =>
        `istio_requests_total{reporter="source",destination_workload="${workload}",destination_workload_namespace="shop",response_code="200",grpc_response_status="",response_flags="DC"} 7`,
    ],
    [
      'Istio, with a gRPC call that was cancelled',
      { kind: 'istio', reporter: 'source', by: 'workload' },
      (workload) =>
        `istio_requests_total{reporter="source",destination_workload="${workload}",destination_workload_namespace="shop",response_code="200",grpc_response_status="1",response_flags="-"} 7`,
    ],
    [
      'Traefik, as the client left',
      { kind: 'traefik' },
      (_, service) => `traefik_service_requests_total{service="shop-${service}-80@kubernetescrd",code="499"} 7`,
    ],
    [
      'Traefik, with nothing written',
      { kind: 'traefik' },
      (_, service) => `traefik_service_requests_total{service="shop-${service}-80@kubernetes",code="0"} 7`,
    ],
  ])('are counted for both arms: %s', (_, queries, metric) => {
    expect(read(queries, arms(metric))[0]).toEqual([...given('stable', 7), ...given('canary', 7)]);
  });

  it.each(['499', '408', '444'])('are counted for both arms: NGINX %s', (status) => {
    const series = ['', 'shop-checkout-canary-80'].map(
      (canary) =>
        `nginx_ingress_controller_requests{namespace="shop",ingress="shop",service="checkout",canary="${canary}",status="${status}"} 7`,
    );
    const [found] = read({ kind: 'nginx' }, series.join('\n'));
    expect(found).toEqual([...given('stable', 7), ...given('canary', 7)]);
  });

  it.each(['upstream_rq_tx_reset', 'upstream_cx_destroy_local_with_active_rq', 'upstream_rq_cancelled'])(
    'are counted for both arms: Envoy’s %s',
    (name) => {
      const series = ['v1', 'v2'].map(
        (version) =>
          `envoy_cluster_${name}{envoy_cluster_name="outbound|80|${version}|checkout.shop.svc.cluster.local"} 7`,
      );
      const subsets = { ...names, canary: { ...names.canary, service: 'checkout' } };
      const samples = parseExposition(series.join('\n'), () => true).map(({ labels, value }) => ({
        labels,
        value,
        at: 0,
      }));
      const [, rules = []] = defaultQueries({ kind: 'envoy' }, subsets, 'prometheus');
      const found = createClassifier(rules)(samples).map(
        ({ arm, counter }) => `${arm} ${counter.kind} = ${counter.value}`,
      );
      expect(found).toEqual([...given('stable', 7), ...given('canary', 7)]);
    },
  );
});

describe('what frameworks count for themselves', () => {
  /** Series of the first variant that finds any, by how their requests ended. */
  const endings = (queries: DefaultQueries, lines: string) => {
    const samples = parseExposition(lines, () => true).map(({ labels, value }) => ({
      labels: { ...labels, arm: 'canary' },
      value,
      at: 0,
    }));
    const variants = defaultQueries(queries, names, 'pods').map((rules) => createClassifier(rules)(samples));
    const sum = (kind: string) =>
      variants
        .find((found) => found.some(({ counter }) => counter.kind === 'requests'))
        ?.reduce((total, { counter }) => total + (counter.kind === kind ? counter.value : 0), 0);
    return [sum('requests'), sum('errors'), sum('unanswered')];
  };

  it.each<[string, DefaultQueries['kind'] & ('http' | 'opentelemetry'), string, number[]]>([
    [
      'words of hand-written exporters',
      'http',
      'http_requests_total{status="success"} 5\nhttp_requests_total{status="client_error"} 3\nhttp_requests_total{status="server_error"} 2',
      [10, 2, 0],
    ],
    [
      'outcomes',
      'http',
      'http_requests_total{status="SUCCESSFUL"} 4\nhttp_requests_total{status="SERVER_ERROR"} 4',
      [8, 4, 0],
    ],
    [
      'prometheus-fastapi-instrumentator',
      'http',
      'http_requests_total{handler="/a",method="GET",status="2xx"} 5\nhttp_requests_total{handler="/a",method="GET",status="5xx"} 2',
      [7, 2, 0],
    ],
    [
      'Micrometer, whose client left',
      'http',
      'http_server_requests_seconds_count{exception="none",outcome="SUCCESS",status="200",uri="/a"} 5\nhttp_server_requests_seconds_count{exception="CancelledServerWebExchangeException",outcome="UNKNOWN",status="200",uri="/a"} 2\nhttp_server_requests_seconds_count{outcome="SERVER_ERROR",status="500",uri="/a"} 1',
      [8, 3, 2],
    ],
    [
      'express-prom-bundle',
      'http',
      'http_request_duration_seconds_count{status_code="200",method="GET"} 5\nhttp_request_duration_seconds_count{status_code="503",method="GET"} 1',
      [6, 1, 0],
    ],
    [
      'prometheus-net',
      'http',
      'http_requests_received_total{code="200",controller="A"} 5\nhttp_requests_received_total{code="500",controller="A"} 1',
      [6, 1, 0],
    ],
    [
      'flask',
      'http',
      'flask_http_request_total{method="GET",status="200"} 5\nflask_http_request_total{method="GET",status="500"} 1',
      [6, 1, 0],
    ],
    [
      'starlette',
      'http',
      'starlette_requests_total{status_code="200"} 5\nstarlette_requests_total{status_code="500"} 1',
      [6, 1, 0],
    ],
    [
      'gRPC for Go',
      'http',
      'grpc_server_handled_total{grpc_code="OK"} 5\ngrpc_server_handled_total{grpc_code="Unavailable"} 2\ngrpc_server_handled_total{grpc_code="NotFound"} 1\ngrpc_server_handled_total{grpc_code="Canceled"} 1',
      [9, 3, 1],
    ],
    [
      'gRPC for Python',
      'http',
      'grpc_server_handled_total{code="OK"} 5\ngrpc_server_handled_total{code="INTERNAL"} 2',
      [7, 2, 0],
    ],
    [
      'OpenTelemetry, without a status where none was sent',
      'opentelemetry',
      'http_server_request_duration_seconds_count{http_response_status_code="200"} 5\nhttp_server_request_duration_seconds_count{error_type="timeout"} 2\nhttp_server_request_duration_seconds_count{error_type="System.Exception",http_response_status_code="500"} 1',
      [8, 3, 2],
    ],
    [
      'OpenTelemetry of before',
      'opentelemetry',
      'http_server_duration_milliseconds_count{http_status_code="200"} 5\nhttp_server_duration_milliseconds_count{http_status_code="502"} 1',
      [6, 1, 0],
    ],
    [
      'OpenTelemetry for gRPC',
      'opentelemetry',
      'rpc_server_duration_milliseconds_count{rpc_grpc_status_code="0"} 5\nrpc_server_duration_milliseconds_count{rpc_grpc_status_code="13"} 1',
      [6, 1, 0],
    ],
  ])('is read: %s', (_, kind, lines, expected) => {
    expect(endings({ kind }, lines)).toEqual(expected);
  });

  it('marks what can’t be told', () => {
    const [rules = []] = defaultQueries({ kind: 'http' }, names, 'pods');
    const labels = { __name__: 'http_requests_total', arm: 'canary' };
    const found = createClassifier(rules)([
      { labels: { ...labels, status: 'odd' }, value: 1, at: 0 },
      { labels: { ...labels, status: '200' }, value: 1, at: 0 },
    ]);
    expect(found.map(({ untold }) => untold)).toEqual([true, undefined]);
  });
});

it('says which name of an arm is missing', () => {
  const bare = { ...names, canary: { workload: 'checkout-canary' } };
  for (const queries of [{ kind: 'traefik' }, { kind: 'envoy' }, { kind: 'nginx' }] as const) {
    expect(() => defaultQueries(queries, bare, 'prometheus')).toThrow('need the service of the canary arm');
  }
});
