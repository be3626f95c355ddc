import * as z from 'zod';
import type { Router } from '../../canary/ports.ts';
import { condition as conditionSchema } from '../../cluster/conditions.ts';
import { permissionTo } from '../../cluster/permissions.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe, resources } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { jsonSchema } from '../../core/json.ts';
import { type ParentReport, requireAccepted } from '../survey/gateway-acceptance.ts';
import { besideTheRoute, findSenders } from '../survey/senders.ts';
import { destination, type Rule } from './rules.ts';
import { requireServices, type ServiceReference, serviceDestinations, servicePermissions } from './services.ts';
import { createWeightedRouter, type RouteOptions, type RouterDependencies } from './weighted-route.ts';

export interface GatewayApiOptions extends RouteOptions {
  readonly kind: 'gateway-api';
  readonly route: 'HTTPRoute' | 'GRPCRoute';
  readonly stable: ServiceReference;
  readonly canary: ServiceReference;
}

const routeTypes = { HTTPRoute: resources.httpRoute, GRPCRoute: resources.grpcRoute };

/** The Router for a Gateway API HTTPRoute or GRPCRoute, with the arms identified by their Services. */
export function createGatewayApiRouter(options: GatewayApiOptions, dependencies: RouterDependencies): Router {
  const { namespace, name } = options;
  const type = routeTypes[options.route];
  const reference = { type, namespace, name };
  return createWeightedRouter(
    {
      kind: 'gateway-api',
      reference,
      destinations: serviceDestinations(options, ['group']),
      // https://gateway-api.sigs.k8s.io/reference/spec/#backendref
      largestWeight: 1_000_000,
      permissions: [permissionTo(['get', 'patch'], type, namespace), ...servicePermissions(options)],
      rules: gatewayApiRules,
      writtenFields: (rules, withCanary) => ({
        path: ['spec', 'rules'],
        appliedWith: ['spec'],
        pointers: rules.map(({ pointer }) => `${pointer}/backendRefs`),
        jq: [`.spec.rules[]?.backendRefs${withCanary ? '' : '[]?.weight'}`],
      }),
      check: (_object, _rules, signal) => requireServices(dependencies.client, options, signal),
      async survey(_object, readable, signal) {
        const unresolved = options.canaryIsCreated === true;
        await requireAccepted(dependencies, reference, { reportsOf: parentsOf, unresolved }, signal);
        const service = { name: options.stable.name, namespace: options.stable.namespace ?? namespace };
        const senders = await findSenders(readable, service, [reference]);
        return besideTheRoute(senders, describe(reference), service);
      },
      // A parent that lacks only the canary’s Service, which is created later, serves the route.
      statusAsFound: (object) =>
        parentsOf(object)
          .filter(({ awaits, accepted }) => awaits === undefined || (options.canaryIsCreated && accepted))
          .map(({ parent }) => parent),
      report(object, asFound) {
        if (asFound.length === 0) return { followed: true, evidence: `${type.kind} read back` };
        const parents = new Map(parentsOf(object).map(({ parent, awaits }) => [parent, awaits]));
        for (const parent of asFound) {
          const awaits = parents.has(parent) ? parents.get(parent) : 'to report the route again';
          if (awaits !== undefined) return { awaits: `${parent} ${awaits}` };
        }
        return {
          followed: true,
          evidence: `generation ${object.metadata.generation} accepted by ${asFound.join(', ')}`,
        };
      },
    },
    options,
    dependencies,
  );
}

const route = z.looseObject({
  spec: z.looseObject({
    rules: z
      .array(
        z.looseObject({
          name: z.string().optional(),
          matches: jsonSchema.optional(),
          backendRefs: z.array(destination).default([]),
        }),
      )
      .default([]),
  }),
  status: z
    .looseObject({
      parents: z
        .array(
          z.looseObject({
            parentRef: z.looseObject({
              kind: z.string().default('Gateway'),
              namespace: z.string().optional(),
              name: z.string(),
              sectionName: z.string().optional(),
              port: z.number().optional(),
            }),
            controllerName: z.string().default(''),
            conditions: z.array(conditionSchema.extend({ observedGeneration: z.number().default(0) })).default([]),
          }),
        )
        .default([]),
    })
    .optional(),
});

/** Every rule of an HTTPRoute or GRPCRoute that has backends. */
export function gatewayApiRules(object: KubernetesObject): Rule[] {
  return readObject(object, route).spec.rules.flatMap(({ name, matches, backendRefs }, index) =>
    backendRefs.length === 0
      ? []
      : [
          {
            section: 'rules',
            place: `rules[${index}]`,
            pointer: `/spec/rules/${index}`,
            name: name ?? null,
            matchField: 'matches',
            match: matches ?? null,
            listField: 'backendRefs',
            destinations: backendRefs,
          },
        ],
  );
}

/**
 * The parents that report on a route, each with the conditions that it has not yet reported as true for the current generation:
 * Accepted and ResolvedRefs (https://gateway-api.sigs.k8s.io/reference/spec/#routeparentstatus).
 */
function parentsOf(object: KubernetesObject): ParentReport[] {
  const generation = object.metadata.generation ?? 0;
  return (readObject(object, route).status?.parents ?? []).map(({ parentRef, controllerName, conditions }) => {
    const { kind, namespace = object.metadata.namespace, name, sectionName, port } = parentRef;
    const listener = [sectionName, port].filter((part) => part !== undefined).join(':');
    const parent = `${kind} ${namespace}/${name}${listener === '' ? '' : ` (${listener})`} of ${controllerName}`;
    let accepted = false;
    for (const type of ['Accepted', 'ResolvedRefs']) {
      const condition = conditions.find((candidate) => candidate.type === type);
      if (condition === undefined || condition.observedGeneration < generation)
        return { parent, accepted, awaits: `to report ${type} for generation ${generation}` };
      if (condition.status !== 'True')
        return { parent, accepted, awaits: `to say ${type} (${condition.reason}: ${condition.message})` };
      accepted = true;
    }
    return { parent, accepted, awaits: undefined };
  });
}
