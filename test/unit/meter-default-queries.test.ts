import { describe, expect, it } from 'vitest';
import type { Counter } from '../../src/canary/ports.ts';
import { countersOf, createClassifier } from '../../src/meters/classify.ts';
import { type DefaultQueries, defaultQueries, type Names } from '../../src/meters/default-queries.ts';
import { parseExposition } from '../../src/meters/exposition.ts';
import { format, union } from '../../src/meters/selector.ts';

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
    expect(read({ kind: 'nginx', ingress: 'shop' }, series('namespace', 'service'))).toEqual([counted, [], []]);
  });

  it('is read also where scraping took the labels for itself', () => {
    const queries = { kind: 'nginx', ingress: 'shop' } as const;
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

it('says which name of an arm is missing', () => {
  const bare = { ...names, canary: { workload: 'checkout-canary' } };
  for (const queries of [{ kind: 'traefik' }, { kind: 'envoy' }, { kind: 'nginx', ingress: 'shop' }] as const) {
    expect(() => defaultQueries(queries, bare, 'prometheus')).toThrow('need the service of the canary arm');
  }
});
