import * as z from 'zod';
import type { RolloutEvent } from '../../src/canary/events.ts';
import type { RolloutOptions } from '../../src/canary/options.ts';
import type { Arms } from '../../src/canary/ports.ts';
import type { World } from '../../src/canary/world.ts';
import type { KubernetesClient } from '../../src/cluster/client.ts';
import { resources } from '../../src/cluster/resources.ts';
import { createPanel } from '../../src/judge/panel.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import { createNoMeter } from '../../src/meters/none.ts';
import { createRouter, type RouterOptions } from '../../src/routes/weights/index.ts';
import { derivedArms, existingArms } from '../../src/workloads/arms/arms.ts';
import { parseImages } from '../../src/workloads/images.ts';
import { parseWorkloadInput } from '../../src/workloads/workload.ts';
import { putReadyShop } from './derived-shop.ts';
import { Crash, createQuickClock, type EmbeddedCluster } from './embedded-cluster.ts';
import { put, putAutoscaler } from './shop.ts';

export const image = (version: string) => `registry.example/checkout:${version}`;
export const clock = createQuickClock(1_000);
export const record = (namespace: string) => ({ type: resources.configMap, namespace, name: 'sluice-checkout' });
const signal = new AbortController().signal;

const named = /^(sluice-checkout|checkout|checkout-canary)$/;

/** Whether a run may write it: an object that the inputs name, or a new one of the namespace. */
export function isOfShop(namespace: string) {
  return (entry: EmbeddedCluster['api']['audit'][number]) =>
    entry.namespace === namespace && (named.test(entry.name) || entry.verb === 'create');
}

/** Which route the shop has, and who makes the canary: Sluice, or the user, who names two workloads. */
export type ShopKind = 'istio' | 'nginx' | 'two workloads';

/** A shop with a route, an autoscaler and a neighbour, whose stable version has a predecessor. */
export async function openShop(cluster: EmbeddedCluster, namespace: string, kind: ShopKind = 'istio'): Promise<void> {
  await putReadyShop(cluster, namespace, { replicas: 2, image: image('0') });
  const to = { op: 'replace', path: '/spec/template/spec/containers/0/image', value: image('1') } as const;
  await cluster.client.patchJson({ type: resources.deployment, namespace, name: 'checkout' }, [to], signal);
  await putReadyShop(cluster, namespace, { name: 'payments', labels: { app: 'payments' }, replicas: 1 });
  putAutoscaler(cluster, namespace, 'checkout', { minReplicas: 2, maxReplicas: 4 });
  if (kind === 'two workloads') {
    const next = { name: 'checkout-canary', labels: { app: 'checkout-canary' }, replicas: 1, image: image('2') };
    await putReadyShop(cluster, namespace, next);
  }
  if (kind === 'nginx') putIngress(cluster, namespace);
  else putVirtualService(cluster, namespace);
}

function putVirtualService(cluster: EmbeddedCluster, namespace: string): void {
  put(cluster, {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'checkout', namespace },
    spec: {
      hosts: ['checkout'],
      http: [
        { name: 'primary', route: [{ destination: { host: 'checkout' }, headers: { request: { set: { a: '1' } } } }] },
        { name: 'beta', match: [{ uri: { prefix: '/beta' } }], route: [{ destination: { host: 'payments' } }] },
      ],
    },
  });
}

function putIngress(cluster: EmbeddedCluster, namespace: string): void {
  const path = (prefix: string, name: string) => ({
    path: prefix,
    pathType: 'Prefix',
    backend: { service: { name, port: { number: 80 } } },
  });
  put(cluster, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'nginx' },
    spec: { controller: 'k8s.io/ingress-nginx' },
  });
  put(cluster, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'checkout', namespace },
    spec: {
      ingressClassName: 'nginx',
      rules: [{ host: 'shop.example', http: { paths: [path('/', 'checkout'), path('/beta', 'payments')] } }],
    },
  });
}

export const options: RolloutOptions = {
  mode: 'release',
  plan: { steps: [30, 60, 100].map((weight) => ({ weight, least: 1, most: 1, early: false, hold: false })) },
  id: 'run',
  fingerprint: 'release',
  startedBy: 'alice',
  onInterrupted: 'resume',
  onNoData: 'rollback',
  noDataPatience: 60_000,
  minRequests: 0,
  timeout: 600_000,
  confirmTimeout: 60_000,
  readyTimeout: 60_000,
  undoTimeout: 60_000,
};

function routerOptions(namespace: string, kind: ShopKind): RouterOptions {
  const named = { namespace, name: 'checkout', canaryIsCreated: kind !== 'two workloads' };
  return kind === 'nginx'
    ? { kind, ...named, canaryIngress: 'checkout-canary', stable: 'checkout', canary: 'checkout-canary' }
    : { kind: 'istio', ...named, stable: { host: 'checkout' }, canary: { host: 'checkout-canary' } };
}

function armsOf({ lifetime }: EmbeddedCluster, namespace: string, client: KubernetesClient, kind: ShopKind): Arms {
  const place = { client, namespace, clock, rollout: 'checkout', drain: 1, lifetime };
  if (kind === 'two workloads') {
    return existingArms(place, {
      stable: parseWorkloadInput('deployment/checkout', 'stable'),
      canary: parseWorkloadInput('deployment/checkout-canary', 'canary'),
      services: { stable: 'checkout', canary: 'checkout-canary' },
      joinService: false,
      returns: false,
      gitops: 'refuse',
    });
  }
  return derivedArms(place, {
    workload: parseWorkloadInput('deployment/checkout', 'workload'),
    images: parseImages(image('2')),
    config: [],
    joinService: false,
    ...(kind === 'istio' && { istio: {} }),
    minReplicas: 1,
    gitops: 'refuse',
  });
}

/** The world of a run with these inputs. */
export function worldOf(
  cluster: EmbeddedCluster,
  namespace: string,
  client: KubernetesClient,
  kind: ShopKind = 'istio',
): World & { readonly events: RolloutEvent[] } {
  const events: RolloutEvent[] = [];
  const holder = { identity: 'run', description: 'alice' };
  return {
    events,
    clock,
    emit: (event) => events.push(event),
    counted: () => undefined,
    forecast: () => ({ detects: 0.05, stableRate: 0, steps: [] }),
    judge: { panel: createPanel([], { alpha: 0.01, steps: 3 }), checks: [], onPodProblem: 'rollback' },
    meter: createNoMeter(),
    router: createRouter(routerOptions(namespace, kind), client, { clock }),
    arms: armsOf(cluster, namespace, client, kind),
    ledger: createLedger({ client, namespace, rollout: 'checkout', holder, clock, version: '1', nonce: () => 'once' }),
  };
}

/** Objects that somebody who may write only ConfigMaps, Secrets and Leases must not change. */
const watched = [
  resources.deployment,
  resources.statefulSet,
  resources.service,
  resources.virtualService,
  resources.ingress,
  resources.destinationRule,
  resources.horizontalPodAutoscaler,
  resources.podDisruptionBudget,
];

const seen = z.looseObject({ spec: z.looseObject({}) });

/** Name of an object → its spec, for all objects in the namespace. */
export async function stateOf({ client }: EmbeddedCluster, namespace: string): Promise<ReadonlyMap<string, unknown>> {
  const lists = await Promise.all(watched.map((type) => client.list(type, namespace, {}, signal)));
  return new Map(lists.flat().map((object) => [`${object.kind} ${object.metadata.name}`, seen.parse(object).spec]));
}

/** A client whose process dies this many writes after the one that moves the record to a phase. */
export function dyingAfter(client: KubernetesClient, phase: string, more: number): KubernetesClient {
  let left = Number.POSITIVE_INFINITY;
  const alive =
    <Given extends readonly unknown[], Answer>(send: (...given: Given) => Promise<Answer>) =>
    async (...given: Given): Promise<Answer> => {
      if (left < 0) throw new Crash(`after ${phase}`);
      return send(...given);
    };
  const writing = <Given extends readonly unknown[], Answer>(send: (...given: Given) => Promise<Answer>) => {
    const guarded = alive(send);
    return async (...given: Given): Promise<Answer> => {
      if (left !== Number.POSITIVE_INFINITY) left -= 1;
      else if (JSON.stringify(given).includes(`\\"phase\\":\\"${phase}\\"`)) {
        const answer = await guarded(...given);
        left = more;
        return answer;
      }
      return guarded(...given);
    };
  };
  return {
    ...client,
    get: alive(client.get),
    find: alive(client.find),
    list: alive(client.list),
    create: writing(client.create),
    replace: alive(client.replace),
    apply: writing(client.apply),
    patchJson: writing(client.patchJson),
    patchMerge: writing(client.patchMerge),
    remove: writing(client.remove),
  };
}
