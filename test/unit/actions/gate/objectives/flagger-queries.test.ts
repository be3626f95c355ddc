import fc from 'fast-check';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { knownProviders } from '../../../../../src/actions/gate/objectives/flagger-queries.ts';
import { checksOf, converted, judged, refusal } from '../../../../support/objectives.ts';

interface CanaryFacts {
  readonly spec?: Record<string, unknown>;
  readonly metrics: readonly Record<string, unknown>[];
}

function canary({ spec, metrics }: CanaryFacts): string {
  return stringify({
    apiVersion: 'flagger.app/v1beta1',
    kind: 'Canary',
    metadata: { name: 'shop', namespace: 'prod-eu' },
    spec: { targetRef: { kind: 'Deployment', name: 'checkout' }, ...spec, analysis: { metrics } },
  });
}

const rate = { name: 'request-success-rate', thresholdRange: { min: 99 }, interval: '2m' };
const duration = { name: 'request-duration', thresholdRange: { max: 500 }, interval: '30s' };
const startedWith = (provider: string) => ({ values: new Map([['mesh-provider', provider]]) });
const queriesOf = (facts: CanaryFacts, started: Parameters<typeof converted>[1] = {}) =>
  [...converted(canary(facts), started).written.matchAll(/query: (.*)\n/g)].map(([, query]) => query);

it.each(knownProviders)('measures by queries that are PromQL, with all names in them: %s', async (provider) => {
  const started = { values: new Map([['route', 'checkout-00002']]) };
  const read = converted(canary({ spec: { provider }, metrics: [rate, duration] }), started);
  const checks = checksOf(read);
  expect(checks.map(({ check, name }) => [check, name])).toEqual([
    ['promql', 'shop.request-success-rate'],
    ['promql', 'shop.request-duration'],
  ]);
  await Promise.all(checks.map((check) => check.verify()));
  expect(read.written).not.toMatch(/\{\{|undefined/);
  expect(read.written).toContain('[2m]');
  expect(read.written).toContain('[30s]');
});

it('asks for what Flagger asks for', () => {
  expect(queriesOf({ metrics: [rate, duration] }, startedWith('istio'))).toEqual([
    'sum(rate(istio_requests_total{reporter="destination",destination_workload_namespace="prod-eu",destination_workload=~"checkout",response_code!~"5.*"}[2m])) / sum(rate(istio_requests_total{reporter="destination",destination_workload_namespace="prod-eu",destination_workload=~"checkout"}[2m])) * 100',
    'histogram_quantile(0.99, sum(rate(istio_request_duration_milliseconds_bucket{reporter="destination",destination_workload_namespace="prod-eu",destination_workload=~"checkout"}[30s])) by (le))',
  ]);
  // In milliseconds, where the metric has seconds; the mean, where there is no histogram.
  expect(queriesOf({ spec: { ingressRef: { name: 'shop-web' } }, metrics: [duration] }, startedWith('nginx'))).toEqual([
    'sum(rate(nginx_ingress_controller_response_duration_seconds_sum{namespace="prod-eu",ingress="shop-web",canary!=""}[30s])) / sum(rate(nginx_ingress_controller_response_duration_seconds_count{namespace="prod-eu",ingress="shop-web",canary!=""}[30s])) * 1000',
  ]);
});

it.each<[string, CanaryFacts['spec'], string, string]>([
  ['the provider of the Canary', { provider: 'contour' }, 'istio', 'envoy_cluster_name=~"prod-eu_checkout-canary_'],
  ['linkerd, whatever the Canary says', { provider: 'nginx' }, 'linkerd', 'response_total{namespace="prod-eu"'],
  ['a version of a provider', {}, 'gatewayapi:v1beta1', 'kubernetes_pod_name=~"checkout-'],
  ['the ingress of that name', {}, 'nginx', 'ingress="checkout"'],
  ['the service of that name', { service: { name: 'web' } }, 'contour', '"prod-eu_web-canary_'],
  ['the route of that name', { routeRef: { name: 'web' } }, 'apisix', '"prod-eu_web-checkout-canary_'],
  ['routes of Skipper', {}, 'skipper', '"kube(ew)?_prod_eu__checkout_canary__.*__checkout_canary(_[0-9]+)?"'],
])('%s is asked for', (_, spec, provider, words) => {
  expect(queriesOf({ ...(spec && { spec }), metrics: [rate] }, startedWith(provider)).join()).toContain(words);
});

it.each<[string, CanaryFacts, string, string]>([
  ['a provider without queries', { metrics: [rate] }, 'smi:v1alpha1', 'asks for the metrics of Istio'],
  [
    'a Service as the target',
    { spec: { targetRef: { kind: 'Service', name: 'web' } }, metrics: [rate] },
    'kubernetes',
    'no queries of its own for kubernetes:service',
  ],
  ['a revision of Knative', { metrics: [rate] }, 'knative', 'objectives-values: route=VALUE'],
  ['no lowest rate', { metrics: [{ name: 'request-success-rate' }] }, 'istio', 'its "threshold" accepts every value'],
  ['the constructor', { metrics: [rate] }, 'constructor', 'no queries of its own for constructor'],
])('says of %s', (_, facts, provider, words) => {
  expect(refusal(canary(facts), startedWith(provider))).toContain(words);
});

it('says that Flagger may run for linkerd, where nobody says for whom', () => {
  const read = converted(canary({ spec: { provider: 'nginx' }, metrics: [rate] }));
  expect(read.remarks.join(' ')).toContain('objectives-values: mesh-provider=linkerd');
});

/** What Flagger does with a duration: whole milliseconds of the value, and of the limits. */
function flaggerAccepts(value: number, limits: { readonly min?: number; readonly max?: number }): boolean {
  const [measured, min, max] = [value, limits.min, limits.max].map((one) => one && Math.trunc(one));
  return !(min !== undefined && (measured ?? 0) < min) && !(max !== undefined && (measured ?? 0) > max);
}

const milliseconds = fc.oneof(
  fc.double({ min: 0, max: 2_000, noNaN: true }),
  fc.integer({ min: 0, max: 2_000 }),
  // Close to a limit that is likely.
  fc.double({ min: 499, max: 502, noNaN: true }),
);

it('accepts the durations that Flagger accepts', async () => {
  await fc.assert(
    fc.asyncProperty(milliseconds, milliseconds, milliseconds, async (value, a, b) => {
      const [min, max] = [Math.min(a, b), Math.max(a, b)];
      const ranges = [{ min }, { max }, { min, max }] as const;
      for (const thresholdRange of ranges) {
        const read = converted(canary({ metrics: [{ ...duration, thresholdRange }] }), startedWith('istio'));
        const { verdict } = await judged(read, { 'shop.request-duration': value });
        expect(verdict).toBe(flaggerAccepts(value, thresholdRange) ? 'passed' : 'failed');
      }
    }),
    { numRuns: 40 },
  );
});

it.each([
  [{ thresholdRange: { min: 99 } }, [98.99, 99, 100], ['failed', 'passed', 'passed']],
  [{ thresholdRange: { min: 99, max: 99.5 } }, [99.5, 99.6], ['passed', 'failed']],
  // Without a range it is the lowest rate, unlike that of any other metric.
  [{ threshold: 99 }, [98.99, 99, 100], ['failed', 'passed', 'passed']],
])('success as Flagger: %j', async (limits, measured, verdicts) => {
  const metric = { name: 'request-success-rate', ...limits };
  const read = converted(canary({ metrics: [metric] }), startedWith('istio'));
  const found = await Promise.all(measured.map((value) => judged(read, { 'shop.request-success-rate': value })));
  expect(found.map(({ verdict }) => verdict)).toEqual(verdicts);
});

it('a duration without a limit has to be less than a millisecond', async () => {
  const read = converted(canary({ metrics: [{ name: 'request-duration' }] }), startedWith('istio'));
  expect((await judged(read, { 'shop.request-duration': 0.9 })).verdict).toBe('passed');
  expect((await judged(read, { 'shop.request-duration': 1 })).verdict).toBe('failed');
});
