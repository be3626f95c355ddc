import { describe, expect, it } from 'vitest';
import { createTally, difference } from '../../../src/judge/counters.ts';
import { createPanel } from '../../../src/judge/panel.ts';
import { countersOf, createClassifier } from '../../../src/meters/counting/classify.ts';
import { boundsToRead, withBuckets } from '../../../src/meters/counting/latency.ts';
import { parseExposition } from '../../../src/meters/pods/exposition.ts';
import { type DefaultQueries, defaultQueries } from '../../../src/meters/queries/default-queries.ts';
import type { Names } from '../../../src/meters/queries/rules.ts';

const names: Names = {
  namespace: 'shop',
  stable: { workload: 'checkout', service: 'checkout', version: 'v1' },
  canary: { workload: 'checkout-canary', service: 'checkout-canary', version: 'v2' },
};

/** What is shown of an arm that has answered so many requests in time, and so many too late for their clients. */
type Exporter = (arm: 'stable' | 'canary', fine: number, late: number) => string;

const counter = (name: string, labels: string, value: number) => `${name}{${labels}} ${value}`;
const workloadOf = (arm: string) => (arm === 'stable' ? 'checkout' : 'checkout-canary');

const gateways: readonly [DefaultQueries, Exporter][] = [
  [
    { kind: 'istio', reporter: 'source', by: 'workload' },
    (arm, fine, late) => {
      const of = `reporter="source",destination_workload="${workloadOf(arm)}",destination_workload_namespace="shop"`;
      return [
        counter('istio_requests_total', `${of},response_code="200",response_flags="-"`, fine),
        counter('istio_requests_total', `${of},response_code="0",response_flags="DC"`, late),
      ].join('\n');
    },
  ],
  [
    { kind: 'envoy' },
    (arm, fine, late) => {
      const of = `envoy_cluster_name="outbound|80|${names[arm].version}|${workloadOf(arm)}.shop.svc.cluster.local"`;
      return [
        counter('envoy_cluster_upstream_rq_xx', `${of},envoy_response_code_class="2"`, fine),
        counter('envoy_cluster_upstream_rq_tx_reset', of, late),
      ].join('\n');
    },
  ],
  [
    { kind: 'nginx' },
    (arm, fine, late) => {
      const canary = arm === 'stable' ? '' : 'shop-checkout-canary-80';
      const of = `namespace="shop",ingress="shop",service="checkout",canary="${canary}"`;
      return [
        counter('nginx_ingress_controller_requests', `${of},status="200"`, fine),
        counter('nginx_ingress_controller_requests', `${of},status="499"`, late),
      ].join('\n');
    },
  ],
  [
    { kind: 'traefik' },
    (arm, fine, late) => {
      const of = `service="shop-${workloadOf(arm)}-80@kubernetescrd"`;
      return [
        counter('traefik_service_requests_total', `${of},code="200"`, fine),
        counter('traefik_service_requests_total', `${of},code="499"`, late),
      ].join('\n');
    },
  ],
];

/** A service that goes on for a client that has left counts a success in the end; only its histogram tells. */
const services = (place: 'pods' | 'prometheus'): readonly [DefaultQueries, Exporter][] => {
  const pod = (arm: string) =>
    place === 'pods' ? `arm="${arm}"` : `namespace="shop",pod="${workloadOf(arm)}-7d9f8c6b5-x2x4z"`;
  const buckets = (histogram: string, of: string, unit: number, fine: number, late: number) => [
    counter(`${histogram}_bucket`, `${of},le="${unit}"`, fine),
    counter(`${histogram}_bucket`, `${of},le="${5 * unit}"`, fine),
    counter(`${histogram}_bucket`, `${of},le="+Inf"`, fine + late),
  ];
  const service =
    (requests: string, histogram: string, labels: string): Exporter =>
    (arm, fine, late) =>
      [counter(requests, `${pod(arm)},${labels}`, fine + late), ...buckets(histogram, pod(arm), 1, fine, late)].join(
        '\n',
      );
  return [
    [{ kind: 'http' }, service('http_requests_total', 'http_request_duration_seconds', 'code="200"')],
    [
      { kind: 'opentelemetry' },
      service(
        'http_server_request_duration_seconds_count',
        'http_server_request_duration_seconds',
        'http_response_status_code="200"',
      ),
    ],
    [
      { kind: 'linkerd' },
      (arm, fine, late) => {
        const who = place === 'pods' ? pod(arm) : `namespace="shop",deployment="${workloadOf(arm)}",pod="p-${arm}"`;
        return [
          counter('response_total', `${who},direction="inbound",classification="success"`, fine + late),
          ...buckets('response_latency_ms', `${who},direction="inbound"`, 1_000, fine, late),
        ].join('\n');
      },
    ],
  ];
};

/** The checks that end in a breach after looks at both arms, in which the canary has answered so many too late. */
function judge(queries: DefaultQueries, place: 'pods' | 'prometheus', exporter: Exporter, late: number): string[] {
  const look = (fine: number, slow: number, at: number) =>
    parseExposition([exporter('stable', 9 * fine, 9), exporter('canary', fine, 1 + slow)].join('\n'), () => true).map(
      ({ labels, value }) => ({ labels, value, at }),
    );
  const first = look(100, 0, 1_000);
  const les = [...new Set(first.flatMap(({ labels }) => labels.le ?? []))];
  const variants = defaultQueries(queries, names, place).map((rules) =>
    createClassifier(withBuckets(rules, boundsToRead([], rules, les), les)),
  );
  const classify = variants.find((one) => one(first).some(({ counter: { kind } }) => kind === 'requests'));
  if (!classify) throw new Error('no variant reads this');
  const tally = createTally();
  const take = (samples: typeof first, at: number) => {
    const found = classify(samples);
    return tally.take({ at, stable: countersOf('stable', found), canary: countersOf('canary', found) }).sample;
  };
  const panel = createPanel(
    [
      { kind: 'error-rate' },
      { kind: 'unanswered', designEffect: 2 },
      { kind: 'hanging', excess: 0.05, designEffect: 3 },
    ],
    { steps: 1 },
  );
  panel.enter(10);
  panel.add(difference(take(first, 1_000), take(look(200 - late, late, 2_000), 2_000), 10));
  return panel.opinions().flatMap(({ check, state }) => (state === 'breach' ? [check] : []));
}

describe.each(['pods', 'prometheus'] as const)('a canary that hangs, counted by %s', (place) => {
  it.each(gateways)('is seen in the requests without an answer: %j', (queries, exporter) => {
    expect(judge(queries, place, exporter, 90)).toEqual(['unanswered']);
    expect(judge(queries, place, exporter, 0)).toEqual([]);
  });

  it.each(services(place))('is seen in how long its requests take: %j', (queries, exporter) => {
    expect(judge(queries, place, exporter, 90)).toEqual(['hanging']);
    expect(judge(queries, place, exporter, 0)).toEqual([]);
  });
});
