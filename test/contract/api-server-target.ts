import { afterAll } from 'vitest';
import * as z from 'zod';
import { anyObject, openTarget } from './target.ts';

/**
 * What Sluice relies on in an API server. Runs against the embedded double, and against a real server where
 * SLUICE_CONTRACT_KUBECONFIG names one (SLUICE_CONTRACT_IMAGE: an image that serves HTTP on port 8080, where pods run).
 */
export const target = await openTarget();
afterAll(() => target.close());

export const anyList = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  items: z.array(anyObject),
});
export const workload = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({ containers: z.array(z.looseObject({ name: z.string(), image: z.string() })) }),
    }),
  }),
  status: z
    .looseObject({ observedGeneration: z.number().optional(), availableReplicas: z.number().optional() })
    .optional(),
});

export const jsonPatch = 'application/json-patch+json';
export const mergePatch = 'application/merge-patch+json';
export const strategicMergePatch = 'application/strategic-merge-patch+json';
export const applyPatch = 'application/apply-patch+yaml';

export function configMaps(name = ''): string {
  return `/api/v1/namespaces/${target.namespace}/configmaps${name === '' ? '' : `/${name}`}`;
}
export function deployments(name = ''): string {
  return `/apis/apps/v1/namespaces/${target.namespace}/deployments${name === '' ? '' : `/${name}`}`;
}
export function leases(name = ''): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${target.namespace}/leases${name === '' ? '' : `/${name}`}`;
}
export function pods(name = ''): string {
  return `/api/v1/namespaces/${target.namespace}/pods${name === '' ? '' : `/${name}`}`;
}
export function virtualServices(name = ''): string {
  return `/apis/networking.istio.io/v1/namespaces/${target.namespace}/virtualservices${name === '' ? '' : `/${name}`}`;
}

export function configMap(name: string, data: Record<string, string> = {}, metadata: object = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data };
}

export function deployment(name: string, spec: object = {}, containers: object[] = [{ name: 'app', image: 'app:1' }]) {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas: 0, selector: { matchLabels: labels }, template, ...spec },
  };
}

export function virtualService(name: string, weight: number) {
  const route = [
    { destination: { host: 'shop', subset: 'stable' }, weight: 100 - weight },
    { destination: { host: 'shop', subset: 'canary' }, weight },
  ];
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name },
    spec: { hosts: ['shop'], http: [{ route }] },
  };
}

export function create(path: string, body: unknown) {
  return target.object('POST', `${path}?fieldManager=creator`, { body });
}

export function itemsOf(body: unknown) {
  return anyList.parse(body).items;
}

export function containersOf(body: unknown) {
  return workload.parse(body).spec.template.spec.containers;
}

/** Asks again until the answer is as wanted: for what controllers do in their own time. */
export async function eventually(path: string, wanted: (status: number, body: unknown) => boolean): Promise<unknown> {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    const { status, body } = await target.call('GET', path);
    if (wanted(status, body)) return body;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${path} did not become as wanted.`);
}
