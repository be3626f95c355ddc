import * as z from 'zod';
import type { KubernetesClient } from '../../cluster/client.ts';
import { ApiError } from '../../cluster/errors.ts';
import { readObject } from '../../cluster/read-object.ts';
import { resources } from '../../cluster/resources.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Arm } from '../../judge/readings.ts';
import type { OwnTraffic } from '../own/own-paths.ts';
import { escapeRegex } from '../series/selector.ts';
import { type ArmPods, followArmPods } from './arm-pods.ts';
import type { Queries } from './queries.ts';
import type { Names } from './rules.ts';

/** What the cluster knows of the named objects. Absent parts could not be asked for: then names are matched by patterns. */
export interface Found {
  readonly pods?: ArmPods;
  /** The requests that the pods get without any user, where no more was asked of the pods. */
  readonly own?: readonly OwnTraffic[];
  /** How routes may refer to a port of the arms' Services: by its number or its name. */
  readonly ports?: Readonly<Record<Arm, readonly string[]>>;
}

/** The current names; the same object as before if nothing has changed. */
export type ClusterNames = (signal: AbortSignal) => Promise<Found>;

export interface ClusterWorld {
  readonly client: KubernetesClient;
  /** Ends the watches. */
  readonly signal: AbortSignal;
}

/** Queries whose metrics name pods, and queries whose metrics name ports. */
const [ofPods, ofPorts] = [
  ['http', 'opentelemetry', 'linkerd', 'own'],
  ['nginx', 'traefik'],
];

/**
 * Asks the cluster for the names that its objects have in metrics, as far as the queries need them.
 *
 * @param selectors label selectors of the arms' pods
 */
export function createClusterNames(
  queries: Queries,
  names: Names,
  selectors: Readonly<Record<Arm, string>> | undefined,
  world: ClusterWorld | undefined,
): ClusterNames {
  if (world && selectors && ofPods.includes(queries.kind)) {
    const follow = followArmPods(world.client, names, selectors, world.signal);
    let last: Found = {};
    return async (signal) => {
      const pods = await follow(signal);
      if (pods.pattern('stable') === undefined) throw noPods(selectors.stable, names.namespace);
      if (last.pods !== pods) last = { pods };
      return last;
    };
  }
  if (world && ofPorts.includes(queries.kind)) {
    let found: Found | undefined;
    return async (signal) => {
      found ??= await portsOf(world.client, names, signal);
      return found;
    };
  }
  const nothing: Found = {};
  return async () => nothing;
}

function noPods(selector: string, namespace: string): SluiceError {
  return new SluiceError('not-found', {
    about: `pods ${selector} in ${namespace}`,
    problem: 'are not there: the stable arm has no pods whose requests could be counted.',
    next: 'See that the stable workload runs.',
  });
}

const port = z.union([z.number(), z.string()]);
const service = z.looseObject({
  spec: z
    .looseObject({
      ports: z.array(z.looseObject({ name: z.string().optional(), port, targetPort: port.optional() })).default([]),
    })
    .prefault({}),
});

/** The canary's Service may be created later, as a copy of the stable one with the same ports. */
async function portsOf(client: KubernetesClient, names: Names, signal: AbortSignal): Promise<Found> {
  const read = async (name: string | undefined) => {
    if (name === undefined) return [];
    const found = await client.find({ type: resources.service, namespace: names.namespace, name }, signal);
    const ports = found ? readObject(found, service).spec.ports : [];
    return ports.flatMap((one) => [one.name, one.port, one.targetPort]).flatMap((one) => (one ? [String(one)] : []));
  };
  try {
    const [stable, canary] = await Promise.all([read(names.stable.service), read(names.canary.service)]);
    const all = [...new Set(stable)];
    return all.length === 0 ? {} : { ports: { stable: all, canary: [...new Set([...stable, ...canary])] } };
  } catch (error) {
    // Without the right to read Services, any port is accepted.
    if (error instanceof ApiError && error.code === 'forbidden') return {};
    throw error;
  }
}

/** Matches any of these ports as metrics write them; undefined if none is known. */
export function portPattern(ports: readonly string[] | undefined): string | undefined {
  return ports === undefined || ports.length === 0 ? undefined : `(?:${ports.map(escapeRegex).join('|')})`;
}
