import * as z from 'zod';
import type { KubeObject } from '../api-server/objects.ts';
import { ingresses } from '../api-server/resources.ts';
import type { Storage } from '../api-server/storage.ts';
import { type Destination, hasPathPrefix, pathOf, type Route } from './routes.ts';

const ingressView = z.looseObject({
  spec: z.looseObject({
    rules: z
      .array(
        z.looseObject({
          host: z.string().default('*'),
          http: z.looseObject({
            paths: z.array(
              z.looseObject({
                path: z.string().default('/'),
                pathType: z.string().default('Prefix'),
                backend: z.looseObject({
                  service: z.looseObject({
                    name: z.string(),
                    port: z.looseObject({ number: z.number().optional() }).default({}),
                  }),
                }),
              }),
            ),
          }),
        }),
      )
      .default([]),
  }),
});

const prefix = 'nginx.ingress.kubernetes.io/canary';

/**
 * The paths of all Ingresses. A canary Ingress takes its share of the main Ingress' path for the same host:
 * https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
 */
export function nginxRoutes(storage: Storage): Route[] {
  const all = storage.list(ingresses);
  const canaries = all.filter(isCanary).flatMap(pathsOf);
  return all
    .filter((object) => !isCanary(object))
    .flatMap(pathsOf)
    .map(({ object, host, path, pathType, destination }): Route => {
      const { name, namespace = '' } = object.metadata;
      const canary = canaries.find(
        (other) => other.object.metadata.namespace === namespace && other.host === host && other.path === path,
      );
      return {
        kind: 'nginx',
        object: `Ingress ${namespace}/${name}`,
        name,
        hosts: [host],
        matches: (request) => (pathType === 'Exact' ? pathOf(request) === path : hasPathPrefix(pathOf(request), path)),
        ...(canary === undefined ? { destinations: [destination] } : split(destination, canary)),
      };
    });
}

function split(main: Destination, canary: IngressPath): Pick<Route, 'destinations' | 'choose'> {
  const annotations = canary.object.metadata.annotations ?? {};
  const total = Number(annotations[`${prefix}-weight-total`] ?? 100);
  const weight = Math.min(total, Number(annotations[`${prefix}-weight`] ?? 0));
  const destinations = [
    { ...main, weight: total - weight },
    { ...canary.destination, weight },
  ] as const;
  const header = annotations[`${prefix}-by-header`]?.toLowerCase();
  const wanted = annotations[`${prefix}-by-header-value`];
  if (header === undefined) return { destinations };
  return {
    destinations,
    choose: (request) => {
      const value = request.headers[header];
      if (wanted !== undefined) return value === wanted ? destinations[1] : undefined;
      if (value === 'always') return destinations[1];
      return value === 'never' ? destinations[0] : undefined;
    },
  };
}

interface IngressPath {
  readonly object: KubeObject;
  readonly host: string;
  readonly path: string;
  readonly pathType: string;
  readonly destination: Destination;
}

function pathsOf(object: KubeObject): IngressPath[] {
  const { namespace = '' } = object.metadata;
  return ingressView.parse(object).spec.rules.flatMap(({ host, http }) =>
    http.paths.map(({ path, pathType, backend: { service } }) => ({
      object,
      host,
      path,
      pathType,
      destination: { weight: 100, namespace, service: service.name, port: service.port.number },
    })),
  );
}

function isCanary(object: KubeObject): boolean {
  return object.metadata.annotations?.[prefix] === 'true';
}
