import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { removeLeft } from '../../src/actions/drill/remove-left.ts';
import { resources } from '../../src/cluster/resources.ts';
import type { Json } from '../../src/core/json.ts';
import { concludeLeft } from '../../src/drills/conclude.ts';
import { createDrillStore } from '../../src/drills/record-store.ts';
import type { ConcludingWorld } from '../../src/drills/world.ts';
import { claimLease } from '../../src/ledger/lease.ts';
import { putReadyShop } from '../support/derived-shop.ts';
import { drillOptions } from '../support/drill-world.ts';
import { createQuickClock, type EmbeddedCluster, startEmbeddedCluster } from '../support/embedded-cluster.ts';
import { foreignWrites } from '../support/hostile-edits.ts';
import { put } from '../support/shop.ts';

/** A record of a drill that somebody else has written: it is believed in nothing that the objects themselves do not say. */
const namespace = 'shop';
const clock = createQuickClock(1_000);
const signal = new AbortController().signal;
const name = 'sluice-drill-checkout';
const reference = { type: resources.configMap, namespace, name };
let cluster: EmbeddedCluster;

const others = [
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'checkout', namespace },
    spec: {
      hosts: ['checkout'],
      http: [{ name: 'a', fault: { abort: { httpStatus: 503 } }, route: [{ destination: { host: 'checkout' } }] }],
    },
  },
  {
    apiVersion: 'chaos-mesh.org/v1alpha1',
    kind: 'NetworkChaos',
    metadata: { name: 'payments-0123abcd', namespace },
    spec: { action: 'delay' },
  },
  {
    apiVersion: 'chaos-mesh.org/v1alpha1',
    kind: 'PodNetworkChaos',
    metadata: { name: 'payments-1', namespace },
    spec: { tcs: [{ type: 'netem', source: 'shop/other' }] },
  },
  { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, spec: { unschedulable: true } },
];

beforeAll(async () => {
  cluster = await startEmbeddedCluster({ 'registry.example/checkout:1': {} });
  await putReadyShop(cluster, namespace, { name: 'payments', labels: { app: 'payments' }, replicas: 1 });
  for (const object of others) put(cluster, object);
});
afterAll(() => cluster.stop());

const options = drillOptions({ removeTimeout: 60_000_000 });
function worldOf(told: string[] = []): ConcludingWorld {
  const { client } = cluster;
  const lease = { type: resources.lease, namespace, name: 'sluice-checkout' };
  const holder = { identity: 'run-1', description: 'alice' };
  const faultWorld = { client, clock, drill: 'checkout', run: 'run-1', random: () => 0.5 };
  return {
    store: createDrillStore(client, { namespace, service: 'checkout' }),
    claim: (during) =>
      claimLease(
        { client, lease, rollout: 'checkout', holder, clock, duration: 15_000_000, nonce: () => 'nonce' },
        during,
      ),
    removeLeft: (kind, mark, during) => removeLeft(faultWorld, { kind, mark }, during),
    clock,
    emit: (event) => {
      if (event.type === 'removed') told.push(event.text);
    },
  };
}

function putRecord(record: string): void {
  const labels = { 'app.kubernetes.io/managed-by': 'sluice', 'sluice.dev/rollout': 'checkout' };
  put(cluster, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels }, data: { record } });
}

const isOurs = (entry: EmbeddedCluster['api']['audit'][number]) =>
  entry.namespace === namespace && (entry.name === name || entry.resource.startsWith('leases.'));

const recordOf = (...faults: readonly { readonly kind: string; readonly mark: Json }[]) => ({
  schema: 1,
  id: 'other',
  startedBy: 'mallory',
  startedAt: 1,
  faults: faults.map(({ kind, mark }, index) => ({ kind, text: `${kind} ${index}`, mark })),
});

const pod = { namespace, name: 'payments-1', uid: 'u', node: 'n1' };
const chaos = (kind: string, given: object = {}) => ({
  schema: 1,
  tool: 'chaos-mesh',
  run: 'other',
  kind,
  namespace,
  name: 'payments-0123abcd',
  labels: {},
  annotations: {},
  spec: {},
  pods: [{ namespace, name: 'payments-1', uid: 'u', hadRules: false }],
  targets: [],
  ...given,
});

/** Marks as Sluice writes them, of objects that it has not made or changed, and what is told of each. */
const forged: readonly (readonly [string, string, Json, RegExp])[] = [
  ['a kind that nobody knows', 'meteor', {}, /fault meteor: is of a kind that this version does not know/],
  ['a kind of the language', '__proto__', {}, /fault __proto__: is of a kind that this version does not know/],
  ['a mark of another kind', 'pod-kill', { kind: 'node-drain' }, /the mark of a pod-kill/],
  ['a mark that is none', 'node-drain', 'n1', /the mark of a node-drain/],
  [
    'a node that others have cordoned',
    'node-drain',
    { kind: 'node-drain', run: 'other', node: 'n1', wasCordoned: false, pods: [pod] },
    /Node n1: is cordoned by somebody else/,
  ],
  [
    'a workload of others',
    'scale-to-zero',
    {
      kind: 'scale-to-zero',
      run: 'other',
      namespace,
      workload: { kind: 'Deployment', name: 'payments' },
      from: 50,
      to: 1,
    },
    /Deployment shop\/payments: has 1 pods and was not scaled by this run/,
  ],
  [
    'a pod of others',
    'cpu-stress',
    {
      kind: 'cpu-stress',
      run: 'other',
      namespace,
      pods: [{ name: 'a', uid: 'u', node: 'n1', stress: 'PAYMENTS-POD' }],
    },
    /Pod shop\/payments-\S+: was not made by this run/,
  ],
  [
    'a route of others',
    'istio-abort',
    {
      ...{ kind: 'istio-abort', namespace, name: 'checkout', run: 'other', fault: { abort: { httpStatus: 503 } } },
      ...{ rules: [], counters: [], others: [] },
    },
    /^$/,
  ],
  ['chaos of others', 'network-delay', chaos('NetworkChaos'), /payments-0123abcd: was not made by this drill/],
  [
    'rules of other chaos',
    'network-delay',
    chaos('NetworkChaos', { name: 'gone-0123abcd' }),
    /not certain that its pods are free/,
  ],
  ['chaos in the cluster itself', 'manifest', chaos('PodChaos', { namespace: 'kube-system' }), /a fault of Chaos Mesh/],
  ['a name that is a path', 'pod-kill', { kind: 'pod-kill', pods: '../../secrets' }, /the mark of a pod-kill/],
];

async function stateOf(): Promise<string> {
  const kinds = [
    { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' },
    resources.pod,
    resources.virtualService,
    { apiVersion: 'chaos-mesh.org/v1alpha1', kind: 'NetworkChaos', plural: 'networkchaos' },
    { apiVersion: 'chaos-mesh.org/v1alpha1', kind: 'PodNetworkChaos', plural: 'podnetworkchaos' },
  ];
  const found = await Promise.all(kinds.map((type) => cluster.client.list(type, namespace, {}, signal)));
  return JSON.stringify(
    found.flat().map(({ kind, metadata, ...rest }) => [kind, metadata.name, metadata.uid, 'spec' in rest && rest.spec]),
  );
}

async function payments(): Promise<string> {
  const pods = await cluster.client.list(resources.pod, namespace, { labelSelector: 'app=payments' }, signal);
  return pods[0]?.metadata.name ?? '';
}

describe('a record of a drill that somebody else has written', () => {
  test.each(forged)('and that names %s changes nothing', async (_, kind, mark, told) => {
    const text = JSON.stringify(recordOf({ kind, mark })).replaceAll('PAYMENTS-POD', await payments());
    putRecord(text);
    const before = await stateOf();
    const from = cluster.api.audit.length;
    const removed: string[] = [];
    const outcome = await concludeLeft(worldOf(removed), options, 'any', signal);
    expect(foreignWrites(cluster, from, isOurs)).toEqual([]);
    expect(await stateOf()).toBe(before);
    if (removed.length > 0) return;
    expect(outcome?.left.join('\n')).toMatch(told);
    expect(outcome?.next).toContain('mode: discard-record');
    // It stays until somebody gives it up.
    expect(await cluster.client.find(reference, signal)).toBeDefined();
  });

  test('and that names much of it is refused in all', async () => {
    putRecord(JSON.stringify(recordOf(...forged.map(([, kind, mark]) => ({ kind, mark })))));
    const before = await stateOf();
    const from = cluster.api.audit.length;
    await concludeLeft(worldOf(), options, 'any', signal);
    expect(foreignWrites(cluster, from, isOurs)).toEqual([]);
    expect(await stateOf()).toBe(before);
  });

  test.each([
    ['no JSON', '{"schema": 1'],
    ['another schema', JSON.stringify({ ...recordOf(), schema: 2 })],
    ['nothing', ''],
    ['a list', '[]'],
    ['wrong times', JSON.stringify({ ...recordOf(), startedAt: 1e300 })],
    ['a deep text', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    [
      'too many faults',
      JSON.stringify(recordOf(...Array.from({ length: 10_000 }, () => ({ kind: 'meteor', mark: 1 })))),
    ],
  ])('and that is %s is refused by its name, with the way out', async (_, text) => {
    putRecord(text);
    const from = cluster.api.audit.length;
    await expect(concludeLeft(worldOf(), options, 'any', signal)).rejects.toMatchObject({
      code: 'unsupported',
      about: `ConfigMap ${namespace}/${name}`,
      next: expect.stringContaining('mode: discard-record'),
    });
    expect(foreignWrites(cluster, from, () => false)).toEqual([]);
  });

  test('and that is not marked as of Sluice is left as it is', async () => {
    await cluster.client.remove(reference, signal);
    const record = JSON.stringify(recordOf());
    put(cluster, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { record } });
    const from = cluster.api.audit.length;
    const { store } = worldOf();
    await expect(concludeLeft(worldOf(), options, 'any', signal)).rejects.toMatchObject({ code: 'conflict' });
    await expect(store.discard(signal)).rejects.toMatchObject({ code: 'conflict' });
    await store.remove(signal);
    expect(foreignWrites(cluster, from, () => false)).toEqual([]);
    await cluster.client.remove(reference, signal);
  });

  test('can be given up, and is told in a few words', async () => {
    const { store } = worldOf();
    expect(await store.discard(signal)).toBe('There was none.');
    putRecord('not JSON');
    expect(await store.discard(signal)).toBe('It named no fault.');
    const faults = Array.from({ length: 50 }, (_, index) => ({ text: `fault ${index}\n\u001b[31m${'x'.repeat(500)}` }));
    putRecord(JSON.stringify({ faults }));
    const told = await store.discard(signal);
    expect(told).toMatch(/^What these have injected stays as it is: fault 0 x+…; .*fault 9 x+…\.$/);
    expect(told.length).toBeLessThan(1_200);
    expect(await store.load(signal)).toBeUndefined();
  });
});

test('the record of a drill is written, read and removed', async () => {
  const { store } = worldOf();
  expect(store.object).toBe(`ConfigMap ${namespace}/${name}`);
  expect(await store.load(signal)).toBeUndefined();
  const record = { ...recordOf({ kind: 'pod-kill', mark: { a: [1] } }), schema: 1 } as const;
  await store.save(record, signal);
  expect(await store.load(signal)).toEqual(record);
  const labels = z
    .looseObject({ metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }) })
    .parse(await cluster.client.get(reference, signal)).metadata.labels;
  expect(labels).toEqual({ 'app.kubernetes.io/managed-by': 'sluice', 'sluice.dev/rollout': 'checkout' });
  await store.remove(signal);
  await store.remove(signal);
  expect(await store.load(signal)).toBeUndefined();
});
