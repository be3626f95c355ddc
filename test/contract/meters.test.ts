import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startApiServer } from '../../lab/embedded/api-server/index.ts';
import { portsAnnotation } from '../../lab/embedded/api-server/proxy.ts';
import { pods as podResource } from '../../lab/embedded/api-server/resources.ts';
import { close, listen } from '../../lab/embedded/sockets.ts';
import type { Meter } from '../../src/canary/ports.ts';
import { createClient, type KubernetesClient } from '../../src/cluster/client.ts';
import { loadConfig } from '../../src/cluster/kubeconfig.ts';
import { resources } from '../../src/cluster/resources.ts';
import { connect } from '../../src/cluster/transport.ts';
import type { Clock } from '../../src/core/clock.ts';
import { createMeter, type MeterOptions } from '../../src/meters/index.ts';
import { createPrometheusApi } from '../../src/meters/prometheus/api.ts';
import { promqlSource } from '../../src/sources/promql.ts';
import {
  canaryPod,
  exposition,
  type FakePod,
  hasPrometheus,
  type PrometheusFixture,
  stablePod,
  startEmbeddedPrometheus,
  startPrometheus,
} from './prometheus-fixture.ts';

const names = { namespace: 'shop', stable: { workload: 'checkout' }, canary: { workload: 'checkout-canary' } };
const clock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
};
const signal = AbortSignal.timeout(60_000);

/** Reads until the reading is as awaited. */
async function until<T>(read: () => Promise<T>, awaited: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read();
    if (awaited(value)) return value;
    await clock.sleep(100, signal);
  }
}

const totals = async (meter: Meter) => {
  const { stable, canary } = await meter.read(signal);
  const sum = (counters: typeof stable, kind: string) =>
    counters.filter((counter) => counter.kind === kind).reduce((total, { value }) => total + value, 0);
  return { stable: sum(stable, 'requests'), canary: sum(canary, 'requests'), canaryErrors: sum(canary, 'errors') };
};

describe.for([
  { what: 'the embedded Prometheus', start: startEmbeddedPrometheus, skipped: false },
  {
    what: 'a real Prometheus (skipped without a prometheus binary on PATH)',
    start: startPrometheus,
    skipped: !hasPrometheus(),
  },
])('$what', ({ start, skipped }) => {
  describe.skipIf(skipped)('as the source of a meter', () => {
    let prometheus: PrometheusFixture;
    const meterOf = (options: Partial<Extract<MeterOptions, { kind: 'prometheus' }>> = {}) =>
      createMeter(
        {
          kind: 'prometheus',
          connection: { address: prometheus.url },
          names,
          queries: { kind: 'http' },
          latencyBounds: [0.3],
          ...options,
        },
        { clock, env: {}, signal, client: noCluster },
      );

    beforeAll(async () => {
      prometheus = await start();
    });
    afterAll(() => prometheus.close());

    it('counts what the pods counted, once, although one is scraped twice', async () => {
      const meter = meterOf();
      const counting = setInterval(() => {
        for (const pod of prometheus.pods.values()) pod.requests += 1;
      }, 20);
      await expect(meter.preflight(signal)).resolves.toMatchObject({ traffic: true });
      clearInterval(counting);
      expect(meter.interval).toBe(1_000);
      const wanted = prometheus.pods.get(stablePod)?.requests;
      expect(
        await until(
          () => totals(meter),
          ({ stable }) => stable === wanted,
        ),
      ).toMatchObject({ canary: 0 });
    });

    it('sees a new arm, and the series that comes with its first error', async () => {
      const meter = meterOf();
      await meter.read(signal);
      prometheus.pods.set(canaryPod, { requests: 10, errors: 0, slow: 0 });
      await until(
        () => totals(meter),
        ({ canary, canaryErrors }) => canary === 10 && canaryErrors === 0,
      );
      prometheus.pods.set(canaryPod, { requests: 12, errors: 2, slow: 1 });
      await until(
        () => totals(meter),
        ({ canary, canaryErrors }) => canary === 12 && canaryErrors === 2,
      );
      const { canary } = await meter.read(signal);
      const buckets = canary.filter(({ kind }) => kind === 'bucket').map(({ le, value }) => [le, value]);
      expect(buckets.toSorted()).toEqual([
        [0.3, 11],
        [Number.POSITIVE_INFINITY, 12],
      ]);
      expect(canary.every(({ startedAt }) => startedAt === 1_700_000_000_000)).toBe(true);
    });

    it('carries the time of the scrape and not of the question', async () => {
      const meter = meterOf();
      const scraped = async () => (await meter.read(signal)).stable[0]?.at ?? 0;
      const times: number[] = [];
      for (let reads = 0; reads < 10; reads += 1) times.push(await scraped());
      expect(times.some((time, index) => time === times[index - 1])).toBe(true);
      expect(Math.abs(Date.now() - (times[0] ?? 0))).toBeLessThan(5_000);
      await until(scraped, (at) => at > (times.at(-1) ?? 0));
    });

    it('answers an expression, with the time of what it is made of', async () => {
      const world = { clock, env: {}, client: noCluster };
      const api = createPrometheusApi({ address: prometheus.url }, world);
      const look = (query: string) => promqlSource(query, api, world).look({ from: 0, to: Date.now() }, signal);
      const [value] = [await look('max(queue_depth{pod=~"checkout-[^c].*"})')];
      expect(value).toEqual({ kind: 'values', values: [{ of: '', value: 0, at: expect.any(Number) }] });
      expect(await look('queue_depth')).toMatchObject({
        values: expect.arrayContaining([expect.objectContaining({ of: expect.stringContaining('pod=checkout') })]),
      });
      expect(await look('nothing')).toMatchObject({ kind: 'missing', reason: expect.stringContaining('empty') });
      const refused = (query: string) => promqlSource(query, api, world).preflight(signal);
      await expect(refused('max(queue_dept)')).rejects.toThrow('Similar ones are queue_depth');
      await expect(refused('rate(queue_depth)')).rejects.toThrow('was refused by Prometheus');
    });

    it.each<[string, Partial<Extract<MeterOptions, { kind: 'prometheus' }>>, string]>([
      ['workload', { names: { ...names, stable: { workload: 'chekout' } } }, `pod is "${stablePod}"`],
      ['kind of metrics', { queries: { kind: 'linkerd' } }, 'has no metric response_total'],
      ['bucket', { latencyBounds: [0.2] }, 'it has 100ms, 300ms'],
    ])('explains a wrong %s', async (_, options, explanation) => {
      await expect(meterOf(options).preflight(signal)).rejects.toMatchObject({
        code: 'bad-query',
        message: expect.stringContaining(explanation),
      });
    });
  });
});

describe('through the API server', () => {
  let api: Awaited<ReturnType<typeof startApiServer>>;
  let client: KubernetesClient;
  let pods: Map<string, FakePod>;
  const servers: Server[] = [];
  const lifetime: AbortController[] = [];

  beforeAll(async () => {
    api = await startApiServer();
    client = createClient(connect(loadConfig({ kubeconfig: api.kubeconfig(), context: '', env: {} }), {}));
    for (const name of ['shop', 'edge']) api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  });
  afterEach(async () => {
    for (const controller of lifetime.splice(0)) controller.abort();
    await Promise.all(servers.splice(0).map(close));
    api.faults.clear();
    for (const namespace of ['shop', 'edge']) {
      for (const pod of await client.list(resources.pod, namespace, {}, signal)) {
        await removePod(pod.metadata.name, namespace);
      }
    }
  });
  afterAll(async () => {
    await client.close();
    await api.stop();
  });

  /** A running pod whose metrics port answers this. */
  async function addPod(
    name: string,
    labels: Record<string, string>,
    answer: () => string | { readonly status: number; readonly body: string },
    namespace = 'shop',
    state: object = { running: { startedAt: '2026-01-01T00:00:05Z' } },
  ): Promise<void> {
    const server = createServer((_, response) => {
      const answered = answer();
      const { status, body } = typeof answered === 'string' ? { status: 200, body: answered } : answered;
      response.writeHead(status).end(body);
    });
    servers.push(server);
    const port = await listen(server, 0);
    api.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels, annotations: { [portsAnnotation]: JSON.stringify({ 9102: port }) } },
      spec: { containers: [{ name: 'app', image: 'app', ports: [{ name: 'metrics', containerPort: 9102 }] }] },
    });
    const status = {
      phase: 'Running',
      podIP: '127.0.0.1',
      startTime: '2026-01-01T00:00:00Z',
      containerStatuses: [{ name: 'app', state }],
    };
    const kubelet = { manager: 'kubelet', subresource: 'status' } as const;
    api.registry.modify({ resource: podResource, namespace, name }, (pod) => ({ ...pod, status }), kubelet);
  }

  async function removePod(name: string, namespace = 'shop'): Promise<void> {
    await client.remove({ type: resources.pod, namespace, name }, signal);
  }

  function meterOf(options: Partial<Extract<MeterOptions, { kind: 'pods' }>> = {}): Meter {
    const controller = new AbortController();
    lifetime.push(controller);
    return createMeter(
      {
        kind: 'pods',
        names,
        queries: { kind: 'http' },
        source: { kind: 'arms', stable: 'app=checkout,track=stable', canary: 'app=checkout,track=canary' },
        latencyBounds: [],
        ...options,
      },
      { client, clock, env: {}, signal: controller.signal },
    );
  }

  async function addArms(): Promise<void> {
    pods = new Map([
      ['a', { requests: 100, errors: 1, slow: 4 }],
      ['b', { requests: 200, errors: 0, slow: 0 }],
      ['c', { requests: 10, errors: 2, slow: 1 }],
    ]);
    for (const [name, pod] of pods) {
      const track = name === 'c' ? 'canary' : 'stable';
      await addPod(name, { app: 'checkout', track }, () => exposition(pod));
    }
  }

  it('the pods of both arms are read, without asking for the pods again', async () => {
    await addArms();
    const meter = meterOf({ latencyBounds: [0.3] });
    expect(await totals(meter)).toEqual({ stable: 300, canary: 10, canaryErrors: 2 });
    const lists = () => api.audit.filter(({ verb, resource }) => verb === 'list' && resource === 'pods').length;
    const before = lists();
    for (const pod of pods.values()) pod.requests += 5;
    const { stable, canary, at } = await meter.read(signal);
    expect(lists()).toBe(before);
    expect(stable.filter(({ kind }) => kind === 'requests').map(({ instance, value }) => [instance, value])).toEqual([
      ['a', 104],
      ['a', 1],
      ['b', 205],
    ]);
    expect(canary.filter(({ kind }) => kind === 'bucket').map(({ le, value }) => [le, value])).toEqual([
      [0.3, 14],
      [Number.POSITIVE_INFINITY, 15],
    ]);
    expect(Math.abs(Date.now() - at)).toBeLessThan(2_000);
  });

  /** Pods that count each look at their metrics as a request. */
  async function addCountingArms(labels: string): Promise<Map<string, { users: number; looks: number }>> {
    const counts = new Map<string, { users: number; looks: number }>();
    for (const name of ['a', 'c']) {
      const count = { users: 20, looks: 0 };
      counts.set(name, count);
      const track = name === 'c' ? 'canary' : 'stable';
      await addPod(name, { app: 'checkout', track }, () => {
        const of = (path: string, value: number) =>
          `http_requests_total{code="200"${labels.replace('PATH', path)}} ${value}`;
        const shown =
          labels === '' ? [of('', count.users + count.looks)] : [of('/', count.users), of('/metrics', count.looks)];
        count.looks += 1;
        return `${shown.join('\n')}\n`;
      });
    }
    return counts;
  }

  it('its own looks are no requests, where a path tells them', async () => {
    const counts = await addCountingArms(',handler="PATH"');
    const meter = meterOf();
    expect(await totals(meter)).toMatchObject({ stable: 20, canary: 20 });
    for (const count of counts.values()) count.users += 1;
    const { own, ...reading } = await meter.read(signal);
    expect(reading.canary.map(({ value }) => value)).toEqual([21]);
    expect(own).toBeUndefined();
  });

  it('its own looks are told, where no path tells them', async () => {
    const counts = await addCountingArms('');
    const meter = meterOf();
    const first = await meter.read(signal);
    expect(first.own).toEqual({ stable: 0, canary: 0 });
    const gained = (reading: typeof first) => (reading.canary[0]?.value ?? 0) - (first.canary[0]?.value ?? 0);
    const second = await meter.read(signal);
    expect(gained(second)).toBeGreaterThan(0);
    expect(second.own?.canary).toBe(gained(second));
    for (const count of counts.values()) count.users += 5;
    const third = await meter.read(signal);
    expect(gained(third) - (third.own?.canary ?? 0)).toBe(5);
  });

  it('pods that count no looks are found to in the first one', async () => {
    await addArms();
    const meter = meterOf();
    await meter.read(signal);
    for (const pod of pods.values()) pod.requests += 30;
    expect((await meter.read(signal)).own).toEqual({ stable: 0, canary: 0 });
  });

  it('pods that show only looks have no requests', async () => {
    await addPod(
      'a',
      { app: 'checkout', track: 'stable' },
      () => 'http_requests_total{code="200",path="/metrics"} 7\n',
    );
    await expect(meterOf().preflight(signal)).rejects.toThrow('shows no request of a user');
  });

  it('of two metrics the one is taken that says how requests ended', async () => {
    await addPod('a', { app: 'checkout', track: 'stable' }, () =>
      ['http_requests_total{method="GET"} 7', 'http_request_duration_seconds_count{status_code="500"} 3', ''].join(
        '\n',
      ),
    );
    const { stable } = await meterOf().read(signal);
    expect(stable.map(({ kind, value }) => [kind, value])).toEqual([
      ['requests', 3],
      ['errors', 3],
    ]);
  });

  it('an arm with a status that can’t be told shows nothing, and says why', async () => {
    await addArms();
    let odd = '';
    await addPod('d', { app: 'checkout', track: 'canary' }, () => `http_requests_total{code="200"} 5\n${odd}`);
    const meter = meterOf();
    expect((await meter.read(signal)).canary).not.toEqual([]);
    odd = 'http_requests_total{code="odd"} 1\n';
    const { stable, canary, warnings } = await meter.read(signal);
    expect([stable.length > 0, canary]).toEqual([true, []]);
    expect(warnings).toEqual([expect.stringContaining('"code":"odd"')]);
  });

  it('new pods are seen, and gone ones are not asked', async () => {
    await addArms();
    const meter = meterOf();
    await meter.read(signal);
    await addPod('d', { app: 'checkout', track: 'canary' }, () => exposition({ requests: 7, errors: 0, slow: 0 }));
    await until(
      () => totals(meter),
      ({ canary }) => canary === 17,
    );
    await removePod('c');
    await until(
      () => totals(meter),
      ({ canary }) => canary === 7,
    );
  });

  it('the process began when it says so itself, else when its container did', async () => {
    await addPod('a', { app: 'checkout', track: 'stable' }, () => exposition({ requests: 1, errors: 0, slow: 0 }));
    await addPod('b', { app: 'checkout', track: 'stable' }, () => 'http_requests_total{code="200"} 1\n');
    const { stable } = await meterOf().read(signal);
    expect(stable.map(({ instance, startedAt }) => [instance, startedAt])).toEqual([
      ['a', 1_700_000_000_000],
      ['b', Date.UTC(2026, 0, 1, 0, 0, 5)],
    ]);
  });

  it('a pod that does not answer is told and hides no other', async () => {
    await addArms();
    await addPod('e', { app: 'checkout', track: 'stable' }, () => '<html>');
    api.faults.inject({ match: (info) => info?.subresource === 'proxy' && info.name.startsWith('b:'), delay: 10_000 });
    const { stable, warnings } = await meterOf().read(signal);
    expect(new Set(stable.map(({ instance }) => instance))).toEqual(new Set(['a']));
    expect(warnings).toEqual([
      'Pod shop/b (stable) did not answer on port 9102 within 2 s.',
      expect.stringMatching(/^Pod shop\/e \(stable\) shows a line that is no sample/),
    ]);
  });

  it('a pod is asked for nothing outside of it, whatever its annotation says', async () => {
    await addArms();
    const path = '/../../../../../../../api/v1/namespaces/kube-system/secrets/db?x=';
    const merge = { metadata: { annotations: { 'prometheus.io/path': path } } };
    await client.patchMerge({ type: resources.pod, namespace: 'shop', name: 'b' }, merge, signal);
    const { stable, warnings } = await meterOf().read(signal);
    expect(new Set(stable.map(({ instance }) => instance))).toEqual(new Set(['a']));
    expect(warnings).toEqual([expect.stringMatching(/^Pod shop\/b \(stable\) Pod shop\/b: .* leads out of it/)]);
    expect(api.audit.filter(({ resource }) => resource === 'secrets')).toEqual([]);
  });

  it('a Prometheus behind the API server is asked for nothing outside of it', async () => {
    const connection = { address: 'k8s://shop/prometheus:9090/../../../secrets' };
    const meter = createMeter(
      { kind: 'prometheus', connection, names, queries: { kind: 'http' }, latencyBounds: [] },
      { client, clock, env: {}, signal },
    );
    await expect(meter.read(signal)).rejects.toMatchObject({ code: 'invalid-input', about: 'Service shop/prometheus' });
    expect(api.audit.filter(({ resource }) => resource === 'secrets')).toEqual([]);
  });

  it('a pod in a crash loop is told without being asked', async () => {
    await addArms();
    const state = { waiting: { reason: 'CrashLoopBackOff' } };
    await addPod('e', { app: 'checkout', track: 'canary' }, () => '', 'shop', state);
    const { warnings } = await meterOf().read(signal);
    expect(warnings).toEqual(['Pod shop/e (canary) waits for its container app to run.']);
  });

  it('without any answer the metrics are unreachable', async () => {
    await addPod('a', { app: 'checkout', track: 'stable' }, () => '<html>');
    await expect(meterOf().read(signal)).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('Pod shop/a'),
    });
  });

  it('without any pod the selectors are wrong', async () => {
    await expect(meterOf().read(signal)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('app=checkout'),
    });
  });

  it('the preflight sees the counters grow', async () => {
    await addArms();
    const counting = setInterval(() => {
      for (const pod of pods.values()) pod.requests += 1;
    }, 10);
    await expect(meterOf().preflight(signal)).resolves.toMatchObject({ traffic: true });
    clearInterval(counting);
  });

  it.each<[string, Partial<Extract<MeterOptions, { kind: 'pods' }>>, string]>([
    ['metric', { queries: { kind: 'own', requests: 'http_request_total', errors: 'x' } }, 'http_requests_total'],
    [
      'label',
      { queries: { kind: 'own', requests: 'http_requests_total', errors: 'http_requests_total{status="500"}' } },
      '"code"',
    ],
    ['bucket', { latencyBounds: [0.2] }, 'it has 100ms, 300ms'],
  ])('a wrong %s is explained by what the pods show', async (_, options, explanation) => {
    await addArms();
    await expect(meterOf(options).preflight(signal)).rejects.toMatchObject({
      code: 'bad-query',
      message: expect.stringContaining(explanation),
    });
  });

  it('a pod that both arms pick is refused', async () => {
    await addArms();
    const source = { kind: 'arms', stable: 'app=checkout', canary: 'track=canary' } as const;
    await expect(meterOf({ source }).read(signal)).rejects.toThrow('is picked by the label selectors of both arms');
  });

  it('a gateway tells both arms in its own metrics', async () => {
    const text = `
envoy_cluster_upstream_rq{cluster_name="outbound|80|v1|checkout.shop.svc.cluster.local",response_code_class="2xx"} 40
envoy_cluster_upstream_rq{cluster_name="outbound|80|v2|checkout.shop.svc.cluster.local",response_code_class="5xx"} 2
`;
    await addPod('gateway-1', { istio: 'ingressgateway' }, () => text, 'edge');
    const subset = (version: string) => ({ workload: '', service: 'checkout', version });
    const meter = meterOf({
      names: { namespace: 'shop', stable: subset('v1'), canary: subset('v2') },
      queries: { kind: 'envoy' },
      source: { kind: 'gateway', namespace: 'edge', selector: 'istio=ingressgateway' },
    });
    expect(await totals(meter)).toEqual({ stable: 40, canary: 2, canaryErrors: 2 });
    expect(meter.permissions).toEqual([
      { apiGroup: '', resource: 'pods', verbs: ['list', 'watch'], namespace: 'edge' },
      { apiGroup: '', resource: 'pods', subresource: 'proxy', verbs: ['get'], namespace: 'edge' },
    ]);
  });

  it('a Prometheus is reached behind its Service, whose errors stay its own', async () => {
    const fine = { status: 'success', data: { resultType: 'scalar', result: [Date.now() / 1_000, '42'] } };
    const failed = { status: 'error', errorType: 'execution', error: 'many-to-many matching not allowed' };
    let answer = { status: 200, body: JSON.stringify(fine) };
    await addPod('prometheus-0', { app: 'prometheus' }, () => answer, 'edge');
    api.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'prometheus', namespace: 'edge' },
      spec: { ports: [{ name: 'web', port: 9090, targetPort: 9102 }] },
    });
    api.put({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'prometheus-1', namespace: 'edge', labels: { 'kubernetes.io/service-name': 'prometheus' } },
      addressType: 'IPv4',
      endpoints: [
        { addresses: ['127.0.0.1'], conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'prometheus-0' } },
      ],
      ports: [{ name: 'web', port: 9102 }],
    });
    const options = {
      kind: 'prometheus',
      names,
      queries: { kind: 'http' },
      latencyBounds: [],
    } as const;
    const meter = createMeter(
      { ...options, connection: { address: 'k8s://edge/prometheus:9090' } },
      { client, clock, env: {}, signal },
    );
    expect(meter.permissions).toEqual([
      { apiGroup: '', resource: 'services', subresource: 'proxy', verbs: ['get'], namespace: 'edge' },
    ]);
    const world = { client, clock, env: {} };
    const sum = promqlSource('40 + 2', createPrometheusApi({ address: 'k8s://edge/prometheus:9090' }, world), world);
    const window = { from: 0, to: Date.now() };
    expect(await sum.look(window, signal)).toMatchObject({ values: [{ value: 42 }] });
    answer = { status: 422, body: JSON.stringify(failed) };
    await expect(sum.look(window, signal)).rejects.toMatchObject({
      code: 'bad-query',
      message: expect.stringContaining('many-to-many matching not allowed'),
    });
    const absent = createMeter(
      { ...options, connection: { address: 'k8s://edge/absent:9090' } },
      { client, clock, env: {}, signal },
    );
    await expect(absent.read(signal)).rejects.toMatchObject({
      code: 'not-found',
      about: 'Service edge/absent',
    });
  });
});

/** For addresses that need no cluster. */
const noCluster = createClient({
  server: 'http://127.0.0.1:1',
  authorize: () => Promise.reject(new Error('no cluster is needed here')),
  renew: () => undefined,
  close: () => Promise.resolve(),
});
