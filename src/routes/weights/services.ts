import type { KubernetesClient } from '../../cluster/client.ts';
import { permissionTo } from '../../cluster/permissions.ts';
import { resources } from '../../cluster/resources.ts';
import { SluiceError } from '../../core/errors.ts';
import { type Json, stringifyJson } from '../../core/json.ts';
import type { Permission } from '../../core/permission.ts';
import type { Arm } from '../../judge/readings.ts';
import { getNamed } from '../objects/lookup.ts';
import type { Destination, Destinations } from './rules.ts';

/** An arm's Service, in the terms of routes that refer to Services by name. */
export interface ServiceReference {
  readonly name: string;
  /** The route's own namespace if absent. */
  readonly namespace?: string;
  /** Port of the Service, needed if the route has destinations at several of its ports. */
  readonly port?: number | string;
}

/** The arms of a route in a namespace, with what decides which of them must already exist. */
export interface ServiceArms {
  readonly namespace: string;
  readonly stable: ServiceReference;
  readonly canary: ServiceReference;
  readonly canaryIsCreated?: boolean;
}

/**
 * How entries that refer to Services (`{kind, name, namespace, port, weight}`) are read and created.
 *
 * @param otherIdentity further fields that identify an entry's destination
 */
export function serviceDestinations(
  { namespace, stable, canary }: ServiceArms,
  otherIdentity: readonly string[] = [],
): Destinations {
  const sameService =
    stable.name === canary.name && (stable.namespace ?? namespace) === (canary.namespace ?? namespace);
  if (sameService && (stable.port === undefined || stable.port === canary.port))
    throw new SluiceError('invalid-input', {
      about: `Service ${stable.namespace ?? namespace}/${stable.name}`,
      problem: 'is the destination of both arms.',
      next: 'Name another Service for the canary.',
    });

  const leadsTo = (entry: Destination, arm: ServiceReference) =>
    (entry.kind ?? 'Service') === 'Service' &&
    (entry.group ?? '') === '' &&
    entry.name === arm.name &&
    (entry.namespace ?? namespace) === (arm.namespace ?? namespace) &&
    (arm.port === undefined || entry.port === undefined || entry.port === arm.port);

  return {
    identity: ['kind', 'name', 'namespace', 'port', ...otherIdentity],
    armOf(entry): Arm | undefined {
      if (leadsTo(entry, stable)) return 'stable';
      return leadsTo(entry, canary) ? 'canary' : undefined;
    },
    weightOf: ({ weight }) => (typeof weight === 'number' ? weight : 1),
    canaryLike: (entry) => ({
      ...entry,
      name: canary.name,
      ...(canary.namespace !== undefined && { namespace: canary.namespace }),
      ...(canary.port !== undefined && { port: canary.port }),
    }),
    describe: describePlace,
    stable: describePlace(stable),
  };
}

function describePlace({
  name,
  namespace,
  port,
}: { readonly [field in keyof ServiceReference]?: Json | undefined }): string {
  return `${namespace === undefined ? '' : `${text(namespace)}/`}${text(name)}${port === undefined ? '' : `:${text(port)}`}`;
}

/** @throws SluiceError `not-found` if an arm's Service does not exist and the rollout does not create it */
export async function requireServices(client: KubernetesClient, arms: ServiceArms, signal: AbortSignal): Promise<void> {
  for (const { name, namespace = arms.namespace } of servicesToCheck(arms))
    await getNamed(client, { type: resources.service, namespace, name }, signal);
}

/** The rights that `requireServices` needs. */
export function servicePermissions(arms: ServiceArms): Permission[] {
  const namespaces = new Set(servicesToCheck(arms).map(({ namespace = arms.namespace }) => namespace));
  return [...namespaces].map((namespace) => permissionTo(['get'], resources.service, namespace));
}

function servicesToCheck({ stable, canary, canaryIsCreated }: ServiceArms): ServiceReference[] {
  return canaryIsCreated ? [stable] : [stable, canary];
}

function text(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  // Serializes invalid values, since their own `toString` may be anything.
  return value === undefined ? 'nothing' : stringifyJson(value);
}
