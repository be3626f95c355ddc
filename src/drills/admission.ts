import type { KubernetesClient } from '../cluster/client.ts';
import { permissionTo } from '../cluster/permissions.ts';
import { describe, resources } from '../cluster/resources.ts';
import type { Clock } from '../core/clock.ts';
import { SluiceError } from '../core/errors.ts';
import type { Permission } from '../core/permission.ts';
import { listRecords } from '../ledger/record.ts';
import { type Hours, requireHours } from './hours.ts';
import { protectedNamespaces } from './protected.ts';

/** The label by which the owners of a namespace allow drills in it. */
const ALLOWED = { label: 'sluice.dev/drill', value: 'allowed' } as const;

export interface Admission {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly hours: Hours | undefined;
  /** Where pods may be hit. */
  readonly namespaces: readonly string[];
}

export function admissionPermissions(namespaces: readonly string[]): readonly Permission[] {
  return namespaces.flatMap((namespace) => [
    { ...permissionTo(['get'], resources.namespace, namespace), name: namespace },
    permissionTo(['list'], resources.configMap, namespace),
  ]);
}

/**
 * Refuses a drill that must not begin now: outside of its hours, where a namespace does not allow it, or while a rollout is under way.
 *
 * @throws SluiceError
 */
export async function admitDrill({ client, clock, hours, namespaces }: Admission, signal: AbortSignal): Promise<void> {
  requireHours(hours, clock.now());
  for (const namespace of namespaces) await admitNamespace(client, namespace, signal);
}

async function admitNamespace(client: KubernetesClient, name: string, signal: AbortSignal): Promise<void> {
  const reference = { type: resources.namespace, namespace: '', name };
  const about = describe(reference);
  if (protectedNamespaces.includes(name))
    throw new SluiceError('invalid-input', {
      about,
      problem: 'holds parts of the cluster itself, which no drill may touch.',
      next: 'Leave it out of "namespaces".',
    });
  const { metadata } = await client.get(reference, signal);
  const { label, value } = ALLOWED;
  if (metadata.labels?.[label] !== value)
    throw new SluiceError('invalid-input', {
      about,
      problem: `does not allow drills: it lacks the label ${label}: ${value}.`,
      next: `Let its owners set it: kubectl label namespace ${name} ${label}=${value}`,
    });
  const records = await listRecords(client, name, signal);
  const [under] = records.filter(({ record }) => record.phase !== 'ended');
  if (under)
    throw new SluiceError('locked', {
      about,
      problem: `has a rollout under way: ${under.rollout}, begun by ${under.record.startedBy}. A drill would disturb its judgement.`,
      next: 'Run the drill when it has ended; a "concurrency" group in the workflows makes them wait for each other.',
    });
}
