import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import type { KubeObject } from '../api-server/objects.ts';
import { grpcRoutes, httpRoutes } from '../api-server/resources.ts';
import type { Storage } from '../api-server/storage.ts';
import { type Destination, hasPathPrefix, pathOf, type Route } from './routes.ts';

const typed = z.looseObject({ type: z.string().optional(), value: z.string().default('') });

const routeMatch = z.looseObject({
  path: typed.optional(),
  method: z
    .union([z.string(), z.looseObject({ service: z.string().optional(), method: z.string().optional() })])
    .optional(),
  headers: z.array(typed.extend({ name: z.string() })).default([]),
});

export const routeView = z.looseObject({
  spec: z.looseObject({
    hostnames: z.array(z.string()).default(['*']),
    parentRefs: z.array(z.looseObject({ name: z.string() })).default([]),
    rules: z
      .array(
        z.looseObject({
          matches: z.array(routeMatch).default([]),
          backendRefs: z
            .array(
              z.looseObject({
                name: z.string(),
                namespace: z.string().optional(),
                port: z.number().optional(),
                weight: z.number().default(1),
              }),
            )
            .default([]),
        }),
      )
      .default([]),
  }),
});

/** The rules of all HTTPRoutes and GRPCRoutes. A gRPC method is a path here, as on the wire. */
export function gatewayApiRoutes(storage: Storage): Route[] {
  return [httpRoutes, grpcRoutes].flatMap((resource) =>
    storage.list(resource).flatMap((object) => rulesOf(resource.kind, object)),
  );
}

function rulesOf(kind: string, object: KubeObject): Route[] {
  const { name, namespace = '' } = object.metadata;
  const { hostnames, rules } = routeView.parse(object).spec;
  return rules.map(
    ({ matches, backendRefs }): Route => ({
      kind: 'gateway-api',
      object: `${kind} ${namespace}/${name}`,
      name,
      hosts: hostnames,
      matches: (request) => matches.length === 0 || matches.some((match) => fulfils(request, match)),
      destinations: backendRefs.map(
        (reference): Destination => ({
          weight: reference.weight,
          namespace: reference.namespace ?? namespace,
          service: reference.name,
          port: reference.port,
        }),
      ),
    }),
  );
}

function fulfils(request: IncomingMessage, { path, method, headers }: z.infer<typeof routeMatch>): boolean {
  const asked = pathOf(request);
  const onPath =
    path === undefined || (path.type === 'Exact' ? asked === path.value : hasPathPrefix(asked, path.value));
  const { service, method: procedure } = typeof method === 'object' ? method : {};
  const onMethod =
    typeof method === 'object'
      ? (service === undefined || asked.startsWith(`/${service}/`)) &&
        (procedure === undefined || asked.endsWith(`/${procedure}`))
      : method === undefined || method === request.method;
  return onPath && onMethod && headers.every(({ name, value }) => request.headers[name.toLowerCase()] === value);
}
