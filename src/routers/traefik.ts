import * as z from 'zod';
import type { Router } from '../canary/ports.ts';
import type { KubernetesObject } from '../kubernetes/client.ts';
import { permissionTo } from '../kubernetes/permissions.ts';
import { readObject } from '../kubernetes/read-object.ts';
import { resources } from '../kubernetes/resources.ts';
import { destination, type Rule } from './rules.ts';
import { requireServices, type ServiceReference, serviceDestinations, servicePermissions } from './services.ts';
import { createWeightedRouter, type RouteOptions, type RouterDependencies } from './weighted-route.ts';

export interface TraefikOptions extends Omit<RouteOptions, 'rules'> {
  readonly kind: 'traefik';
  readonly stable: ServiceReference;
  readonly canary: ServiceReference;
}

/** The Router for a weighted TraefikService, arms told apart by the Services it refers to. */
export function createTraefikRouter(options: TraefikOptions, dependencies: RouterDependencies): Router {
  const { namespace, name } = options;
  return createWeightedRouter(
    {
      kind: 'traefik',
      reference: { type: resources.traefikService, namespace, name },
      destinations: serviceDestinations(options),
      // Traefik adds weights up as float64 and sets no bound; this one keeps them exact and readable.
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
      explainNoStable: (object) =>
        traefikRules(object).length > 0
          ? undefined
          : {
              problem: 'is not a weighted one.',
              next: 'Give it spec.weighted.services with the stable Service, and let the IngressRoute refer to it.',
            },
      // A TraefikService has no status.
      statusAsFound: () => [],
      report: () => ({ followed: true, evidence: 'TraefikService read back' }),
    },
    options,
    dependencies,
  );
}

const traefikService = z.looseObject({
  spec: z.looseObject({
    weighted: z.looseObject({ services: z.array(destination).default([]) }).optional(),
  }),
});

/** The one list of a weighted TraefikService, as a rule that takes all requests. */
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
