import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildFaults } from '../../src/actions/drill/build-faults.ts';
import { loadDrillInputs } from '../../src/actions/drill/inputs.ts';
import { resources } from '../../src/cluster/resources.ts';
import { admitDrill } from '../../src/drills/admission.ts';
import { factsOf } from '../../src/drills/facts.ts';
import { parseHours } from '../../src/drills/hours.ts';
import { createDrillStore } from '../../src/drills/record-store.ts';
import { createQuickClock, type EmbeddedCluster, startEmbeddedCluster } from '../support/embedded-cluster.ts';
import { put, putShop } from '../support/shop.ts';

const signal = new AbortController().signal;
const clock = createQuickClock(1);
let cluster: EmbeddedCluster;
beforeAll(async () => {
  cluster = await startEmbeddedCluster({ 'registry.example/checkout:1': {} });
  putShop(cluster, 'shop');
});
afterAll(() => cluster.stop());

const allow = (name: string) =>
  put(cluster, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { 'sluice.dev/drill': 'allowed' } } });
const admit = (namespaces: readonly string[], hours?: string) =>
  admitDrill({ client: cluster.client, clock, namespaces, hours: parseHours(hours ?? '00:00-24:00') }, signal);

describe('a drill begins', () => {
  test('only in namespaces whose owners allow it', async () => {
    await expect(admit(['shop'])).rejects.toMatchObject({
      about: 'Namespace shop',
      next: expect.stringContaining('kubectl label namespace shop sluice.dev/drill=allowed'),
    });
    allow('shop');
    await admit(['shop']);
    await expect(admit(['shop', 'default'])).rejects.toMatchObject({ about: 'Namespace default' });
    await expect(admit(['shop', 'absent'])).rejects.toMatchObject({ code: 'not-found' });
    allow('kube-system');
    await expect(admit(['kube-system'])).rejects.toMatchObject({
      problem: expect.stringContaining('no drill may touch'),
    });
  });

  test('only within its hours', async () => {
    const now = new Date(clock.now());
    const day = now.getUTCDay() === 0 ? 'Wed' : 'Sun';
    await expect(admit(['shop'], `${day} 00:00-24:00`)).rejects.toMatchObject({ about: 'input "hours"' });
  });

  test('not while a rollout is under way, and beside the record of another drill', async () => {
    const labels = { 'app.kubernetes.io/managed-by': 'sluice', 'sluice.dev/rollout': 'checkout' };
    const store = createDrillStore(cluster.client, { namespace: 'shop', service: 'other' });
    await store.save({ schema: 1, id: 'a', startedBy: 'bob', startedAt: 1, faults: [] }, signal);
    await admit(['shop']);
    const record = (phase: string) => ({
      ...{ schema: 1, id: 'x', fingerprint: 'y', phase, step: 0, weight: { from: 0, to: 5 }, startedAt: 1 },
      route: { router: 'istio', object: 'VirtualService shop/checkout', weight: 0, data: {} },
      arms: { stable: 'a', canary: 'b', revision: 'sha256:x', data: {} },
      startedBy: 'alice',
    });
    const rollout = (phase: string) =>
      put(cluster, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'sluice-checkout', namespace: 'shop', labels },
        data: { record: JSON.stringify(record(phase)) },
      });
    rollout('shifting');
    await expect(admit(['shop'])).rejects.toMatchObject({
      code: 'locked',
      problem: expect.stringContaining('checkout, begun by alice'),
    });
    await cluster.client.remove({ type: resources.configMap, namespace: 'shop', name: 'sluice-checkout' }, signal);
    await admit(['shop']);
  });
});

describe('faults of the inputs', () => {
  const build = async (faults: string, namespaces = '') => {
    const requests = '{check: load, url: "https://a.example", requests: [GET /]}';
    const inputs = await loadDrillInputs({ service: 'checkout', faults, requests, namespaces }, () => undefined);
    const world = { client: cluster.client, clock, drill: 'checkout', run: 'run', random: () => 0 };
    return buildFaults(inputs, { world, namespace: 'shop', workspace: '/nowhere' }, signal);
  };

  test.each(['deployment/checkout', 'service/checkout', 'app=checkout'])('find the pods of %s', async (on) => {
    const [fault] = await build(`pod-kill on ${on} one`);
    expect(fault?.text).toBe(`pod-kill on ${on} one`);
    await expect.poll(async () => (await fault?.aim(signal))?.candidates, { timeout: 20_000 }).toBe(3);
  });

  test('name what is not there', async () => {
    await expect(build('pod-kill on deployment/absent')).rejects.toMatchObject({ code: 'not-found' });
    put(cluster, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'free', namespace: 'shop' }, spec: {} });
    await expect(build('pod-kill on service/free')).rejects.toMatchObject({
      about: 'Service shop/free',
      problem: expect.stringContaining('has no selector'),
    });
  });

  test.each(['istio-abort 503 on virtualservice/a', 'scale-to-zero on deployment/a', 'pod-kill on app=a'])(
    'are refused in a namespace that is not allowed: %s',
    async (fault) => {
      await expect(build(`${fault} in other`)).rejects.toMatchObject({
        code: 'invalid-input',
        about: `fault "${fault} in other"`,
        problem: 'is in other, and "namespaces" allows shop.',
      });
      await expect(build(fault, 'other')).rejects.toMatchObject({
        problem: 'is in shop, and "namespaces" allows other.',
      });
    },
  );
});

describe('what the cluster shows of a service', () => {
  test('is left out where nothing is known', async () => {
    expect(await factsOf(cluster.client, { namespace: 'shop', service: 'absent' }, signal)).toBeUndefined();
    expect(await factsOf(cluster.client, { namespace: 'shop', service: 'checkout' }, signal)).toEqual({
      workload: 'Deployment shop/checkout',
      replicas: 3,
      hasBudget: false,
      autoscaler: false,
      hasReadiness: false,
      hasPreStop: false,
      isSpread: false,
    });
  });

  test('is read from budgets, routes and rules', async () => {
    const place = { namespace: 'shop', service: 'checkout' };
    put(cluster, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'b', namespace: 'shop' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'checkout' } } },
    });
    const route = [{ destination: { host: 'checkout.shop.svc.cluster.local' } }];
    put(cluster, {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'v', namespace: 'shop' },
      spec: {
        hosts: ['a'],
        http: [
          { route, timeout: '1s' },
          { route, retries: { attempts: 0 } },
        ],
      },
    });
    put(cluster, {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'd', namespace: 'shop' },
      spec: { host: 'checkout', trafficPolicy: { outlierDetection: {} } },
    });
    expect(await factsOf(cluster.client, place, signal)).toMatchObject({
      hasBudget: true,
      retries: false,
      timeout: false,
      outlierDetection: true,
    });
  });
});
