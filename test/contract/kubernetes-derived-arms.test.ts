import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { deployments } from '../../lab/embedded/api-server/resources.ts';
import type { Arms } from '../../src/canary/ports.ts';
import type { KubernetesClient } from '../../src/cluster/client.ts';
import { type ResourceType, resources } from '../../src/cluster/resources.ts';
import type { KubernetesObject } from '../../src/cluster/schema.ts';
import { SluiceError } from '../../src/core/errors.ts';
import { type ArmsOptions, type DerivedRelease, derivedArms } from '../../src/workloads/arms/arms.ts';
import { parseConfigManifests } from '../../src/workloads/config-copies.ts';
import { parseImages } from '../../src/workloads/images.ts';
import { parseWorkloadInput } from '../../src/workloads/workload.ts';
import {
  Crash,
  createQuickClock,
  dyingClient,
  type EmbeddedCluster,
  startEmbeddedCluster,
} from '../support/embedded-cluster.ts';
import { put, putAutoscaler, putShop, type ShopChange } from '../support/shop.ts';

const clock = createQuickClock(50);
let cluster: EmbeddedCluster;
beforeAll(async () => {
  cluster = await startEmbeddedCluster({
    'registry.example/checkout:1': {},
    'registry.example/checkout:2': {},
    'registry.example/checkout:crash': { crashAfter: 5 },
    'registry.example/checkout:never-ready': { neverReady: true },
    'registry.example/checkout:late': { pullFailure: '503 Service Unavailable' },
  });
});
afterAll(() => cluster.stop());

const signal = new AbortController().signal;
const learn = async () => undefined;

let count = 0;
/** A namespace with Deployment `checkout`, its three pods available. */
async function openShop(change: ShopChange = {}): Promise<string> {
  count += 1;
  const namespace = `derived-${count}`;
  putShop(cluster, namespace, change);
  const { kind = 'Deployment', replicas = 3 } = change;
  const type = kind === 'Deployment' ? resources.deployment : resources.statefulSet;
  await until(async () => ((await read(type, namespace, 'checkout')).status.readyReplicas ?? 0) === replicas);
  return namespace;
}

function armsOf(namespace: string, release: Partial<DerivedRelease> = {}, options: Partial<ArmsOptions> = {}): Arms {
  return derivedArms(
    {
      client: cluster.client,
      namespace,
      clock,
      rollout: 'checkout',
      drain: 10,
      lifetime: cluster.lifetime,
      ...options,
    },
    {
      workload: parseWorkloadInput('deployment/checkout', 'workload'),
      images: parseImages('registry.example/checkout:2'),
      config: [],
      joinService: false,
      minReplicas: 1,
      gitops: 'refuse',
      ...release,
    },
  );
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const object = z.looseObject({
  metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()).optional() }),
  spec: z
    .looseObject({
      replicas: z.number().optional(),
      selector: z.unknown().optional(),
      template: z
        .looseObject({
          metadata: z.looseObject({ annotations: z.record(z.string(), z.string()).optional() }).optional(),
          spec: z.looseObject({ containers: z.array(z.looseObject({ image: z.string() })) }),
        })
        .optional(),
    })
    .prefault({}),
  status: z.looseObject({ readyReplicas: z.number().optional() }).prefault({}),
  data: z.record(z.string(), z.string()).optional(),
});

async function read(type: ResourceType, namespace: string, name: string) {
  return object.parse(await cluster.client.get({ type, namespace, name }, signal));
}

async function exists(type: ResourceType, namespace: string, name: string): Promise<boolean> {
  return (await cluster.client.find({ type, namespace, name }, signal)) !== undefined;
}

const kinds = [
  resources.deployment,
  resources.service,
  resources.configMap,
  resources.secret,
  resources.horizontalPodAutoscaler,
  resources.podDisruptionBudget,
  resources.destinationRule,
];

/** All that a person wrote or Sluice made in a namespace, without what the server and its controllers add. */
async function contents(namespace: string): Promise<string[]> {
  const lists = await Promise.all(kinds.map((type) => cluster.client.list(type, namespace, {}, signal)));
  return lists.flat().map(({ kind, metadata, spec, data }: KubernetesObject) => {
    const { 'deployment.kubernetes.io/revision': _, ...annotations } = metadata.annotations ?? {};
    const told = { kind, name: metadata.name, labels: metadata.labels, annotations, spec, data };
    return JSON.stringify(told).replaceAll(namespace, 'NAMESPACE');
  });
}

function writesSince(before: number): string[] {
  return (
    cluster.api.audit
      .slice(before)
      .filter(({ verb, dryRun }) => !dryRun && !['get', 'list', 'watch'].includes(verb))
      // To ask for one's own rights changes nothing.
      .filter(({ resource }) => !resource.startsWith('selfsubject'))
      .filter(({ user, fieldManager }) => user === 'admin' && fieldManager !== 'embedded-lab')
      .map(({ verb, resource, name }) => `${verb} ${resource} ${name}`)
  );
}

describe('inspect', () => {
  test('writes nothing and tells what identifies the release', async () => {
    const namespace = await openShop();
    const before = await contents(namespace);
    const audited = cluster.api.audit.length;
    const image = `${cluster.byDigest('registry.example/checkout:2')}`;
    const snapshot = await armsOf(namespace, { images: parseImages(image) }).inspect(signal);
    expect(snapshot).toMatchObject({
      stable: `Deployment ${namespace}/checkout`,
      canary: `Deployment ${namespace}/checkout-canary`,
      revision: image.split('@')[1],
    });
    expect(writesSince(audited)).toEqual([]);
    expect(await contents(namespace)).toEqual(before);
  });

  test('identifies an image without a digest by the resulting pod template, the same one each time', async () => {
    const namespace = await openShop();
    const [first, second, other] = await Promise.all([
      armsOf(namespace).inspect(signal),
      armsOf(namespace).inspect(signal),
      armsOf(namespace, { images: parseImages('registry.example/checkout:3') }).inspect(signal),
    ]);
    expect(first.revision).toMatch(/^template-[0-9a-f]{16}$/);
    expect(second.revision).toBe(first.revision);
    expect(other.revision).not.toBe(first.revision);
  });

  test('names the workloads that exist when the one asked for does not, and what a first release needs', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace, { workload: parseWorkloadInput('deployment/chekout', 'workload') });
    await expect(arms.inspect(signal)).rejects.toMatchObject({
      code: 'not-found',
      about: `Deployment ${namespace}/chekout`,
      next: expect.stringMatching(/deployment\/checkout.*first release.*without a canary/),
    });
  });

  test('finds the workload by its labels, and names the candidates when several have them', async () => {
    const namespace = await openShop({ metadata: { labels: { part: 'web' } } });
    const arms = armsOf(namespace, { workload: parseWorkloadInput('part=web', 'workload') });
    expect((await arms.inspect(signal)).stable).toBe(`Deployment ${namespace}/checkout`);

    putShop(cluster, namespace, { name: 'basket', labels: { app: 'basket' }, metadata: { labels: { part: 'web' } } });
    await expect(arms.inspect(signal)).rejects.toMatchObject({
      code: 'not-found',
      problem: expect.stringContaining('deployment/basket, deployment/checkout'),
    });
  });

  test('refuses a release that changes nothing', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace, { images: parseImages('registry.example/checkout:1') });
    await expect(arms.inspect(signal)).rejects.toMatchObject({
      code: 'invalid-input',
      problem: expect.stringContaining('nothing to release'),
    });
  });

  test('names the containers when the one asked for is none of them', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace, { images: parseImages('web=registry.example/checkout:2') });
    await expect(arms.inspect(signal)).rejects.toMatchObject({ code: 'invalid-input', next: 'It has app.' });
  });

  test('refuses a stable workload that does not serve', async () => {
    const namespace = await openShop({ replicas: 0 });
    await expect(armsOf(namespace).inspect(signal)).rejects.toMatchObject({
      code: 'not-ready',
      problem: expect.stringContaining('0 of 0 pods are ready'),
    });
  });

  test('never takes over an object that somebody else made', async () => {
    const namespace = await openShop();
    put(cluster, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'checkout-canary', namespace }, spec: {} });
    await expect(armsOf(namespace).inspect(signal)).rejects.toMatchObject({
      code: 'conflict',
      about: `Service ${namespace}/checkout-canary`,
      problem: expect.stringContaining('not made by this rollout'),
    });
  });

  test('asks for the Service where several select the stable pods', async () => {
    const namespace = await openShop();
    put(cluster, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'checkout-metrics', namespace },
      spec: { selector: { app: 'checkout' }, ports: [{ port: 9090 }] },
    });
    await expect(armsOf(namespace).inspect(signal)).rejects.toMatchObject({
      code: 'invalid-input',
      about: 'input "service"',
      problem: expect.stringContaining('checkout, checkout-metrics'),
    });
    const snapshot = await armsOf(namespace, { service: 'checkout' }).inspect(signal);
    expect(JSON.stringify(snapshot.data)).toContain('"service":"checkout-canary"');
  });

  test('refuses a workload that a GitOps controller would set back, unless it was told not to', async () => {
    const namespace = await openShop();
    const key = { resource: deployments, namespace, name: 'checkout' };
    const applied = cluster.api.registry.get(key);
    cluster.api.registry.remove(key, {});
    const { resourceVersion: _, uid: __, ...metadata } = applied.metadata;
    cluster.api.registry.create(deployments, namespace, { ...applied, metadata }, { manager: 'argocd-controller' });
    await until(async () => (await read(resources.deployment, namespace, 'checkout')).status.readyReplicas === 3);
    await expect(armsOf(namespace).inspect(signal)).rejects.toMatchObject({
      code: 'unsupported',
      problem:
        'is applied by Argo CD (field manager "argocd-controller"), which would set the image and the config back.',
      next: expect.stringMatching(
        /"mode: shift"; commit the new image and let Argo CD synchronise; "mode: finish"[\s\S]*\n {2}mode: shift/,
      ),
    });
    await armsOf(namespace, { gitops: 'ignore-rule-present' }).inspect(signal);
  });

  test('refuses what a copy can not do: volume claims, a paused rollout', async () => {
    const paused = await openShop();
    await cluster.client.patchMerge(
      { type: resources.deployment, namespace: paused, name: 'checkout' },
      { spec: { paused: true } },
      signal,
    );
    await expect(armsOf(paused).inspect(signal)).rejects.toMatchObject({
      code: 'unsupported',
      problem: expect.stringContaining('paused'),
    });

    const volumes = await openShop({
      kind: 'StatefulSet',
      spec: { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }] },
    });
    const arms = armsOf(volumes, { workload: parseWorkloadInput('statefulset/checkout', 'workload') });
    await expect(arms.inspect(signal)).rejects.toMatchObject({
      code: 'unsupported',
      problem: expect.stringContaining('volume claim templates'),
    });
  });
});

describe('prepare', () => {
  test('makes the canary with the new image, sized for its weight, and waits for its pods', async () => {
    const namespace = await openShop({ podSpec: { terminationGracePeriodSeconds: 7 } });
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 50, signal);

    const canary = await read(resources.deployment, namespace, 'checkout-canary');
    expect(canary.spec.replicas).toBe(2);
    expect(canary.status.readyReplicas).toBe(2);
    expect(canary.spec.template?.spec).toMatchObject({
      containers: [{ image: 'registry.example/checkout:2' }],
      terminationGracePeriodSeconds: 7,
    });
    expect(canary.metadata.labels).toMatchObject({
      'app.kubernetes.io/managed-by': 'sluice',
      'sluice.dev/rollout': 'checkout',
    });
    expect(await arms.health(snapshot, 'canary', signal)).toEqual({ desired: 2, ready: 2, problems: [] });
  });

  test('gives the canary its own Service, and no other Service picks its pods', async () => {
    const namespace = await openShop();
    put(cluster, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'every-tier', namespace },
      spec: { selector: { app: 'checkout' }, ports: [{ port: 80 }] },
    });
    const arms = armsOf(namespace, { service: 'checkout' });
    await arms.prepare(await arms.inspect(signal), 100, signal);

    const endpoints = async (name: string) => {
      const labelSelector = `kubernetes.io/service-name=${name}`;
      const slices = await cluster.client.list(resources.endpointSlice, namespace, { labelSelector }, signal);
      return slices.flatMap((slice) => JSON.stringify(slice.endpoints).match(/checkout-(canary-)?/g) ?? []);
    };
    expect(new Set(await endpoints('checkout'))).toEqual(new Set(['checkout-']));
    expect(new Set(await endpoints('every-tier'))).toEqual(new Set(['checkout-']));
    expect(new Set(await endpoints('checkout-canary'))).toEqual(new Set(['checkout-canary-']));
  });

  test('never makes the canary smaller', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    await arms.prepare(snapshot, 10, signal);
    expect((await read(resources.deployment, namespace, 'checkout-canary')).spec.replicas).toBe(3);
  });

  test('ends at once, with the reason, when the pods can not come up', async () => {
    const namespace = await openShop();
    const crashing = armsOf(namespace, { images: parseImages('registry.example/checkout:crash') });
    await expect(crashing.prepare(await crashing.inspect(signal), 10, signal)).rejects.toMatchObject({
      code: 'not-ready',
      about: expect.stringMatching(/Pod .*checkout-canary-.*, container app/),
      problem: expect.stringMatching(/CrashLoopBackOff \(exit code 1\)|Restarted/),
      next: expect.stringContaining(`kubectl -n ${namespace} logs`),
    });
    const missing = armsOf(namespace, { images: parseImages('registry.example/checkout:gone') });
    await expect(missing.prepare(await missing.inspect(signal), 10, signal)).rejects.toMatchObject({
      code: 'not-ready',
      problem: expect.stringMatching(/ImagePull.*registry\.example\/checkout:gone/),
    });
  });

  test.each([
    ['never-ready', 'ContainersNotReady', /^was not ready within 60 s\. 0 of 1 pods are ready\.$/],
    [
      'late',
      'Service Unavailable',
      /pods are ready\. Pod checkout-canary-\S+: ImagePullBackOff \(.*: 503 Service Unavailable\)\.$/,
    ],
  ])('says at the deadline how far the pods were, and what they waited for: %s', async (tag, shown, problem) => {
    const namespace = await openShop();
    const arms = armsOf(namespace, { images: parseImages(`registry.example/checkout:${tag}`) });
    const snapshot = await arms.inspect(signal);
    const deadline = new AbortController();
    const prepared = arms.prepare(snapshot, 10, deadline.signal);
    const canary = { labelSelector: 'sluice.dev/arm=canary' };
    const podsShow = async () => JSON.stringify(await cluster.client.list(resources.pod, namespace, canary, signal));
    await until(async () => (await podsShow()).includes(shown));
    await until(async () => (await arms.health(snapshot, 'canary', signal)).desired === 1);
    const detail = { about: snapshot.canary, problem: 'was not ready within 60 s.', next: 'Look.' };
    setTimeout(() => deadline.abort(new SluiceError('not-ready', detail)), 50);
    await expect(prepared).rejects.toMatchObject({ code: 'not-ready', problem: expect.stringMatching(problem) });
  });

  test('stops with the reason of its signal', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace, { images: parseImages('registry.example/checkout:never-ready') });
    const snapshot = await arms.inspect(signal);
    const stop = new AbortController();
    const prepared = arms.prepare(snapshot, 10, stop.signal);
    await until(() => exists(resources.deployment, namespace, 'checkout-canary'));
    stop.abort(new Error('cancelled'));
    await expect(prepared).rejects.toThrow('cancelled');
  });
});

describe('promote', () => {
  test('makes the stable workload the new version and sends the route back', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    expect(await arms.promote(snapshot, learn, signal)).toEqual({ routeBackToStable: true });
    const stable = await read(resources.deployment, namespace, 'checkout');
    expect(stable.spec.template?.spec.containers).toMatchObject([{ image: 'registry.example/checkout:2' }]);
    const digest = cluster.byDigest('registry.example/checkout:2').split('@')[1];
    expect(await arms.verify(snapshot, signal)).toEqual({
      digest,
      evidence: `3 of 3 pods are ready and run ${digest}`,
    });

    await arms.retire(snapshot, signal);
    expect(await exists(resources.deployment, namespace, 'checkout-canary')).toBe(false);
    expect(await exists(resources.service, namespace, 'checkout-canary')).toBe(false);
  });

  test('does not write over an image that somebody else has deployed meanwhile', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    const reference = { type: resources.deployment, namespace, name: 'checkout' };
    const image = {
      op: 'replace',
      path: '/spec/template/spec/containers/0/image',
      value: 'registry.example/checkout:hotfix',
    } as const;
    await cluster.client.patchJson(reference, [image], signal);

    await expect(arms.promote(snapshot, learn, signal)).rejects.toMatchObject({
      code: 'conflict',
      about: `Deployment ${namespace}/checkout`,
    });
    await arms.undo(snapshot, signal);
    expect((await read(resources.deployment, namespace, 'checkout')).spec.template?.spec.containers).toMatchObject([
      { image: 'registry.example/checkout:hotfix' },
    ]);
  });

  test('is not proven by pods of another version', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 10, signal);
    await expect(arms.verify(snapshot, signal)).rejects.toMatchObject({
      code: 'not-ready',
      problem: expect.stringContaining('its pod template was changed by somebody else'),
    });
  });
});

describe('undo', () => {
  test('leaves nothing behind', async () => {
    const namespace = await openShop();
    const before = await contents(namespace);
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 50, signal);
    await arms.undo(snapshot, signal);
    expect(await contents(namespace)).toEqual(before);
  });

  test('takes a promotion back, by a run that was asked for something else', async () => {
    const namespace = await openShop();
    const before = await contents(namespace);
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    await arms.promote(snapshot, learn, signal);
    await armsOf(namespace, { images: parseImages('registry.example/checkout:3') }).undo(snapshot, signal);
    expect(await contents(namespace)).toEqual(before);
  });

  test('leaves an object alone that somebody else made under the same name', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    put(cluster, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'checkout-canary', namespace }, spec: {} });
    await arms.undo(snapshot, signal);
    expect(await exists(resources.service, namespace, 'checkout-canary')).toBe(true);
  });
});

describe('taking a promotion back while the canary keeps the requests', () => {
  test('makes the stable workload what was found, proves it, and leaves the canary as it is', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    await arms.promote(snapshot, learn, signal);
    await expect(arms.verifyUndone(snapshot, AbortSignal.timeout(200))).rejects.toThrow();

    await arms.undoPromotion(snapshot, signal);
    await arms.undoPromotion(snapshot, signal);
    const { spec, status } = await read(resources.deployment, namespace, 'checkout');
    expect(spec.template?.spec.containers).toMatchObject([{ image: 'registry.example/checkout:1' }]);
    expect(status.readyReplicas).toBe(3);
    expect(await exists(resources.deployment, namespace, 'checkout-canary')).toBe(true);
    const proof = await arms.verifyUndone(snapshot, signal);
    expect(proof?.digest).toBe(cluster.byDigest('registry.example/checkout:1').split('@')[1]);
    expect(await arms.health(snapshot, 'canary', signal)).toMatchObject({ ready: 3, desired: 3 });
    await arms.undo(snapshot, signal);
  });
});

describe('autoscaling', () => {
  const autoscaler = z.looseObject({ spec: z.looseObject({ minReplicas: z.number(), maxReplicas: z.number() }) });
  const limits = async (namespace: string, name: string) =>
    autoscaler.parse(await cluster.client.get({ type: resources.horizontalPodAutoscaler, namespace, name }, signal))
      .spec;

  test('keeps both arms large enough during the canary and gives the limits back after it', async () => {
    const namespace = await openShop({ replicas: 4 });
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 1, maxReplicas: 6 });
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 50, signal);
    expect(await limits(namespace, 'checkout')).toMatchObject({ minReplicas: 4, maxReplicas: 6 });
    expect(await limits(namespace, 'checkout-canary')).toMatchObject({ minReplicas: 2, maxReplicas: 6 });
    await arms.prepare(snapshot, 100, signal);
    expect(await limits(namespace, 'checkout-canary')).toMatchObject({ minReplicas: 4 });

    await arms.promote(snapshot, learn, signal);
    expect((await read(resources.deployment, namespace, 'checkout')).status.readyReplicas).toBe(4);
    await arms.retire(snapshot, signal);
    expect(await limits(namespace, 'checkout')).toMatchObject({ minReplicas: 1, maxReplicas: 6 });
    expect(await exists(resources.horizontalPodAutoscaler, namespace, 'checkout-canary')).toBe(false);
  });

  test('does not send traffic back to fewer pods than the canary has grown to', async () => {
    const namespace = await openShop();
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 1, maxReplicas: 10 });
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    const grown = [{ op: 'replace', path: '/spec/replicas', value: 5 }] as const;
    await cluster.client.patchJson({ type: resources.deployment, namespace, name: 'checkout-canary' }, grown, signal);
    await until(async () => (await arms.health(snapshot, 'canary', signal)).ready === 5);
    await arms.promote(snapshot, learn, signal);
    expect((await read(resources.deployment, namespace, 'checkout')).status.readyReplicas).toBe(5);
  });

  test('copes with somebody who scales between a reading and a writing', async () => {
    const namespace = await openShop();
    const reference = { type: resources.deployment, namespace, name: 'checkout' };
    let scaled = false;
    const client: KubernetesClient = {
      ...cluster.client,
      async patchJson(patched, operations, during) {
        if (!scaled && patched.name === 'checkout' && JSON.stringify(operations).includes('/spec/replicas')) {
          scaled = true;
          await cluster.client.patchJson(reference, [{ op: 'replace', path: '/spec/replicas', value: 4 }], signal);
        }
        return cluster.client.patchJson(patched, operations, during);
      },
    };
    const arms = armsOf(namespace, { joinService: true }, { client });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    await cluster.client.patchJson(reference, [{ op: 'replace', path: '/spec/replicas', value: 2 }], signal);
    await arms.promote(snapshot, learn, signal);
    expect(scaled).toBe(true);
  });

  test('leaves a minimum alone that somebody else has set meanwhile', async () => {
    const namespace = await openShop();
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 1, maxReplicas: 6 });
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 50, signal);
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 5, maxReplicas: 6 });
    await arms.undo(snapshot, signal);
    expect(await limits(namespace, 'checkout')).toMatchObject({ minReplicas: 5 });
  });
});

describe('a disruption budget on the stable pods', () => {
  test('gets a counterpart that lets one canary pod go at a time', async () => {
    const namespace = await openShop();
    const spec = { minAvailable: 2, selector: { matchLabels: { app: 'checkout' } } };
    put(cluster, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'checkout', namespace },
      spec,
    });
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 10, signal);
    const budget = await read(resources.podDisruptionBudget, namespace, 'checkout-canary');
    expect(budget.spec).toMatchObject({ maxUnavailable: 1, selector: { matchLabels: { app: 'checkout-canary' } } });
    expect(budget.spec).not.toHaveProperty('minAvailable');
    await arms.undo(snapshot, signal);
    expect(await exists(resources.podDisruptionBudget, namespace, 'checkout-canary')).toBe(false);
  });
});

describe("Istio's traffic policy", () => {
  test('of the stable host and subset holds for the canary too', async () => {
    const namespace = await openShop();
    const subsets = [
      { name: 'v1', labels: { app: 'checkout' }, trafficPolicy: { outlierDetection: { consecutive5xxErrors: 9 } } },
    ];
    const trafficPolicy = {
      connectionPool: { http: { http2MaxRequests: 5 } },
      outlierDetection: { consecutive5xxErrors: 1 },
    };
    put(cluster, {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'checkout', namespace },
      spec: { host: 'checkout', trafficPolicy, subsets },
    });
    const arms = armsOf(namespace, { istio: { subset: 'v1' } });
    await arms.prepare(await arms.inspect(signal), 10, signal);
    expect((await read(resources.destinationRule, namespace, 'checkout-canary')).spec).toEqual({
      host: `checkout-canary.${namespace}.svc.cluster.local`,
      trafficPolicy: {
        connectionPool: { http: { http2MaxRequests: 5 } },
        outlierDetection: { consecutive5xxErrors: 9 },
      },
    });
  });
});

describe('without a mesh', () => {
  test('the stable Service picks the canary and the router sizes it', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace, { joinService: true });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 50, signal);
    const reference = { type: resources.deployment, namespace, name: 'checkout-canary' };
    expect((await read(resources.deployment, namespace, 'checkout-canary')).spec.replicas).toBe(0);
    expect(await exists(resources.service, namespace, 'checkout-canary')).toBe(false);

    await cluster.client.patchJson(reference, [{ op: 'replace', path: '/spec/replicas', value: 2 }], signal);
    await until(async () => (await arms.health(snapshot, 'canary', signal)).ready === 2);
    expect(await arms.health(snapshot, 'stable', signal)).toEqual({ desired: 3, ready: 3, problems: [] });
    await arms.prepare(snapshot, 100, signal);
    expect((await read(resources.deployment, namespace, 'checkout-canary')).spec.replicas).toBe(2);
  });

  test('promotion gives the stable workload its pods back before the canary loses its own', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace, { joinService: true });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    const scale = (name: string, value: number) =>
      cluster.client.patchJson(
        { type: resources.deployment, namespace, name },
        [{ op: 'replace', path: '/spec/replicas', value }],
        signal,
      );
    await scale('checkout-canary', 3);
    await scale('checkout', 0);
    await arms.promote(snapshot, learn, signal);
    expect((await read(resources.deployment, namespace, 'checkout')).status.readyReplicas).toBe(3);
    expect((await read(resources.deployment, namespace, 'checkout-canary')).spec.replicas).toBe(3);
  });
});

const configured = {
  envFrom: [{ configMapRef: { name: 'settings' } }],
  env: [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'token', key: 'token' } } }],
};

async function openConfiguredShop(replicas = 3): Promise<string> {
  const container = {
    name: 'app',
    image: 'registry.example/checkout:1',
    ports: [{ containerPort: 8080 }],
    volumeMounts: [{ name: 'files', mountPath: '/files' }],
    ...configured,
  };
  const volumes = [{ name: 'files', persistentVolumeClaim: { claimName: 'files' } }];
  const namespace = await openShop({ replicas, podSpec: { containers: [container], volumes } });
  const claim = { metadata: { name: 'files', namespace }, spec: { accessModes: ['ReadWriteMany'] } };
  put(cluster, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', ...claim });
  put(cluster, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings', namespace },
    data: { colour: 'blue' },
  });
  put(cluster, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'token', namespace },
    data: { token: btoa('old-word') },
  });
  return namespace;
}

const newConfig = (namespace: string) =>
  parseConfigManifests(
    `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { colour: green, size: large }
---
apiVersion: v1
kind: Secret
metadata: { name: token }
stringData: { token: new-word }
`,
    namespace,
  );

describe('config that changes with the release', () => {
  test('reaches only the canary until the promotion, and comes back with an undo', async () => {
    const namespace = await openConfiguredShop();
    const before = await contents(namespace);
    const arms = armsOf(namespace, { images: new Map(), config: newConfig(namespace) });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    const canary = await read(resources.deployment, namespace, 'checkout-canary');
    expect(canary.spec.template?.spec.containers).toMatchObject([
      {
        envFrom: [{ configMapRef: { name: 'settings-canary' } }],
        env: [{ valueFrom: { secretKeyRef: { name: 'token-canary', key: 'token' } } }],
      },
    ]);
    expect((await read(resources.configMap, namespace, 'settings')).data).toEqual({ colour: 'blue' });
    expect((await read(resources.configMap, namespace, 'settings-canary')).data).toEqual({
      colour: 'green',
      size: 'large',
    });
    expect((await read(resources.secret, namespace, 'token-canary')).data).toEqual({ token: btoa('new-word') });

    await arms.promote(snapshot, learn, signal);
    expect((await read(resources.configMap, namespace, 'settings')).data).toEqual({ colour: 'green', size: 'large' });
    expect((await read(resources.secret, namespace, 'token')).data).toEqual({ token: btoa('new-word') });
    const stable = await read(resources.deployment, namespace, 'checkout');
    expect(stable.spec.template?.metadata?.annotations).toHaveProperty(['sluice.dev/config-checksum']);

    await arms.undo(snapshot, signal);
    expect(await contents(namespace)).toEqual(before);
  });

  test('is what the release leaves when it is promoted, without copies', async () => {
    const namespace = await openConfiguredShop();
    const arms = armsOf(namespace, { images: new Map(), config: newConfig(namespace) });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    await arms.promote(snapshot, learn, signal);
    await arms.retire(snapshot, signal);
    expect((await read(resources.secret, namespace, 'token')).data).toEqual({ token: btoa('new-word') });
    const left = await cluster.client.list(resources.secret, namespace, {}, signal);
    expect(left.map(({ metadata }) => metadata.name)).toEqual(['token']);
  });

  test('never puts what a Secret holds into the snapshot, a preview or an annotation', async () => {
    const namespace = await openConfiguredShop();
    const arms = armsOf(namespace, { images: new Map(), config: newConfig(namespace) });
    const snapshot = await arms.inspect(signal);
    const told = JSON.stringify([snapshot, arms.preview(snapshot, 100)]);
    for (const word of ['old-word', 'new-word', btoa('old-word'), btoa('new-word')]) expect(told).not.toContain(word);
    expect(told).toContain('(new value)');
    expect(told).toContain('green');
  });

  test('that somebody else has changed meanwhile is not overwritten', async () => {
    const namespace = await openConfiguredShop();
    const arms = armsOf(namespace, { images: new Map(), config: newConfig(namespace) });
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 100, signal);
    put(cluster, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings', namespace },
      data: { colour: 'red' },
    });
    await expect(arms.promote(snapshot, learn, signal)).rejects.toMatchObject({
      code: 'conflict',
      about: `ConfigMap ${namespace}/settings`,
    });
    await arms.undo(snapshot, signal);
    expect((await read(resources.configMap, namespace, 'settings')).data).toEqual({ colour: 'red' });
  });

  test('is refused where the workload does not use it, and where it does not exist', async () => {
    const namespace = await openConfiguredShop();
    const other = parseConfigManifests(
      '{apiVersion: v1, kind: ConfigMap, metadata: {name: other}, data: {}}',
      namespace,
    );
    await expect(armsOf(namespace, { config: other }).inspect(signal)).rejects.toMatchObject({
      code: 'invalid-input',
      next: expect.stringContaining('ConfigMap/settings, Secret/token'),
    });
    await cluster.client.remove({ type: resources.configMap, namespace, name: 'settings' }, signal);
    await expect(armsOf(namespace, { config: newConfig(namespace) }).inspect(signal)).rejects.toMatchObject({
      code: 'not-found',
      about: `ConfigMap ${namespace}/settings`,
    });
  });
});

describe('a pod that goes wrong while the canary is watched', () => {
  test('is a problem at once', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 10, signal);
    const [pod] = await cluster.client.list(
      resources.pod,
      namespace,
      { labelSelector: 'sluice.dev/arm=canary' },
      signal,
    );
    cluster.controllers.crash(namespace, pod?.metadata.name ?? '', { outOfMemory: true });
    await until(async () => (await arms.health(snapshot, 'canary', signal)).problems.length > 0);
    expect((await arms.health(snapshot, 'canary', signal)).problems).toMatchObject([
      { pod: pod?.metadata.name, container: 'app', reason: 'OOMKilled' },
    ]);
  });

  test('is watched and not polled: looking costs no request', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    await arms.prepare(snapshot, 10, signal);
    await arms.health(snapshot, 'canary', signal);
    const audited = cluster.api.audit.length;
    for (let look = 0; look < 20; look += 1) await arms.health(snapshot, 'canary', signal);
    expect(cluster.api.audit.length).toBe(audited);
  });
});

describe('the preview', () => {
  test('is what is written', async () => {
    const namespace = await openShop();
    const arms = armsOf(namespace);
    const snapshot = await arms.inspect(signal);
    const planned = arms.preview(snapshot, 100);
    expect(planned.map(({ action, object }) => `${action} ${object}`)).toEqual([
      `create Service ${namespace}/checkout-canary`,
      `create Deployment ${namespace}/checkout-canary`,
      `update Deployment ${namespace}/checkout`,
    ]);
    expect(planned.at(-1)).toMatchObject({
      before: { spec: { template: { spec: { containers: [{ name: 'app', image: 'registry.example/checkout:1' }] } } } },
      after: { spec: { template: { spec: { containers: [{ name: 'app', image: 'registry.example/checkout:2' }] } } } },
    });
    await arms.prepare(snapshot, 100, signal);
    for (const { object: name, after } of planned.slice(0, 2)) {
      const type = name.startsWith('Service') ? resources.service : resources.deployment;
      expect(await read(type, namespace, 'checkout-canary')).toMatchObject(z.looseObject({}).parse(after));
    }
  });
});

describe('the rights', () => {
  test('are enough for a whole release, and all of them are used', async () => {
    const namespace = await openConfiguredShop();
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 1, maxReplicas: 6 });
    const budget = { minAvailable: 2, selector: { matchLabels: { app: 'checkout' } } };
    const named = { metadata: { name: 'checkout', namespace } };
    put(cluster, { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', ...named, spec: budget });
    put(cluster, {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      ...named,
      spec: { host: 'checkout' },
    });
    const release = { config: newConfig(namespace), istio: {} };
    const { permissions } = armsOf(namespace, release);
    const client = cluster.clientWith(permissions);
    const end = new AbortController();
    for (const conclude of ['undo', 'retire'] as const) {
      const arms = armsOf(namespace, release, { client, lifetime: end.signal });
      const snapshot = await arms.inspect(signal);
      await arms.prepare(snapshot, 100, signal);
      await arms.promote(snapshot, learn, signal);
      await arms.verify(snapshot, signal);
      // As a later run does, which knows the snapshot by its record.
      const next = armsOf(namespace, release, { client, lifetime: end.signal });
      await next[conclude](structuredClone(snapshot), signal);
    }
    end.abort();
    await until(async () => cluster.askedByLimited().has('watch pods'));
    const asked = cluster.askedByLimited();
    const granted = permissions.flatMap(({ verbs, resource }) => verbs.map((verb) => `${verb} ${resource}`));
    // Server-side apply needs the right to create what is not there, though it asks to patch.
    const unused = granted.filter((right) => !right.startsWith('create ') && !asked.has(right));
    // What pods in trouble wrote last is read where there are any.
    expect(unused).toEqual(['get pods', 'list events']);
  });
});

describe('killed at any request and run again', () => {
  interface Story {
    readonly title: string;
    /** What has happened before. */
    readonly before: readonly Act[];
    readonly act: Act;
  }
  type Act = (arms: Arms, snapshot: Awaited<ReturnType<Arms['inspect']>>) => Promise<unknown>;
  const prepare: Act = (arms, snapshot) => arms.prepare(snapshot, 100, signal);
  const promote: Act = (arms, snapshot) => arms.promote(snapshot, learn, signal);
  const retire: Act = (arms, snapshot) => arms.retire(snapshot, signal);
  const undo: Act = (arms, snapshot) => arms.undo(snapshot, signal);
  const stories: Story[] = [
    { title: 'prepare', before: [], act: prepare },
    { title: 'promote', before: [prepare], act: promote },
    { title: 'retire', before: [prepare, promote], act: retire },
    { title: 'undo of a canary', before: [prepare], act: undo },
    { title: 'undo of a promotion', before: [prepare, promote], act: undo },
  ];

  async function play({ before, act }: Story, death: number) {
    const namespace = await openConfiguredShop(2);
    putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 1, maxReplicas: 6 });
    const release = { config: newConfig(namespace) };
    const end = new AbortController();
    const lifetime = AbortSignal.any([end.signal, cluster.lifetime]);
    const healthy = armsOf(namespace, release, { lifetime });
    const snapshot = await healthy.inspect(signal);
    for (const step of before) await step(healthy, snapshot);
    let died = false;
    try {
      await act(armsOf(namespace, release, { lifetime, client: dyingClient(cluster.client, death) }), snapshot);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      died = true;
    }
    await act(armsOf(namespace, release, { lifetime }), snapshot);
    end.abort();
    return {
      died,
      contents: (await contents(namespace)).map((text) => text.replace(/sluice\.dev\/config-checksum":"\w+/, '')),
    };
  }

  test.each(stories)('$title ends in the same state', { timeout: 120_000 }, async (story) => {
    const { contents: expected } = await play(story, Number.POSITIVE_INFINITY);
    let survived = false;
    for (let death = 1; !survived; death += 8) {
      const runs = await Promise.all(Array.from({ length: 8 }, (_, offset) => play(story, death + offset)));
      for (const run of runs) expect(run.contents).toEqual(expected);
      survived = runs.some(({ died }) => !died);
    }
  });
});
