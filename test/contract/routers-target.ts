import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import * as z from 'zod';
import type { Router } from '../../src/canary/ports.ts';
import { createClient, type KubernetesClient } from '../../src/cluster/client.ts';
import { type ObjectReference, type ResourceType, resourcePath, resources } from '../../src/cluster/resources.ts';
import type { Clock } from '../../src/core/clock.ts';
import { isSluiceError } from '../../src/core/errors.ts';
import {
  createRouter,
  type GatewayApiOptions,
  type IstioOptions,
  type RouterOptions,
  type TraefikOptions,
} from '../../src/routes/weights/index.ts';
import { openTarget } from './target.ts';

/**
 * The routers against an API server: the embedded one, or the real one of SLUICE_CONTRACT_KUBECONFIG, where the tests of
 * kinds that it does not serve are left out.
 */
export const target = await openTarget();
export const { namespace } = target;
export const client = createClient(target.connection);
export const signal = AbortSignal.timeout(120_000);
afterAll(() => target.close());

const serves = async (type: ResourceType) => (await target.call('GET', resourcePath(type, namespace))).status === 200;
export const servesIstio = await serves(resources.virtualService);
export const servesGatewayApi = await serves(resources.httpRoute);
export const servesTraefik = await serves(resources.traefikService);

/** Short real pauses: what is waited for is done by the server's own controllers, or by the test in `meanwhile`. */
export function clockWith(meanwhile: () => Promise<void> = async () => undefined): Clock {
  return {
    now: Date.now,
    async sleep(_milliseconds, signal) {
      await meanwhile();
      await sleep(10, undefined, { signal });
    },
  };
}

export function routerOf(options: RouterOptions, through: KubernetesClient = client, clock = clockWith()): Router {
  return createRouter(options, through, { clock });
}

let count = 0;
/** A name that no other test uses. */
export function fresh(prefix: string): string {
  count += 1;
  return `${prefix}-${count}`;
}

export async function create(
  type: ResourceType,
  name: string,
  content: object,
  metadata: object = {},
): Promise<ObjectReference> {
  const manifest = {
    apiVersion: type.apiVersion,
    kind: type.kind,
    metadata: { name, namespace, ...metadata },
    ...content,
  };
  const body = { contentType: 'application/json', body: manifest };
  await target.object('POST', `${resourcePath(type, namespace)}?fieldManager=kubectl-create`, body);
  return { type, namespace, name };
}

export function createService(name: string): Promise<ObjectReference> {
  return create(resources.service, name, { spec: { selector: { app: name }, ports: [{ port: 80 }] } });
}

/** What somebody else does to an object, as `kubectl edit`. */
export async function edit(reference: ObjectReference, operations: readonly object[], subresource = ''): Promise<void> {
  const path = `${resourcePath(reference.type, namespace, reference.name)}${subresource}?fieldManager=kubectl-edit`;
  await target.object('PATCH', path, { contentType: 'application/json-patch+json', body: operations });
}

/** The status of a server-side apply by somebody else, as Helm's. */
export async function applied({ type, name }: ObjectReference, spec: unknown): Promise<number> {
  const path = `${resourcePath(type, namespace, name)}?fieldManager=helm`;
  const body = { apiVersion: type.apiVersion, kind: type.kind, metadata: { name, namespace }, spec };
  return (await target.call('PATCH', path, { contentType: 'application/apply-patch+yaml', body })).status;
}

export const specOf = z.looseObject({ spec: z.looseObject({}) });

export async function spec(reference: ObjectReference): Promise<unknown> {
  return specOf.parse(await client.get(reference, signal)).spec;
}

/** A client before whose next patch somebody else edits the object. */
export function racing(reference: ObjectReference, operations: readonly object[]): KubernetesClient {
  let raced = false;
  return {
    ...client,
    async patchJson(...call) {
      if (!raced) await edit(reference, operations);
      raced = true;
      return client.patchJson(...call);
    },
  };
}

/** A client whose first patch reaches the server while its answer is lost, so that the patch is sent again. */
export function losingAnswers(): KubernetesClient {
  let lost = false;
  return {
    ...client,
    async patchJson(...call) {
      const answer = await client.patchJson(...call);
      if (lost) return answer;
      lost = true;
      return client.patchJson(...call);
    },
  };
}

/** What a promise is refused with. */
export async function refusal(promise: Promise<unknown>) {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!isSluiceError(error)) throw new Error('no refusal that names something', { cause: error });
  return error;
}

/** A route of one kind, made for a test, with its router and how its weights look. */
export interface Fixture<Options> {
  readonly options: Options;
  readonly reference: ObjectReference;
  /** The stable and canary weights in the first managed rule; undefined for an arm that is not in it. */
  weights(): Promise<readonly (number | undefined)[]>;
  /** The pointer of the stable arm's weight. */
  readonly stableWeight: string;
}

const weightedEntry = z.looseObject({
  name: z.string().optional(),
  destination: z.looseObject({ subset: z.string().optional() }).optional(),
  weight: z.number().optional(),
});

function weightsIn(entries: readonly z.infer<typeof weightedEntry>[], stable: string, canary: string) {
  return [stable, canary].map(
    (arm) => entries.find(({ name, destination }) => (destination?.subset ?? name) === arm)?.weight,
  );
}

export async function istioFixture(): Promise<Fixture<IstioOptions>> {
  const host = fresh('istio');
  await createService(host);
  await create(resources.destinationRule, host, { spec: { host, subsets: [{ name: 'v1' }, { name: 'v2' }] } });
  const route = [
    { destination: { host: `${host}.${namespace}.svc.cluster.local`, subset: 'v1' }, weight: 100 },
    { destination: { host, subset: 'v2' }, weight: 0 },
  ];
  const http = [
    { match: [{ uri: { prefix: '/old' } }], redirect: { uri: '/new' } },
    { name: 'primary', match: [{ uri: { prefix: '/' } }], route, timeout: '3s', retries: { attempts: 2 } },
  ];
  const reference = await create(resources.virtualService, host, { spec: { hosts: [host], http } });
  const schema = z.looseObject({
    http: z.array(z.looseObject({ name: z.string().optional(), route: z.array(weightedEntry).default([]) })),
  });
  return {
    options: { kind: 'istio', namespace, name: host, stable: { host, subset: 'v1' }, canary: { host, subset: 'v2' } },
    reference,
    async weights() {
      const { http } = schema.parse(await spec(reference));
      return weightsIn(http.find(({ name }) => name === 'primary')?.route ?? [], 'v1', 'v2');
    },
    stableWeight: '/spec/http/1/route/0/weight',
  };
}

export async function gatewayApiFixture(): Promise<Fixture<GatewayApiOptions>> {
  const stable = fresh('gateway');
  const canary = `${stable}-canary`;
  await Promise.all([createService(stable), createService(canary)]);
  const filters = [{ type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['x-debug'] } }];
  const rules = [
    { matches: [{ path: { type: 'PathPrefix', value: '/' } }], filters, backendRefs: [{ name: stable, port: 80 }] },
  ];
  const reference = await create(resources.httpRoute, stable, { spec: { parentRefs: [{ name: 'public' }], rules } });
  const schema = z.looseObject({ rules: z.array(z.looseObject({ backendRefs: z.array(weightedEntry) })) });
  return {
    options: {
      kind: 'gateway-api',
      route: 'HTTPRoute',
      namespace,
      name: stable,
      stable: { name: stable },
      canary: { name: canary },
    },
    reference,
    async weights() {
      return weightsIn(schema.parse(await spec(reference)).rules.at(-1)?.backendRefs ?? [], stable, canary);
    },
    stableWeight: '/spec/rules/0/backendRefs/0/weight',
  };
}

export async function traefikFixture(): Promise<Fixture<TraefikOptions>> {
  const stable = fresh('traefik');
  const canary = `${stable}-canary`;
  await Promise.all([createService(stable), createService(canary)]);
  const services = [{ name: stable, port: 80, weight: 100, responseForwarding: { flushInterval: '1ms' } }];
  const reference = await create(resources.traefikService, stable, { spec: { weighted: { services } } });
  const schema = z.looseObject({ weighted: z.looseObject({ services: z.array(weightedEntry) }) });
  return {
    options: { kind: 'traefik', namespace, name: stable, stable: { name: stable }, canary: { name: canary } },
    reference,
    async weights() {
      return weightsIn(schema.parse(await spec(reference)).weighted.services, stable, canary);
    },
    stableWeight: '/spec/weighted/services/0/weight',
  };
}
