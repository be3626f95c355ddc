import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Arms } from '../../src/canary/ports.ts';
import { resources } from '../../src/cluster/resources.ts';
import type { WorkloadKind } from '../../src/workloads/workload.ts';
import { armsOptionsFor, derivedArmsFor, putReadyShop } from '../support/derived-shop.ts';
import { createQuickClock, type EmbeddedCluster, startEmbeddedCluster } from '../support/embedded-cluster.ts';
import { put, putShop, type ShopChange } from '../support/shop.ts';

const clock = createQuickClock(50);
const signal = new AbortController().signal;
let cluster: EmbeddedCluster;
beforeAll(async () => {
  cluster = await startEmbeddedCluster({ 'registry.example/checkout:1': {}, 'registry.example/checkout:2': {} });
});
afterAll(() => cluster.stop());

let count = 0;
async function openShop(change: ShopChange = {}): Promise<string> {
  count += 1;
  const namespace = `refusals-${count}`;
  await putReadyShop(cluster, namespace, change);
  return namespace;
}

function armsOf(
  namespace: string,
  { kind = 'Deployment' as WorkloadKind, name = 'checkout', client = cluster.client } = {},
): Arms {
  const options = { ...armsOptionsFor(cluster, namespace, clock), client };
  return derivedArmsFor(options, { image: 'registry.example/checkout:2', workload: `${kind}/${name}` });
}

function putObject(namespace: string, apiVersion: string, kind: string, spec: object, name = 'checkout'): void {
  put(cluster, { apiVersion, kind, metadata: { name, namespace }, spec });
}

const app = { name: 'app', image: 'registry.example/checkout:1' };

describe('a workload that belongs to an operator', () => {
  test.each([
    [
      'a controller',
      { ownerReferences: [{ apiVersion: 'acme.example/v1', kind: 'Shop', name: 'main', uid: 'u', controller: true }] },
      'Shop main',
    ],
    [
      'a lifecycle manager',
      { labels: { 'olm.owner': 'shop.v1', 'olm.owner.kind': 'ClusterServiceVersion' } },
      'ClusterServiceVersion shop.v1',
    ],
  ])('is refused: %s', async (_, metadata, owner) => {
    const namespace = await openShop({ metadata });
    await expect(armsOf(namespace).inspect(signal)).rejects.toMatchObject({
      code: 'unsupported',
      about: `Deployment ${namespace}/checkout`,
      problem: expect.stringContaining(`belongs to ${owner}`),
    });
  });

  test('is not refused for an owner that is no controller', async () => {
    const owner = { apiVersion: 'acme.example/v1', kind: 'Shop', name: 'main', uid: 'u' };
    const namespace = await openShop({ metadata: { ownerReferences: [owner] } });
    expect((await armsOf(namespace).inspect(signal)).warnings).toEqual([]);
  });
});

describe('a workload of which two versions can not run at once', () => {
  const volume = (claim: object = {}) => ({ name: 'data', persistentVolumeClaim: { claimName: 'data', ...claim } });
  const mounting = (mount: object = {}) => ({ ...app, volumeMounts: [{ name: 'data', mountPath: '/data', ...mount }] });
  const recreate = { strategy: { type: 'Recreate' } };
  const surgeless = { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } };

  test.each([
    ['Recreate, one pod that writes a claim', recreate, 1, 'ReadWriteOnce', /Recreate.*ReadWriteOnce/],
    ['one pod that writes a claim', {}, 1, 'ReadWriteOnce', /one pod that writes.*ReadWriteOnce/],
    ['a claim of one pod', {}, 1, 'ReadWriteOncePod', /ReadWriteOncePod/],
    ['maxSurge 0 and a claim', surgeless, 2, 'ReadWriteOnce', /maxSurge 0/],
  ])('is refused: %s', async (_, spec, replicas, mode, problem) => {
    const namespace = await openShop({ spec, replicas, podSpec: { containers: [mounting()], volumes: [volume()] } });
    putObject(namespace, 'v1', 'PersistentVolumeClaim', { accessModes: [mode] }, 'data');
    await expect(armsOf(namespace).inspect(signal)).rejects.toMatchObject({
      code: 'unsupported',
      problem: expect.stringMatching(problem),
    });
  });

  test.each([
    ['a port of the node', { containers: [{ ...app, ports: [{ containerPort: 80, hostPort: 80 }] }] }, /port 80/],
    ['the network of the node', { hostNetwork: true }, /hostNetwork/],
    [
      'a folder of the node',
      { containers: [mounting()], volumes: [{ name: 'data', hostPath: { path: '/var/data' } }] },
      /\/var\/data/,
    ],
  ])('is refused: Recreate, and %s', async (_, podSpec, problem) => {
    const namespace = await openShop({ spec: recreate, podSpec });
    await expect(armsOf(namespace).inspect(signal)).rejects.toMatchObject({ problem: expect.stringMatching(problem) });
  });

  test.each([
    ['a claim of many', 'ReadWriteMany', {}, {}],
    ['a mount for reading', 'ReadWriteOnce', { readOnly: true }, {}],
    ['a claim for reading', 'ReadWriteOnce', {}, { readOnly: true }],
  ])('is not refused for %s', async (_, mode, mount, claim) => {
    const podSpec = { containers: [mounting(mount)], volumes: [volume(claim)] };
    const namespace = await openShop({ podSpec });
    putObject(namespace, 'v1', 'PersistentVolumeClaim', { accessModes: [mode] }, 'data');
    expect((await armsOf(namespace).inspect(signal)).warnings).toEqual([]);
  });

  test('is told of where nothing but its strategy says so', async () => {
    const namespace = await openShop({ spec: recreate });
    expect((await armsOf(namespace).inspect(signal)).warnings).toEqual([expect.stringContaining('strategy Recreate')]);
  });

  test('is told of where one of its pods holds a Lease, and not of the Leases of others', async () => {
    const namespace = await openShop();
    const [pod] = await cluster.client.list(resources.pod, namespace, {}, signal);
    const lease = (name: string, holderIdentity: string) =>
      putObject(namespace, 'coordination.k8s.io/v1', 'Lease', { holderIdentity }, name);
    lease('checkout-worker', 'checkout-worker-6f7d8-x2x4z_1');
    lease('other', 'payments-6f7d8-x2x4z');
    expect((await armsOf(namespace).inspect(signal)).warnings).toEqual([]);
    lease('checkout', `${pod?.metadata.name}_0b1c`);
    expect((await armsOf(namespace).inspect(signal)).warnings).toEqual([
      expect.stringMatching(
        `^Lease ${namespace}/checkout is held by pod ${pod?.metadata.name}: .*take part in that election`,
      ),
    ]);
  });
});

describe('a name that is too long', () => {
  test.each([
    ['StatefulSet', 'c'.repeat(48), /48 characters.*63/],
    ['StatefulSet', 'c'.repeat(46), /46 characters/],
  ] as const)('is refused: %s %s', async (kind, name, problem) => {
    const namespace = await openShop({ kind, name, labels: { app: 'checkout' }, spec: { serviceName: 'checkout' } });
    await expect(armsOf(namespace, { kind, name }).inspect(signal)).rejects.toMatchObject({
      code: 'unsupported',
      problem: expect.stringMatching(problem),
    });
  });

  test('of the Service is refused in words of our own', async () => {
    const name = 'c'.repeat(57);
    const namespace = await openShop({ name, labels: { app: 'checkout' } });
    await expect(armsOf(namespace, { name }).inspect(signal)).rejects.toMatchObject({
      code: 'unsupported',
      about: `Service ${namespace}/${name}`,
    });
  });

  test('of 45 characters is none: the pods of the canary come up', async () => {
    const name = 'c'.repeat(45);
    const namespace = await openShop({ kind: 'StatefulSet', name, labels: { app: 'checkout' } });
    const arms = armsOf(namespace, { kind: 'StatefulSet', name });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    expect((await arms.health(snapshot, 'canary', signal)).ready).toBe(1);
  });
});

describe('whatever else selects the stable pods', () => {
  const byApp = { selector: { matchLabels: { app: 'checkout' } } };
  test.each([
    ['monitoring.coreos.com/v1', 'PodMonitor', byApp, /metrics do not show the canary/],
    ['operator.victoriametrics.com/v1beta1', 'VMPodScrape', byApp, /metrics do not show/],
    ['networking.istio.io/v1', 'Sidecar', { workloadSelector: { labels: { app: 'checkout' } } }, /set up without it/],
    [
      'autoscaling.k8s.io/v1',
      'VerticalPodAutoscaler',
      { targetRef: { kind: 'Deployment', name: 'checkout' } },
      /requests/,
    ],
    ['crd.projectcalico.org/v1', 'NetworkPolicy', { selector: "app in {'checkout'}" }, /can't be read/],
  ])('is told before the start: %s %s', async (apiVersion, kind, spec, sentence) => {
    const namespace = await openShop();
    putObject(namespace, apiVersion, kind, spec);
    const { warnings } = await armsOf(namespace).inspect(signal);
    expect(warnings).toEqual([expect.stringMatching(sentence)]);
    expect(warnings?.[0]).toContain(`${kind} ${namespace}/checkout`);
  });

  test.each([
    ['networking.k8s.io/v1', 'NetworkPolicy', { podSelector: { matchLabels: { app: 'checkout' } } }],
    [
      'networking.k8s.io/v1',
      'NetworkPolicy',
      {
        podSelector: { matchLabels: { app: 'db' } },
        ingress: [{ from: [{ podSelector: { matchLabels: { app: 'checkout' } } }] }],
      },
    ],
    ['cilium.io/v2', 'CiliumNetworkPolicy', { endpointSelector: { matchLabels: { 'k8s:app': 'checkout' } } }],
    ['crd.projectcalico.org/v1', 'NetworkPolicy', { selector: "app == 'checkout'" }],
    ['security.istio.io/v1', 'AuthorizationPolicy', byApp],
    ['security.istio.io/v1', 'PeerAuthentication', byApp],
    ['policy.linkerd.io/v1beta3', 'Server', { podSelector: { matchLabels: { app: 'checkout' } } }],
  ])('is refused where it is a policy of security: %s %s', async (apiVersion, kind, spec) => {
    const namespace = await openShop();
    putObject(namespace, apiVersion, kind, spec);
    await expect(armsOf(namespace).inspect(signal)).rejects.toMatchObject({
      code: 'unsupported',
      about: expect.stringContaining(`${kind} ${namespace}/checkout`),
      next: expect.stringContaining('app in (checkout, checkout-canary)'),
    });
  });

  test('is no matter where it selects both, by its own words or by a label that stays', async () => {
    const namespace = await openShop({ labels: { app: 'checkout', track: 'live' } });
    const both = { matchExpressions: [{ key: 'app', operator: 'In', values: ['checkout', 'checkout-canary'] }] };
    putObject(namespace, 'networking.k8s.io/v1', 'NetworkPolicy', { podSelector: both }, 'both');
    putObject(namespace, 'networking.k8s.io/v1', 'NetworkPolicy', { podSelector: {} }, 'all');
    putObject(namespace, 'security.istio.io/v1', 'AuthorizationPolicy', byApp);
    putObject(namespace, 'monitoring.coreos.com/v1', 'PodMonitor', byApp);
    const { warnings, data } = await armsOf(namespace).inspect(signal);
    expect(warnings).toEqual([]);
    // The Service selects by both labels, so it is the one that nobody else looks at which is changed.
    expect(JSON.stringify(data)).toContain('"track":"live-canary"');
  });

  test('a ServiceMonitor sees the Service of the canary, whose label it selects by', async () => {
    const namespace = await openShop();
    const labels = { 'acme.example/scrape': 'yes', 'acme.example/wave': '3' };
    put(cluster, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'checkout', namespace, labels } });
    const selector = { matchLabels: { 'acme.example/scrape': 'yes' } };
    putObject(namespace, 'monitoring.coreos.com/v1', 'ServiceMonitor', { selector });
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    expect(snapshot.warnings).toEqual([]);
    const [planned] = arms.preview(snapshot, 10);
    expect(planned?.after).toMatchObject({ metadata: { labels: { 'acme.example/scrape': 'yes' } } });
    expect(JSON.stringify(planned?.after)).not.toContain('acme.example/wave');
  });

  test('is not seen without the right to, which is told and no reason to refuse', async () => {
    const namespace = await openShop();
    putObject(namespace, 'monitoring.coreos.com/v1', 'PodMonitor', byApp);
    const required = armsOf(namespace).permissions.filter(({ optional }) => !optional);
    const { warnings } = await armsOf(namespace, { client: cluster.clientWith(required) }).inspect(signal);
    expect(warnings).toEqual([expect.stringMatching(/was not seen for these kinds.*NetworkPolicy.*PodMonitor/)]);
  });
});

test('pods that the API server refuses do not end the lab', async () => {
  const name = 'c'.repeat(60);
  const namespace = `refusals-${name.length}-long`;
  putShop(cluster, namespace, { kind: 'StatefulSet', name, replicas: 1, labels: { app: 'long' } });
  const list = () => cluster.client.list(resources.event, namespace, { fieldSelector: 'reason=FailedCreate' }, signal);
  while ((await list()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(JSON.stringify(await list())).toContain('must be no more than 63 bytes');
});
