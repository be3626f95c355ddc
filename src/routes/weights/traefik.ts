import * as z from 'zod';
import type { Router } from '../../canary/ports.ts';
import { permissionTo } from '../../cluster/permissions.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe, type ObjectReference, resources } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Readable } from '../objects/readable.ts';
import { besideTheRoute, findSenders } from '../survey/senders.ts';
import { destination, type Rule } from './rules.ts';
import { requireServices, type ServiceReference, serviceDestinations, servicePermissions } from './services.ts';
import { collisions } from './traefik-collisions.ts';
import { createWeightedRouter, type RouteOptions, type RouterDependencies } from './weighted-route.ts';

export interface TraefikOptions extends Omit<RouteOptions, 'rules'> {
  readonly kind: 'traefik';
  readonly stable: ServiceReference;
  readonly canary: ServiceReference;
}

/** The Router for a weighted TraefikService, with the arms identified by their Services. */
export function createTraefikRouter(options: TraefikOptions, dependencies: RouterDependencies): Router {
  const { namespace, name } = options;
  const reference = { type: resources.traefikService, namespace, name };
  return createWeightedRouter(
    {
      kind: 'traefik',
      reference,
      destinations: serviceDestinations(options),
      // Traefik adds weights up as float64 without a limit; this one keeps them exact and readable.
      largestWeight: 1_000_000,
      permissions: [
        permissionTo(['get', 'patch'], resources.traefikService, namespace),
        ...servicePermissions(options),
      ],
      rules: traefikRules,
      writtenFields: (rules, withCanary) => ({
        path: ['spec', 'weighted', 'services'],
        appliedWith: ['spec'],
        pointers: rules.map(({ pointer, listField }) => `${pointer}/${listField}`),
        jq: [`.spec.weighted.services${withCanary ? '' : '[]?.weight'}`],
      }),
      check: (_object, _rules, signal) => requireServices(dependencies.client, options, signal),
      async survey(_object, readable) {
        await requireReferred(readable, reference);
        const service = { name: options.stable.name, namespace: options.stable.namespace ?? namespace };
        const routes = (await readable.list(resources.ingressRoute, namespace)) ?? [];
        const beside = besideTheRoute(await findSenders(readable, service, [reference]), describe(reference), service);
        return { ...beside, warnings: [...beside.warnings, ...collisions(routes, reference)] };
      },
      explainNoStable: (object) =>
        traefikRules(object).length > 0
          ? undefined
          : {
              problem: 'is not a weighted one.',
              next: 'Give it spec.weighted.services with the stable Service, and let the IngressRoute refer to it.',
            },
      // A TraefikService has no status to wait for.
      statusAsFound: () => [],
      report: () => ({ followed: true, evidence: 'TraefikService read back' }),
    },
    options,
    dependencies,
  );
}

const referring = z.looseObject({
  kind: z.string().default('Service'),
  name: z.string().default(''),
  namespace: z.string().optional(),
});
const referringList = z.array(referring).default([]);
/** The objects that may refer to a TraefikService: IngressRoutes, HTTPRoutes, other TraefikServices. */
const referrer = z.looseObject({
  spec: z
    .looseObject({
      routes: z.array(z.looseObject({ services: referringList })).default([]),
      rules: z.array(z.looseObject({ backendRefs: referringList })).default([]),
      weighted: z.looseObject({ services: referringList }).optional(),
      mirroring: z.looseObject(referring.shape).optional(),
    })
    .prefault({}),
});

/**
 * A TraefikService gets requests only from objects that refer to it.
 *
 * @throws SluiceError `unsupported` if none does, and all kinds that could were read
 */
async function requireReferred(readable: Readable, { namespace, name, type }: ObjectReference): Promise<void> {
  const kinds = [resources.ingressRoute, resources.httpRoute, type];
  const lists = await Promise.all(kinds.map((kind) => readable.list(kind, namespace)));
  const isReferred = lists
    .flatMap((list) => list ?? [])
    .some((object) => {
      const { spec } = readObject(object, referrer);
      return [
        ...spec.routes.flatMap(({ services }) => services),
        ...spec.rules.flatMap(({ backendRefs }) => backendRefs),
        ...(spec.weighted?.services ?? []),
        ...(spec.mirroring ? [spec.mirroring] : []),
      ].some(
        (entry) =>
          entry.kind === type.kind &&
          entry.name === name &&
          (entry.namespace ?? object.metadata.namespace) === namespace,
      );
    });
  if (isReferred || !readable.isWhole(resources.ingressRoute)) return;
  throw new SluiceError('unsupported', {
    about: `TraefikService ${namespace}/${name}`,
    problem: 'gets no requests: no IngressRoute refers to it.',
    next: 'Let an IngressRoute lead to it, with kind: TraefikService in its services.',
  });
}

const traefikService = z.looseObject({
  spec: z.looseObject({
    weighted: z.looseObject({ services: z.array(destination).default([]) }).optional(),
  }),
});

/** The one list of a weighted TraefikService, as a rule that matches all requests. */
export function traefikRules(object: KubernetesObject): Rule[] {
  const destinations = readObject(object, traefikService).spec.weighted?.services ?? [];
  if (destinations.length === 0) return [];
  return [
    {
      section: 'weighted',
      place: 'weighted',
      pointer: '/spec/weighted',
      name: null,
      matchField: 'match',
      match: null,
      listField: 'services',
      destinations,
    },
  ];
}
