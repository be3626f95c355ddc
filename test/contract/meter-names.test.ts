import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startApiServer } from '../../lab/embedded/api-server/index.ts';
import { evaluate } from '../../lab/embedded/prometheus/promql.ts';
import { createSeriesStore } from '../../lab/embedded/prometheus/series.ts';
import { close, listen } from '../../lab/embedded/sockets.ts';
import { createClient, type KubernetesClient } from '../../src/cluster/client.ts';
import { loadConfig } from '../../src/cluster/kubeconfig.ts';
import { connect } from '../../src/cluster/transport.ts';
import { createMeter, type MeterOptions } from '../../src/meters/index.ts';
import type { Labels } from '../../src/meters/series/selector.ts';

const signal = AbortSignal.timeout(60_000);
const clock = { now: () => Date.now(), sleep: async () => undefined };
const selectors = { stable: 'app=checkout,track=stable', canary: 'app=checkout,track=canary' };
const long = 'checkout-service-of-the-shop-production-eu';

/** A Prometheus that has these series, each measured four times. */
let api: Awaited<ReturnType<typeof startApiServer>>;
let client: KubernetesClient;
let store: ReturnType<typeof createSeriesStore>;
let asked: string[];
let server: Server;
let address: string;
let lifetime: AbortController;

beforeAll(async () => {
  api = await startApiServer();
  client = createClient(connect(loadConfig({ kubeconfig: api.kubeconfig(), context: '', env: {} }), {}));
  api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  server = createServer((request, response) => {
    const query = new URL(request.url ?? '/', 'http://prometheus').searchParams.get('query') ?? '';
    asked.push(query);
    const value = evaluate(store, query, Date.now());
    const result = (value.type === 'matrix' ? value.series : []).map(({ labels, samples }) => ({
      metric: labels,
      values: samples.map((sample) => [sample.at / 1_000, String(sample.value)]),
    }));
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } }));
  });
  address = `http://127.0.0.1:${await listen(server, 0)}`;
});
beforeEach(() => {
  store = createSeriesStore();
  asked = [];
  lifetime = new AbortController();
});
afterEach(() => lifetime.abort());
afterAll(async () => {
  await client.close();
  await api.stop();
  await close(server);
});

function counts(labels: Labels, ...values: number[]): void {
  for (const [index, value] of values.entries()) {
    store.append(labels, { at: Date.now() - (values.length - index) * 1_000, value });
  }
}

function addPod(name: string, track: string, more: { workload?: string; generateName?: string; labels?: Labels } = {}) {
  const { workload, generateName, labels = {} } = more;
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${workload}-5d8`, uid: 'x', controller: true };
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      labels: { app: 'checkout', track, 'pod-template-hash': '5d8', ...labels },
      ...(generateName !== undefined && { generateName }),
      ...(workload !== undefined && { ownerReferences: [owner] }),
    },
    spec: { containers: [{ name: 'app', image: 'app' }] },
  });
}

function meterOf(options: Partial<Extract<MeterOptions, { kind: 'prometheus' }>> = {}) {
  return createMeter(
    {
      kind: 'prometheus',
      connection: { address },
      names: { namespace: 'shop', stable: { workload: 'checkout' }, canary: { workload: 'checkout-canary' } },
      queries: { kind: 'http' },
      latencyBounds: [],
      pods: { namespace: 'shop', selectors },
      ...options,
    },
    { client, clock, env: {}, signal: lifetime.signal },
  );
}

async function totals(options: Parameters<typeof meterOf>[0] = {}) {
  const { stable, canary } = await meterOf(options).read(signal);
  const sum = (counters: typeof stable) =>
    counters.filter(({ kind }) => kind === 'requests').reduce((all, { value }) => all + value, 0);
  return { stable: sum(stable), canary: sum(canary) };
}

const ofPod = (pod: string, more: Labels = {}) => ({
  __name__: 'http_requests_total',
  namespace: 'shop',
  pod,
  code: '200',
  ...more,
});

describe('the pods of the arms', () => {
  it('are those of which the API server has cut the names', async () => {
    const [stable, canary] = [`${long}-7d9f8c6b5-x2x4z`, `${long}-canary-2xjpr7k5r2s54`];
    addPod(stable, 'stable', { generateName: `${long}-7d9f8c6b5-` });
    addPod(canary, 'canary', { generateName: `${long}-canary-2xjpr7k5r2-77f` });
    counts(ofPod(stable), 1, 2, 3);
    counts(ofPod(canary), 10, 20, 30);
    const names = { namespace: 'shop', stable: { workload: long }, canary: { workload: `${long}-canary` } };
    expect(await totals({ names })).toEqual({ stable: 3, canary: 30 });
    expect(asked[0]).toContain(`${long}-7d9f8c6b5-[a-z0-9]{5}`);
  });

  it('are told apart where their names begin alike', async () => {
    const name = 'a-service-with-a-name-of-fifty-eight-characters-and-so-on-x';
    addPod(`${name.slice(0, 58)}abcde`, 'stable', { generateName: `${name}-5d8-` });
    addPod(`${name.slice(0, 58)}fghij`, 'canary', { generateName: `${name}-canary-5d8-` });
    counts(ofPod(`${name.slice(0, 58)}abcde`), 1, 2, 3);
    counts(ofPod(`${name.slice(0, 58)}fghij`), 4, 5, 6);
    expect(await totals()).toEqual({ stable: 3, canary: 6 });
  });

  it('of which a label of another name tells, are found', async () => {
    addPod('checkout-1', 'stable');
    const { namespace: _, pod: __, ...rest } = ofPod('checkout-1');
    counts({ ...rest, kubernetes_namespace: 'shop', pod: 'checkout-1' }, 1, 2);
    expect(await totals()).toEqual({ stable: 2, canary: 0 });
  });

  it('are not those of another workload with the same beginning, nor do own queries count them', async () => {
    addPod('checkout-1', 'stable');
    addPod('checkout-canary-1', 'canary');
    counts(ofPod('checkout-1'), 1, 2);
    counts(ofPod('checkout-canary-1'), 5, 6);
    counts(ofPod('checkout-canary-extra-7d9f8c6b5-x2x4z'), 100, 200);
    expect(await totals()).toEqual({ stable: 2, canary: 6 });
    const own = {
      kind: 'own' as const,
      stable: {
        requests: 'http_requests_total{pod=~"checkout-[^-]+|checkout-canary-1"}',
        errors: 'http_requests_total{pod=~"checkout-.*",code="500"}',
      },
      canary: {
        requests: 'http_requests_total{pod=~"checkout-canary-[^-]+"}',
        errors: 'http_requests_total{pod=~"checkout-canary-.*",code="500"}',
      },
    };
    expect(await totals({ queries: own })).toEqual({ stable: 2, canary: 6 });
  });

  it('that come later are asked for, and those that go are remembered', async () => {
    addPod('checkout-1', 'stable');
    counts(ofPod('checkout-1'), 1, 2);
    const meter = meterOf();
    expect((await meter.read(signal)).canary).toEqual([]);
    addPod('checkout-canary-new', 'canary');
    counts(ofPod('checkout-canary-new'), 1, 2, 7);
    let canary: readonly { value: number }[] = [];
    while (canary.length === 0) ({ canary } = await meter.read(signal));
    expect(canary.map(({ value }) => value)).toEqual([7]);
    await client.remove(
      { type: { apiVersion: 'v1', kind: 'Pod', plural: 'pods' }, namespace: 'shop', name: 'checkout-canary-new' },
      signal,
    );
    expect((await meter.read(signal)).canary).toHaveLength(1);
  });

  it('that both selectors pick are their owner’s, or refused', async () => {
    addPod('both-1', 'stable', { workload: 'checkout', labels: { shared: 'yes' } });
    addPod('both-2', 'canary', { workload: 'checkout-canary', labels: { shared: 'yes' } });
    counts(ofPod('both-1'), 1, 2);
    counts(ofPod('both-2'), 5, 6);
    const pods = { namespace: 'shop', selectors: { stable: 'shared=yes', canary: 'shared=yes' } };
    expect(await totals({ pods })).toEqual({ stable: 2, canary: 6 });
    addPod('both-3', 'canary', { workload: 'other', labels: { shared: 'yes' } });
    await expect(meterOf({ pods }).read(signal)).rejects.toThrow('is picked by the label selectors of both arms');
  });
});

describe('the ports of the arms’ Services', () => {
  const names = {
    namespace: 'shop',
    stable: { workload: 'checkout', service: 'web' },
    canary: { workload: 'checkout-canary', service: 'web-canary' },
  };

  beforeAll(() => {
    api.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { ports: [{ name: 'http-web', port: 80, targetPort: 'http-web' }] },
    });
  });

  it('tell the upstream of a canary Ingress', async () => {
    const labels = { __name__: 'nginx_ingress_controller_requests', namespace: 'shop', ingress: 'web', service: 'web' };
    counts({ ...labels, canary: '', status: '200', controller_pod: 'n' }, 1, 9);
    counts({ ...labels, canary: 'shop-web-canary-http-web', status: '200', controller_pod: 'n' }, 1, 3);
    expect(await totals({ names, queries: { kind: 'nginx' } })).toEqual({ stable: 9, canary: 3 });
  });

  it.each(['kubernetescrd', 'kubernetes', 'kubernetesgateway'])(
    'tell the services of Traefik (%s)',
    async (provider) => {
      const counter = (service: string) => ({
        __name__: 'traefik_service_requests_total',
        service: `${service}@${provider}`,
        code: '200',
        pod: 't',
      });
      counts(counter('shop-web-http-web'), 1, 9);
      counts(counter('shop-web-canary-80'), 1, 3);
      counts(counter('shop-web-canary-other-http-web'), 1, 100);
      expect(await totals({ names, queries: { kind: 'traefik' } })).toEqual({ stable: 9, canary: 3 });
    },
  );
});
