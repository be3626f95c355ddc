import * as z from 'zod';
import { ingressRoutes, traefikServices } from '../api-server/resources.ts';
import type { Storage } from '../api-server/storage.ts';
import { type Destination, hasPathPrefix, pathOf, type Route } from './routes.ts';

const serviceReference = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  kind: z.string().default('Service'),
  port: z.union([z.number(), z.string()]).optional(),
  weight: z.number().default(1),
});
type ServiceReference = z.infer<typeof serviceReference>;

const ingressRoute = z.looseObject({
  spec: z.looseObject({
    routes: z.array(z.looseObject({ match: z.string(), services: z.array(serviceReference).default([]) })).default([]),
  }),
});

const traefikService = z.looseObject({
  spec: z.looseObject({
    weighted: z.looseObject({ services: z.array(serviceReference).default([]) }).prefault({}),
  }),
});

/** The routes of all IngressRoutes, whose rules may use Host and PathPrefix, with weighted TraefikServices resolved. */
export function traefikRoutes(storage: Storage): Route[] {
  return storage.list(ingressRoutes).flatMap((object) => {
    const { name, namespace = '' } = object.metadata;
    return ingressRoute.parse(object).spec.routes.map(({ match, services }): Route => {
      const prefix = /PathPrefix\(`([^`]+)`\)/.exec(match)?.[1] ?? '/';
      const hosts = [...match.matchAll(/Host\(`([^`]+)`\)/g)].map(([, host = '']) => host);
      return {
        kind: 'traefik',
        object: `IngressRoute ${namespace}/${name}`,
        name,
        hosts: hosts.length === 0 ? ['*'] : hosts,
        matches: (request) => hasPathPrefix(pathOf(request), prefix),
        destinations: services.flatMap((service) => resolve(storage, service, namespace, service.weight)),
      };
    });
  });
}

/** A Service, or the Services behind a TraefikService with their parts of its weight. */
function resolve(storage: Storage, reference: ServiceReference, from: string, weight: number): Destination[] {
  const namespace = reference.namespace ?? from;
  if (reference.kind === 'Service') {
    const port = reference.port === undefined ? undefined : Number(reference.port);
    return [{ weight, namespace, service: reference.name, port }];
  }
  const object = storage.get(traefikServices, namespace, reference.name);
  const services = object === undefined ? [] : traefikService.parse(object).spec.weighted.services;
  const total = services.reduce((sum, service) => sum + service.weight, 0);
  return services.flatMap((service) =>
    resolve(storage, service, namespace, total === 0 ? 0 : (weight * service.weight) / total),
  );
}
