import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../src/cluster/client.ts';
import { loadConfig } from '../../src/cluster/kubeconfig.ts';
import { type ObjectReference, resources } from '../../src/cluster/resources.ts';
import { connect } from '../../src/cluster/transport.ts';
import { istioFault, removeIstioFault } from '../../src/drills/faults/istio/fault.ts';
import { FAULT_ANNOTATION, type IstioFaultSettings } from '../../src/drills/faults/istio/mark.ts';
import type { FaultWorld } from '../../src/drills/faults/world.ts';
import { feltByRequests } from '../../src/drills/measure/felt-by-requests.ts';
import type { Tally } from '../../src/drills/ports.ts';
import { isEmbedded, type Mesh, openMesh } from './drill-mesh.ts';
import {
  client,
  clockWith,
  create,
  edit,
  fresh,
  losingAnswers,
  namespace,
  racing,
  refusal,
  servesIstio,
  signal,
  spec,
} from './routers-target.ts';

const world: FaultWorld = { client, clock: clockWith(), drill: 'nightly', run: 'run-1', random: Math.random };

function settingsOf(reference: ObjectReference, given: Partial<IstioFaultSettings> = {}): IstioFaultSettings {
  return {
    namespace: reference.namespace,
    name: reference.name,
    rules: { kind: 'all' },
    injection: { kind: 'abort', status: 503 },
    share: 20,
    lasts: 60_000,
    text: `istio-abort 503 20% on virtualservice/${reference.name}`,
    ...given,
  };
}

async function fixture() {
  const host = fresh('faulted');
  const route = [
    { destination: { host, subset: 'v1' }, weight: 100 },
    { destination: { host, subset: 'v2' }, weight: 0 },
  ];
  const http = [
    { match: [{ uri: { prefix: '/old' } }], redirect: { uri: '/new' } },
    { name: 'primary', match: [{ uri: { prefix: '/' } }], route, timeout: '3s', retries: { attempts: 2 } },
  ];
  return create(resources.virtualService, host, { spec: { hosts: [host], http } });
}

const annotationOf = async (reference: ObjectReference) =>
  (await client.get(reference, signal)).metadata.annotations?.[FAULT_ANNOTATION];

describe.runIf(servesIstio)('a fault on a VirtualService', () => {
  test.each([
    {},
    { header: { name: 'X-Drill', value: 'yes' } },
    { injection: { kind: 'delay', milliseconds: 500 } as const },
  ])('is injected and removed, each as often as asked: %o', async (given) => {
    const reference = await fixture();
    const before = await client.get(reference, signal);
    const fault = istioFault(settingsOf(reference, given), world);
    const aim = await fault.aim(signal);
    expect((await client.get(reference, signal)).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    expect(aim.writes).toEqual([expect.stringMatching(/^patch VirtualService \S+: .* of http\[1\] "primary"$/)]);
    await fault.inject(aim.mark, signal);
    const faulted = await client.get(reference, signal);
    expect(faulted.spec).not.toEqual(before.spec);
    await fault.inject(aim.mark, signal);
    expect((await client.get(reference, signal)).metadata.resourceVersion).toBe(faulted.metadata.resourceVersion);
    // Another process has nothing but the mark, as text.
    const mark = JSON.parse(JSON.stringify(aim.mark));
    await removeIstioFault({ client, drill: 'nightly' }, mark, signal);
    expect(await spec(reference)).toEqual(before.spec);
    const after = await client.get(reference, signal);
    expect(after.metadata.annotations).toEqual(before.metadata.annotations);
    expect(after.metadata.managedFields?.map(({ manager }) => manager)).toEqual(['kubectl-create']);
    await fault.remove(aim.mark, signal);
    expect((await client.get(reference, signal)).metadata.resourceVersion).toBe(after.metadata.resourceVersion);
  });

  test('is written once although the answer was lost, and beside what others write at the same moment', async () => {
    const lost = await fixture();
    const fault = istioFault(settingsOf(lost), { ...world, client: losingAnswers() });
    const { mark } = await fault.aim(signal);
    await fault.inject(mark, signal);
    expect(await spec(lost)).toMatchObject({ http: [{}, { fault: { abort: { httpStatus: 503 } } }] });

    const raced = await fixture();
    const weights = [{ op: 'replace', path: '/spec/http/1/route/0/weight', value: 90 }];
    const other = istioFault(settingsOf(raced), { ...world, client: racing(raced, weights) });
    const aim = await other.aim(signal);
    await other.inject(aim.mark, signal);
    expect(await spec(raced)).toMatchObject({ http: [{}, { fault: {}, route: [{ weight: 90 }, {}] }] });
    await other.remove(aim.mark, signal);
    expect(await spec(raced)).toMatchObject({ http: [{}, { route: [{ weight: 90 }, {}] }] });
  });

  test('that others have edited is left and told, again and again', async () => {
    const reference = await fixture();
    const fault = istioFault(settingsOf(reference), world);
    const { mark } = await fault.aim(signal);
    await fault.inject(mark, signal);
    await edit(reference, [{ op: 'replace', path: '/spec/http/1/fault/abort/percentage/value', value: 60 }]);
    for (const _ of [1, 2]) {
      const error = await refusal(fault.remove(mark, signal));
      expect(error.code).toBe('foreign-edit');
      expect(error.about).toContain('http[1] "primary"');
    }
    expect((await fault.effect(mark, signal)).felt).toBe('unknown');
    await edit(reference, [{ op: 'remove', path: '/spec/http/1/fault' }]);
    await fault.remove(mark, signal);
    expect(await annotationOf(reference)).toBeUndefined();
  });

  test('without its annotation is told and not touched, and a mark of another run neither', async () => {
    const reference = await fixture();
    const fault = istioFault(settingsOf(reference), world);
    const { mark } = await fault.aim(signal);
    await fault.inject(mark, signal);
    const found = await spec(reference);
    const stranger = istioFault(settingsOf(reference), { ...world, run: 'run-2' });
    expect((await refusal(stranger.aim(signal))).problem).toContain('carries a fault of drill "nightly", run run-1');
    const forged = { ...JSON.parse(JSON.stringify(mark)), run: 'run-2' };
    expect((await refusal(stranger.remove(forged, signal))).code).toBe('locked');
    expect((await refusal(removeIstioFault({ client, drill: 'other' }, mark, signal))).code).toBe('locked');
    expect((await refusal(stranger.remove({ kind: 'istio-abort' }, signal))).code).toBe('unsupported');
    const pointer = `/metadata/annotations/${FAULT_ANNOTATION.replace('/', '~1')}`;
    await edit(reference, [{ op: 'remove', path: pointer }]);
    expect((await refusal(fault.remove(mark, signal))).problem).toContain('without the annotation');
    expect(await spec(reference)).toEqual(found);
  });

  test('of a VirtualService that is gone needs nothing', async () => {
    const reference = await fixture();
    const fault = istioFault(settingsOf(reference), world);
    const { mark } = await fault.aim(signal);
    await fault.inject(mark, signal);
    await client.remove(reference, signal);
    await fault.remove(mark, signal);
    expect((await fault.effect(mark, signal)).felt).toBe('unknown');
    expect((await refusal(fault.aim(signal))).code).toBe('not-found');
  });

  test('is refused where Argo CD would take it out', async () => {
    const reference = await fixture();
    const manifest = {
      apiVersion: reference.type.apiVersion,
      kind: reference.type.kind,
      metadata: { name: reference.name, namespace },
      spec: await spec(reference),
    };
    await client.apply(reference.type, manifest, signal, { force: true, fieldManager: 'argocd-controller' });
    const error = await refusal(istioFault(settingsOf(reference), world).aim(signal));
    expect(error.problem).toContain('would set the fault back');
    await istioFault(settingsOf(reference, { gitops: 'ignore-rule-present' }), world).aim(signal);
  });

  test('warns of retries that do not help, and of rules without requests', async () => {
    const reference = await fixture();
    await edit(reference, [
      { op: 'add', path: '/spec/http/-', value: { name: 'late', route: [{ destination: { host: reference.name } }] } },
    ]);
    const { warnings } = await istioFault(settingsOf(reference), world).aim(signal);
    expect(warnings).toEqual(
      expect.arrayContaining([
        'http[2] "late" gets no requests: http[1] "primary" takes them all.',
        expect.stringContaining('http[1] "primary" has retries, but'),
      ]),
    );
    const late = istioFault(settingsOf(reference, { rules: { kind: 'rule', rule: 'late' } }), world);
    expect((await refusal(late.aim(signal))).problem).toContain('gets no requests');
  });
});

describe('a fault in the data plane', () => {
  let mesh: Mesh;
  beforeAll(async () => {
    mesh = await openMesh();
  }, 60_000);
  afterAll(async () => {
    await mesh?.close();
  });

  const meshClient = () => createClient(connect(loadConfig({ kubeconfig: mesh.kubeconfig, context: '', env: {} }), {}));

  function inMesh(given: Partial<IstioFaultSettings>) {
    const through = meshClient();
    const named = settingsOf({ type: resources.virtualService, namespace: mesh.namespace, name: 'checkout' }, given);
    return istioFault({ ...named, ...(mesh.proxies && { proxies: mesh.proxies }) }, { ...world, client: through });
  }

  async function tallies(count: number, headers: Record<string, string> = {}): Promise<Tally[]> {
    const list: Tally[] = [];
    for (let sent = 0; sent < count; sent += 1) list.push(await mesh.ask(headers));
    return list;
  }

  test('aborts the injected share of the requests, as the proxies and the requests tell', async () => {
    const fault = inMesh({ share: 50 });
    const before = await tallies(60);
    const { mark } = await fault.aim(signal);
    await fault.inject(mark, signal);
    try {
      await expect.poll(async () => (await mesh.ask({})).fault ?? '', { timeout: 20_000 }).toBe('HTTP 503');
      const during = await tallies(60);
      expect(feltByRequests(before, during, { kind: 'abort', fault: 'HTTP 503', share: 50 }).felt).toBe('felt');
      expect(await fault.effect(mark, signal)).toEqual({
        felt: 'felt',
        evidence: expect.stringMatching(/^\d+ prox(y|ies) of the route injected \d+ aborts$/),
      });
    } finally {
      await fault.remove(mark, signal);
    }
    await expect.poll(async () => (await tallies(20)).every(({ bad }) => bad === 0), { timeout: 20_000 }).toBe(true);
  }, 90_000);

  test('delays only the requests with the header', async () => {
    const header = { name: 'X-Drill', value: 'yes' };
    const fault = inMesh({ share: 100, injection: { kind: 'delay', milliseconds: 200 }, header });
    const before = await tallies(20, { 'x-drill': 'yes' });
    const { mark } = await fault.aim(signal);
    await fault.inject(mark, signal);
    try {
      await expect
        .poll(async () => (await mesh.ask({ 'x-drill': 'yes' })).took ?? 0, { timeout: 20_000 })
        .toBeGreaterThanOrEqual(190);
      const injected = { kind: 'delay', milliseconds: 200, share: 100 } as const;
      const clean = await tallies(20);
      expect(feltByRequests(before, await tallies(20, { 'x-drill': 'yes' }), injected).felt).toBe('felt');
      expect(feltByRequests(before, clean, injected).felt).toBe('not-felt');
      expect((await fault.effect(mark, signal)).felt).toBe('felt');
    } finally {
      await fault.remove(mark, signal);
    }
  }, 90_000);

  test('of others, which the proxies count as well, keeps their counters from proving anything', async () => {
    const through = meshClient();
    const manifest = {
      apiVersion: resources.virtualService.apiVersion,
      kind: 'VirtualService',
      metadata: { name: 'theirs', namespace: mesh.namespace },
      spec: {
        hosts: ['theirs.example'],
        ...(isEmbedded ? {} : { gateways: ['istio-system/ingress'] }),
        http: [
          {
            route: [{ destination: { host: 'theirs' } }],
            fault: { abort: { percentage: { value: 1 }, httpStatus: 500 } },
          },
        ],
      },
    };
    const fault = inMesh({ share: 100 });
    const { mark } = await fault.aim(signal);
    await fault.inject(mark, signal);
    await expect.poll(async () => (await mesh.ask({})).fault ?? '', { timeout: 20_000 }).toBe('HTTP 503');
    expect((await fault.effect(mark, signal)).felt).toBe('felt');
    await through.create(resources.virtualService, manifest, signal);
    expect(await fault.effect(mark, signal)).toEqual({
      felt: 'unknown',
      evidence: expect.stringContaining(`those of VirtualService ${mesh.namespace}/theirs count as well`),
    });
    await through.remove({ type: resources.virtualService, namespace: mesh.namespace, name: 'theirs' }, signal);
    await fault.remove(mark, signal);
  }, 90_000);

  test.runIf(isEmbedded)(
    'is not felt where the proxies do not follow the route',
    async () => {
      await mesh.stopFollowing?.();
      const fault = inMesh({ share: 50 });
      const { mark } = await fault.aim(signal);
      await fault.inject(mark, signal);
      expect((await fault.effect(mark, signal)).felt).toBe('unknown');
      await tallies(30);
      expect(await fault.effect(mark, signal)).toEqual({
        felt: 'not-felt',
        evidence: '1 proxy of the route injected no aborts in 30 requests',
      });
      await fault.remove(mark, signal);
    },
    90_000,
  );
});
