import * as z from 'zod';
import type { Router } from '../../canary/ports.ts';
import type { KubernetesClient } from '../../cluster/client.ts';
import { permissionTo } from '../../cluster/permissions.ts';
import { readObject, readPart } from '../../cluster/read-object.ts';
import { describe, resources } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { SluiceError } from '../../core/errors.ts';
import { jsonSchema } from '../../core/json.ts';
import type { Permission } from '../../core/permission.ts';
import type { Arm } from '../../judge/readings.ts';
import { canonicalHost, coversHost, serviceOf } from '../objects/istio-hosts.ts';
import { getNamed } from '../objects/lookup.ts';
import { besideTheRoute, findSenders } from '../survey/senders.ts';
import { surveyVirtualService } from '../survey/virtual-service-binding.ts';
import { type Destination, type Destinations, destination, type Rule } from './rules.ts';
import {
  createWeightedRouter,
  type RouteOptions,
  type RouterDependencies,
  type WeightedRoute,
} from './weighted-route.ts';

/** Where an arm's requests go. */
export interface IstioDestination {
  /** A short name, one with its namespace, or the full domain name: all are the same host. */
  readonly host: string;
  /** A subset of the host's DestinationRule, required for both arms if they share a host. */
  readonly subset?: string;
  /** Port number, needed if the route has destinations at several ports of a host. */
  readonly port?: number;
}

export interface IstioOptions extends RouteOptions {
  readonly kind: 'istio';
  readonly stable: IstioDestination;
  readonly canary: IstioDestination;
}

/** The Router for an Istio VirtualService: http, tls and tcp routes, with the arms identified by subset or by host. */
export function createIstioRouter(options: IstioOptions, dependencies: RouterDependencies): Router {
  const { namespace, name, stable, canary } = options;
  const destinations = istioDestinations(namespace, stable, canary);
  const route: WeightedRoute = {
    kind: 'istio',
    reference: { type: resources.virtualService, namespace, name },
    destinations,
    // The API has an int32, and istiod adds weights up as int32.
    largestWeight: 1_000_000,
    permissions: istioPermissions(options),
    rules: istioRules,
    writtenFields: (rules, withCanary) => ({
      path: ['spec', rules[0]?.section ?? 'http'],
      appliedWith: ['spec'],
      pointers: rules.map(({ pointer }) => `${pointer}/route`),
      jq: [...new Set(rules.map(({ section }) => section))].map(
        (section) => `.spec.${section}[]?.route${withCanary ? '' : '[]?.weight'}`,
      ),
    }),
    async check(_object, _rules, signal) {
      for (const [arm, at] of Object.entries(armsToCheck(options))) {
        const service = serviceOf(at.host, namespace);
        if (service !== undefined) await getNamed(dependencies.client, { type: resources.service, ...service }, signal);
        if (at.subset !== undefined) await requireSubset(dependencies.client, namespace, { arm, ...at }, signal);
      }
    },
    async survey(object, readable) {
      const told = await surveyVirtualService(object, readable);
      const service = serviceOf(stable.host, namespace);
      if (service === undefined) return told;
      const senders = await findSenders(readable, service, [route.reference]);
      const beside = besideTheRoute(senders, describe(route.reference), service);
      return { ...told, warnings: [...told.warnings, ...beside.warnings] };
    },
    explainNoStable,
    statusAsFound(object) {
      const { observes, errors } = statusOf(object);
      return observes ? ['observed', ...errors] : [];
    },
    report(object, asFound) {
      if (!asFound.includes('observed')) return { followed: true, evidence: 'VirtualService read back' };
      const { observes, observed, errors } = statusOf(object);
      const generation = object.metadata.generation ?? 0;
      const fresh = errors.filter((error) => !asFound.includes(error));
      if (!observes) return { awaits: `istiod to observe generation ${generation} (it is at ${observed})` };
      if (fresh.length > 0) return { awaits: `istiod to accept it: it reports ${fresh.join(', ')}` };
      return { followed: true, evidence: `generation ${generation} observed by istiod` };
    },
  };
  return createWeightedRouter(route, options, dependencies);
}

/** How entries of a VirtualService's `route` lists are read and created. */
export function istioDestinations(namespace: string, stable: IstioDestination, canary: IstioDestination): Destinations {
  const canonical = (host: string) => canonicalHost(host, namespace);
  const sameHost = canonical(stable.host) === canonical(canary.host);
  if (sameHost && (!stable.subset || !canary.subset || stable.subset === canary.subset))
    throw new SluiceError('invalid-input', {
      about: `host ${stable.host}`,
      problem: 'is the destination of both arms.',
      next: 'Name a subset for each arm, or another host for the canary.',
    });

  function leadsTo(entry: Destination, arm: IstioDestination): boolean {
    const { host, subset, port } = readPart(entry.destination, target, 'a destination of the VirtualService');
    return (
      canonical(host) === canonical(arm.host) &&
      (arm.subset === undefined || subset === arm.subset) &&
      (arm.port === undefined || port === undefined || port.number === arm.port)
    );
  }

  return {
    identity: ['destination'],
    armOf(entry): Arm | undefined {
      if (leadsTo(entry, stable)) return 'stable';
      return leadsTo(entry, canary) ? 'canary' : undefined;
    },
    // https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination
    weightOf: ({ weight }, count) => (count === 1 ? 100 : typeof weight === 'number' ? weight : 0),
    canaryLike(entry) {
      const { subset: _, ...place } = readPart(entry.destination, target, 'a destination of the VirtualService');
      return {
        ...entry,
        destination: {
          ...place,
          host: sameHost ? place.host : canary.host,
          ...(canary.subset !== undefined && { subset: canary.subset }),
          ...(canary.port !== undefined && { port: { number: canary.port } }),
        },
      };
    },
    describe(entry) {
      const { host, subset, port } = readPart(entry.destination, target, 'a destination of the VirtualService');
      return describePlace(host, port?.number, subset);
    },
    stable: describePlace(stable.host, stable.port, stable.subset),
  };
}

function describePlace(host: string, port: number | undefined, subset: string | undefined): string {
  return `${host}${port === undefined ? '' : `:${port}`}${subset === undefined ? '' : ` ${subset}`}`;
}

const target = z
  .object({ host: z.string(), subset: z.string().optional(), port: z.object({ number: z.number() }).optional() })
  .catchall(jsonSchema);

const delegate = z.looseObject({ name: z.string().optional(), namespace: z.string().optional() });
const routes = z
  .array(
    z.looseObject({
      name: z.string().optional(),
      match: jsonSchema.optional(),
      // Absent from rules that redirect, respond directly or delegate.
      route: z.array(destination).default([]),
      delegate: delegate.optional(),
    }),
  )
  .default([]);

const virtualService = z.looseObject({
  spec: z.looseObject({ http: routes, tls: routes, tcp: routes }),
  status: z
    .looseObject({
      // An int64 of protobuf, which may be a string.
      observedGeneration: z.coerce.number().optional(),
      validationMessages: z
        .array(
          z.looseObject({
            level: z.string().optional(),
            type: z.looseObject({ code: z.string().default(''), name: z.string().default('') }).optional(),
          }),
        )
        .default([]),
      conditions: z
        .array(z.looseObject({ type: z.string(), status: z.string(), message: z.string().default('') }))
        .default([]),
    })
    .optional(),
});

/** Every rule of a VirtualService that has destinations. */
export function istioRules(object: KubernetesObject): Rule[] {
  const { spec } = readObject(object, virtualService);
  return (['http', 'tls', 'tcp'] as const).flatMap((section) =>
    spec[section].flatMap(({ name, match, route }, index) =>
      route.length === 0
        ? []
        : [
            {
              section,
              place: `${section}[${index}]`,
              pointer: `/spec/${section}/${index}`,
              name: name ?? null,
              matchField: 'match',
              match: match ?? null,
              listField: 'route',
              destinations: route,
            },
          ],
    ),
  );
}

function explainNoStable(object: KubernetesObject) {
  const { spec } = readObject(object, virtualService);
  const delegates = spec.http.flatMap(({ delegate }) =>
    delegate === undefined ? [] : [`${delegate.namespace ?? object.metadata.namespace}/${delegate.name}`],
  );
  if (delegates.length === 0) return undefined;
  return {
    problem: `leaves its routing to other VirtualServices (${delegates.join(', ')}).`,
    next: 'Name the one of these that has the stable arm as the route.',
  };
}

/** What istiod reports on the object's current generation. */
function statusOf(object: KubernetesObject) {
  const { status } = readObject(object, virtualService);
  const messages = (status?.validationMessages ?? [])
    .filter(({ level }) => level === 'ERROR')
    .map(({ type }) => `${type?.code} ${type?.name}`.trim());
  const conditions = (status?.conditions ?? [])
    .filter((condition) => condition.type === 'Reconciled' && condition.status !== 'True')
    .map(({ message }) => `not reconciled (${message})`);
  const observed = status?.observedGeneration;
  return {
    observed,
    observes: observed !== undefined && observed >= (object.metadata.generation ?? 0),
    errors: [...messages, ...conditions],
  };
}

const destinationRule = z.looseObject({
  spec: z.looseObject({ host: z.string(), subsets: z.array(z.looseObject({ name: z.string() })).default([]) }),
});

/** The namespaces in which a DestinationRule is visible to both the clients and the owner of a host. */
function destinationRuleNamespaces(namespace: string, host: string): string[] {
  return [...new Set([namespace, serviceOf(host, namespace)?.namespace ?? namespace])];
}

/** @throws SluiceError `not-found` with the subsets that the host has */
async function requireSubset(
  client: KubernetesClient,
  namespace: string,
  { arm, host, subset }: IstioDestination & { readonly arm: string },
  signal: AbortSignal,
): Promise<void> {
  const namespaces = destinationRuleNamespaces(namespace, host);
  const objects = await Promise.all(
    namespaces.map((itsNamespace) => client.list(resources.destinationRule, itsNamespace, {}, signal)),
  );
  const subsets = objects.flat().flatMap((object) => {
    const { spec } = readObject(object, destinationRule);
    const pattern = canonicalHost(spec.host, object.metadata.namespace ?? namespace);
    return coversHost(pattern, canonicalHost(host, namespace)) ? spec.subsets.map(({ name }) => name) : [];
  });
  if (subsets.some((name) => name === subset)) return;
  throw new SluiceError('not-found', {
    about: `subset "${subset}" of host ${host} (${arm} arm)`,
    problem: `is in no DestinationRule of namespace ${namespaces.join(' or ')}.`,
    next:
      subsets.length === 0
        ? 'Create a DestinationRule for the host with a subset for each arm.'
        : `The host's subsets are: ${[...new Set(subsets)].join(', ')}.`,
  });
}

function armsToCheck({ stable, canary, canaryIsCreated }: IstioOptions): Record<string, IstioDestination> {
  return canaryIsCreated ? { stable } : { stable, canary };
}

function istioPermissions(options: IstioOptions): Permission[] {
  const { namespace } = options;
  const arms = Object.values(armsToCheck(options));
  const services = arms.flatMap(({ host }) => serviceOf(host, namespace)?.namespace ?? []);
  const rules = arms.flatMap(({ host, subset }) => (subset ? destinationRuleNamespaces(namespace, host) : []));
  return [
    permissionTo(['get', 'patch'], resources.virtualService, namespace),
    ...[...new Set(services)].map((itsNamespace) => permissionTo(['get'], resources.service, itsNamespace)),
    ...[...new Set(rules)].map((itsNamespace) => permissionTo(['list'], resources.destinationRule, itsNamespace)),
  ];
}
