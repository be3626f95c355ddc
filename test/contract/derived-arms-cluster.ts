import { afterAll } from 'vitest';
import * as z from 'zod';
import type { Arms } from '../../src/canary/ports.ts';
import { type ResourceType, resources } from '../../src/cluster/resources.ts';
import type { KubernetesObject } from '../../src/cluster/schema.ts';
import { type ArmsOptions, type DerivedRelease, derivedArms } from '../../src/workloads/arms/arms.ts';
import { parseConfigManifests } from '../../src/workloads/config-copies.ts';
import { parseImages } from '../../src/workloads/images.ts';
import { parseWorkloadInput } from '../../src/workloads/workload.ts';
import { untilReady } from '../support/derived-shop.ts';
import { createQuickClock, startEmbeddedCluster } from '../support/embedded-cluster.ts';
import { put, putShop, type ShopChange } from '../support/shop.ts';

const clock = createQuickClock(50);
export const cluster = await startEmbeddedCluster({
  'registry.example/checkout:1': {},
  'registry.example/checkout:2': {},
  'registry.example/checkout:crash': { crashAfter: 5 },
  'registry.example/checkout:never-ready': { neverReady: true },
  'registry.example/checkout:late': { pullFailure: '503 Service Unavailable' },
});
afterAll(() => cluster.stop());

export const signal = new AbortController().signal;
export const learn = async () => undefined;

let count = 0;
/** A namespace with Deployment `checkout`, its three pods available. */
export async function openShop(change: ShopChange = {}): Promise<string> {
  count += 1;
  const namespace = `derived-${count}`;
  putShop(cluster, namespace, change);
  const { kind = 'Deployment', replicas = 3 } = change;
  await untilReady(cluster, namespace, { kind, name: 'checkout', replicas });
  return namespace;
}

export function armsOf(
  namespace: string,
  release: Partial<DerivedRelease> = {},
  options: Partial<ArmsOptions> = {},
): Arms {
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

export async function until(holds: () => Promise<boolean>): Promise<void> {
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

export async function read(type: ResourceType, namespace: string, name: string) {
  return object.parse(await cluster.client.get({ type, namespace, name }, signal));
}

export async function exists(type: ResourceType, namespace: string, name: string): Promise<boolean> {
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
export async function contents(namespace: string): Promise<string[]> {
  const lists = await Promise.all(kinds.map((type) => cluster.client.list(type, namespace, {}, signal)));
  return lists.flat().map(({ kind, metadata, spec, data }: KubernetesObject) => {
    const { 'deployment.kubernetes.io/revision': _, ...annotations } = metadata.annotations ?? {};
    const told = { kind, name: metadata.name, labels: metadata.labels, annotations, spec, data };
    return JSON.stringify(told).replaceAll(namespace, 'NAMESPACE');
  });
}

export function writesSince(before: number): string[] {
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

const configured = {
  envFrom: [{ configMapRef: { name: 'settings' } }],
  env: [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'token', key: 'token' } } }],
};

export async function openConfiguredShop(replicas = 3): Promise<string> {
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

export const newConfig = (namespace: string) =>
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
