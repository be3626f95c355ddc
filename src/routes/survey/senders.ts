import * as z from 'zod';
import type { Surroundings } from '../../canary/ports.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe, type ObjectReference, type ResourceType, resources } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { isSluiceError } from '../../core/errors.ts';
import { canonicalHost } from '../objects/istio-hosts.ts';
import { ingressPaths, isCanaryIngress } from '../objects/nginx-ingress.ts';
import type { Readable } from '../objects/readable.ts';

/** An object that sends requests to a Service independently of the route. */
export interface Sender {
  readonly type: ResourceType;
  /** `Ingress shop/checkout-partners` */
  readonly about: string;
  readonly object: KubernetesObject;
}

export interface ServiceSought {
  readonly namespace: string;
  readonly name: string;
}

const reference = z.looseObject({
  kind: z.string().default('Service'),
  group: z.string().default(''),
  name: z.string().default(''),
  namespace: z.string().optional(),
});
const references = z.array(reference).default([]);
const mirror = z.looseObject({ requestMirror: z.looseObject({ backendRef: reference.optional() }).optional() });

const gatewayRoute = z.looseObject({
  spec: z
    .looseObject({
      rules: z.array(z.looseObject({ backendRefs: references, filters: z.array(mirror).default([]) })).default([]),
    })
    .prefault({}),
});

const istioTarget = z.looseObject({ host: z.string().default('') });
const istioRule = z.looseObject({
  route: z.array(z.looseObject({ destination: istioTarget.prefault({}) })).default([]),
  mirror: istioTarget.optional(),
  mirrors: z.array(z.looseObject({ destination: istioTarget.prefault({}) })).default([]),
});
const istioRulesOf = z.array(istioRule).default([]);
const virtualService = z.looseObject({
  spec: z.looseObject({ http: istioRulesOf, tls: istioRulesOf, tcp: istioRulesOf }).prefault({}),
});

const ingressRoute = z.looseObject({
  spec: z.looseObject({ routes: z.array(z.looseObject({ services: references })).default([]) }).prefault({}),
});
const traefikService = z.looseObject({
  spec: z
    .looseObject({
      weighted: z.looseObject({ services: references }).optional(),
      mirroring: z.looseObject({ ...reference.shape, mirrors: references }).optional(),
    })
    .prefault({}),
});
const openShiftRoute = z.looseObject({
  spec: z.looseObject({ to: reference.prefault({}), alternateBackends: references }).prefault({}),
});

/** For each kind of object, the Services to which it sends requests, as `namespace/name`. */
const targets: readonly { readonly type: ResourceType; readonly of: (object: KubernetesObject) => string[] }[] = [
  {
    type: resources.ingress,
    of: (object) => ingressPaths(object).map(({ service }) => `${object.metadata.namespace}/${service}`),
  },
  ...[resources.httpRoute, resources.grpcRoute, resources.tlsRoute, resources.tcpRoute].map((type) => ({
    type,
    of: (object: KubernetesObject) =>
      readObject(object, gatewayRoute).spec.rules.flatMap(({ backendRefs, filters }) =>
        services(object, [...backendRefs, ...filters.flatMap(({ requestMirror }) => requestMirror?.backendRef ?? [])]),
      ),
  })),
  {
    type: resources.virtualService,
    of(object) {
      const { http, tls, tcp } = readObject(object, virtualService).spec;
      return [...http, ...tls, ...tcp].flatMap(({ route, mirror: one, mirrors }) =>
        [...route, ...mirrors]
          .map(({ destination }) => destination.host)
          .concat(one?.host ?? [])
          .map((host) => hostedBy(host, object.metadata.namespace ?? '')),
      );
    },
  },
  ...[resources.ingressRoute, resources.ingressRouteTcp].map((type) => ({
    type,
    of: (object: KubernetesObject) =>
      readObject(object, ingressRoute).spec.routes.flatMap((route) => services(object, route.services)),
  })),
  {
    type: resources.traefikService,
    of(object) {
      const { weighted, mirroring } = readObject(object, traefikService).spec;
      return services(object, [...(weighted?.services ?? []), ...(mirroring ? [mirroring, ...mirroring.mirrors] : [])]);
    },
  },
  {
    type: resources.openShiftRoute,
    of(object) {
      const { to, alternateBackends } = readObject(object, openShiftRoute).spec;
      return services(object, [to, ...alternateBackends]);
    },
  },
];

function services(object: KubernetesObject, given: readonly z.infer<typeof reference>[]): string[] {
  return given
    .filter(({ kind, group }) => kind === 'Service' && group === '')
    .map(({ name, namespace = object.metadata.namespace }) => `${namespace}/${name}`);
}

/** `shop/checkout` for a host of that Service in any spelling; any other host unchanged. */
function hostedBy(host: string, namespace: string): string {
  const [name, itsNamespace, svc] = canonicalHost(host, namespace).split('.');
  return svc === 'svc' ? `${itsNamespace}/${name}` : host;
}

/**
 * All readable objects that send requests to a Service, without the rollout's own. An object of unknown shape is left out, as
 * its own controller would do.
 */
export async function findSenders(
  readable: Readable,
  sought: ServiceSought,
  except: readonly ObjectReference[],
): Promise<Sender[]> {
  const wanted = `${sought.namespace}/${sought.name}`;
  const own = new Set(except.map(describe));
  const found = await Promise.all(
    targets.map(async ({ type, of }) => {
      const objects = (await readable.list(type, sought.namespace)) ?? [];
      return objects.flatMap((object): Sender[] => {
        const { name, namespace = '' } = object.metadata;
        const about = describe({ type, namespace, name });
        // A canary Ingress gets requests only through its stable Ingress.
        if (own.has(about) || (type === resources.ingress && isCanaryIngress(object))) return [];
        return targetsOf(of, object).includes(wanted) ? [{ type, about, object }] : [];
      });
    }),
  );
  return [...found.flat(), ...(await openServices(readable, sought))];
}

function targetsOf(of: (object: KubernetesObject) => string[], object: KubernetesObject): string[] {
  try {
    return of(object);
  } catch (error) {
    if (isSluiceError(error, 'unsupported')) return [];
    throw error;
  }
}

const service = z.looseObject({
  spec: z
    .looseObject({ type: z.string().default('ClusterIP'), selector: z.record(z.string(), z.string()).default({}) })
    .prefault({}),
});

/** Services that are reachable from outside without any route and lead to the same pods: the given one itself, or others. */
async function openServices(readable: Readable, { namespace, name }: ServiceSought): Promise<Sender[]> {
  const type = resources.service;
  const inNamespace = ((await readable.list(type, namespace)) ?? []).filter(
    ({ metadata }) => metadata.namespace === namespace,
  );
  const selectorOf = (object: KubernetesObject) => Object.entries(readObject(object, service).spec.selector);
  const sought = inNamespace.find(({ metadata }) => metadata.name === name);
  if (sought === undefined) return [];
  const labels = new Map(selectorOf(sought));
  return inNamespace
    .filter((object) => {
      const selector = selectorOf(object);
      const isOpen = ['LoadBalancer', 'NodePort'].includes(readObject(object, service).spec.type);
      return isOpen && selector.length > 0 && selector.every(([key, value]) => labels.get(key) === value);
    })
    .map((object) => {
      const { type: how } = readObject(object, service).spec;
      return { type, object, about: `${describe({ type, namespace, name: object.metadata.name })} (${how})` };
    });
}

/** The warning about requests that do not follow the weight. */
export function besideTheRoute(
  senders: readonly Sender[],
  route: string,
  { namespace, name }: ServiceSought,
): Surroundings {
  if (senders.length === 0) return { warnings: [], notes: [] };
  const others = senders.map(({ about }) => about).join(', ');
  const warning = `Besides ${route}, Service ${namespace}/${name} gets requests from: ${others}. They do not follow the weight; where the pods count requests, they are the stable version’s.`;
  return { warnings: [warning], notes: [] };
}

/** The note for the log about kinds that could not be read. */
export function notLookedAt(readable: Readable): string[] {
  const unread = readable.unread();
  if (unread.length === 0) return [];
  return [
    `whether others send it requests was not looked at in ${unread.join(', ')}, which these credentials may not read`,
  ];
}
