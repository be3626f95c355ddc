import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import { destinationRules, virtualServices } from '../api-server/resources.ts';
import type { Storage } from '../api-server/storage.ts';
import { type Destination, parseServiceHost, pathOf, type Route, type RouteFault, serviceHosts } from './routes.ts';

const stringMatch = z.looseObject({
  exact: z.string().optional(),
  prefix: z.string().optional(),
  regex: z.string().optional(),
});

const httpMatch = z.looseObject({
  uri: stringMatch.optional(),
  method: stringMatch.optional(),
  headers: z.record(z.string(), stringMatch).default({}),
});

const percentage = z.looseObject({ value: z.number().default(0) }).prefault({});
const fault = z.looseObject({
  delay: z.looseObject({ percentage, fixedDelay: z.string() }).optional(),
  abort: z.looseObject({ percentage, httpStatus: z.number().optional(), grpcStatus: z.string().optional() }).optional(),
});

const virtualService = z.looseObject({
  spec: z.looseObject({
    hosts: z.array(z.string()).default([]),
    http: z
      .array(
        z.looseObject({
          match: z.array(httpMatch).default([]),
          fault: fault.optional(),
          route: z
            .array(
              z.looseObject({
                destination: z.looseObject({
                  host: z.string(),
                  subset: z.string().optional(),
                  port: z.looseObject({ number: z.number().optional() }).optional(),
                }),
                weight: z.number().optional(),
              }),
            )
            .default([]),
        }),
      )
      .default([]),
  }),
});

const destinationRule = z.looseObject({
  spec: z.looseObject({
    host: z.string(),
    subsets: z
      .array(z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) }))
      .default([]),
  }),
});

/** The http routes of all VirtualServices; their bindings to gateways or the mesh are ignored here. */
export function istioRoutes(storage: Storage): Route[] {
  const rules = storage.list(destinationRules).map((object) => ({
    ...parseServiceHost(destinationRule.parse(object).spec.host, object.metadata.namespace ?? ''),
    subsets: destinationRule.parse(object).spec.subsets,
  }));
  return storage.list(virtualServices).flatMap((object) => {
    const { name, namespace = '' } = object.metadata;
    const { hosts, http } = virtualService.parse(object).spec;
    return http.map(({ match, route, fault: injected }): Route => {
      const destinations = route.map(({ destination, weight }): Destination => {
        const target = parseServiceHost(destination.host, namespace);
        const subsets = rules.filter((rule) => rule.service === target.service && rule.namespace === target.namespace);
        const subset = subsets
          .flatMap((rule) => rule.subsets)
          .find((candidate) => candidate.name === destination.subset);
        return {
          // A single destination takes everything; among several, a missing weight is zero.
          weight: weight ?? (route.length === 1 ? 100 : 0),
          ...target,
          port: destination.port?.number,
          // A subset that no DestinationRule defines has no endpoints.
          ...(destination.subset !== undefined && {
            subset: subset ?? { name: destination.subset, labels: { 'embedded-lab/undefined-subset': '' } },
          }),
        };
      });
      return {
        kind: 'istio',
        object: `VirtualService ${namespace}/${name}`,
        name,
        hosts: hosts.flatMap((host) => (host.includes('.') || host === '*' ? [host] : serviceHosts(host, namespace))),
        matches: (request) => match.length === 0 || match.some((condition) => fulfils(request, condition)),
        destinations,
        ...(injected !== undefined && { fault: faultOf(injected) }),
      };
    });
  });
}

/** By their numbers, from 1 on: https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
const grpcStatuses = [
  ...['CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED'],
  ...['INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
];

/** A missing percentage is 0, as in Envoy. */
function faultOf({ delay, abort }: z.infer<typeof fault>): RouteFault {
  return {
    ...(delay && { delay: { share: delay.percentage.value / 100, milliseconds: millisecondsOf(delay.fixedDelay) } }),
    ...(abort && {
      abort: {
        share: abort.percentage.value / 100,
        // For a gRPC status Envoy answers HTTP 200.
        status: abort.httpStatus ?? 200,
        ...(abort.grpcStatus !== undefined && { grpcStatus: String(1 + grpcStatuses.indexOf(abort.grpcStatus)) }),
      },
    }),
  };
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `1m30s`, `0.5s`, as Go writes durations. */
function millisecondsOf(text: string): number {
  const parts = [...text.matchAll(/([\d.]+)(ms|s|m|h)/g)];
  return parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (units[unit] ?? 0), 0);
}

function fulfils(request: IncomingMessage, { uri, method, headers }: z.infer<typeof httpMatch>): boolean {
  return (
    (uri === undefined || matchesString(pathOf(request), uri)) &&
    (method === undefined || matchesString(request.method ?? '', method)) &&
    Object.entries(headers).every(([name, match]) => {
      const value = request.headers[name.toLowerCase()];
      return value !== undefined && matchesString(String(value), match);
    })
  );
}

function matchesString(value: string, { exact, prefix, regex }: z.infer<typeof stringMatch>): boolean {
  if (exact !== undefined) return value === exact;
  if (prefix !== undefined) return value.startsWith(prefix);
  return regex === undefined || new RegExp(`^(?:${regex})$`).test(value);
}
