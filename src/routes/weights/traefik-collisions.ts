import * as z from 'zod';
import { describe, type ObjectReference, resources } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';

const list = z
  .array(
    z.looseObject({
      kind: z.string().default('Service'),
      name: z.string().default(''),
      namespace: z.string().optional(),
    }),
  )
  .default([]);
const ingressRoute = z.looseObject({
  spec: z
    .looseObject({
      entryPoints: z.array(z.string()).nullish(),
      routes: z
        .array(z.looseObject({ match: z.string().default(''), priority: z.number().nullish(), services: list }))
        .default([]),
    })
    .prefault({}),
});

interface ServedRoute {
  /** `IngressRoute shop/checkout` */
  readonly about: string;
  /** Empty: all that Traefik serves by default. */
  readonly entryPoints: readonly string[];
  /** Without spaces between its words. */
  readonly match: string;
  readonly priority: number;
  /** The class that selects the Traefik; empty: every Traefik that uses no class. */
  readonly className: string;
  readonly isOurs: boolean;
}

/**
 * Routes that match the same requests as routes to a TraefikService, but lead elsewhere: Traefik serves the one with the higher
 * priority, and with equal priorities either of them.
 *
 * https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/http/ingressroute/
 *
 * @param found the readable IngressRoutes
 * @returns a sentence for each
 */
export function collisions(found: readonly KubernetesObject[], traefikService: ObjectReference): string[] {
  const all = found.flatMap((object) => routesIn(object, traefikService));
  const ours = all.filter(({ isOurs }) => isOurs);
  return all
    .filter(({ isOurs }) => !isOurs)
    .flatMap((other) => {
      const same = ours.find((own) => collide(own, other));
      if (!same) return [];
      const served = other.priority > same.priority ? 'it is served first' : 'Traefik serves one of them';
      return [
        `${other.about} has the same match as ${same.about} (${same.match}), on ${placeOf(same, other)}: ${served}, and what it takes does not follow the weight.`,
      ];
    });
}

function routesIn(object: KubernetesObject, { name: wanted, namespace: place }: ObjectReference): ServedRoute[] {
  const parsed = ingressRoute.safeParse(object);
  if (!parsed.success) return [];
  const { entryPoints, routes } = parsed.data.spec;
  const { namespace = '', name } = object.metadata;
  return routes.map(({ match, priority, services }) => ({
    about: describe({ type: resources.ingressRoute, namespace, name }),
    entryPoints: entryPoints ?? [],
    match: match.trim().replaceAll(/\s+/g, ' '),
    className: object.metadata.annotations?.['kubernetes.io/ingress.class'] ?? '',
    // Without a priority, the longer rule comes first.
    priority: priority || match.length,
    isOurs: services.some(
      (service) =>
        service.kind === 'TraefikService' && service.name === wanted && (service.namespace ?? namespace) === place,
    ),
  }));
}

/** Whether the other route takes requests of this one. */
function collide(one: ServedRoute, other: ServedRoute): boolean {
  const isSameClass = one.className === other.className;
  return isSameClass && one.match === other.match && other.priority >= one.priority && shared(one, other) !== undefined;
}

/** Entry points of both routes; undefined if there are none. */
function shared(one: ServedRoute, other: ServedRoute): readonly string[] | undefined {
  if (one.entryPoints.length === 0) return other.entryPoints;
  if (other.entryPoints.length === 0) return one.entryPoints;
  const both = one.entryPoints.filter((name) => other.entryPoints.includes(name));
  return both.length === 0 ? undefined : both;
}

function placeOf(one: ServedRoute, other: ServedRoute): string {
  const names = shared(one, other) ?? [];
  return names.length === 0 ? "Traefik's default entry points" : `entry point ${names.join(', ')}`;
}
