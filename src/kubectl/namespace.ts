import type { DeployObject } from '../apply/objects.ts';
import { resources } from '../cluster/resources.ts';
import { isSluiceError, SluiceError } from '../core/errors.ts';
import type { Claim } from '../ledger/lease.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

export async function namespaceExists(
  { client }: DeployWorld,
  { namespace, createNamespace: mayCreate }: DeployOptions,
  signal: AbortSignal,
): Promise<boolean> {
  // Without `create-namespace`, the credentials may lack the right to read the namespace. A missing one fails later by itself.
  if (!mayCreate) return true;
  return (await client.find({ type: resources.namespace, namespace: '', name: namespace }, signal)) !== undefined;
}

/**
 * Takes the Lease, and first creates the namespace if it may be missing.
 *
 * @throws SluiceError `not-found` for a missing namespace
 */
export async function claimIn(
  world: DeployWorld,
  options: DeployOptions,
  hasNamespace: boolean,
  signal: AbortSignal,
): Promise<Claim> {
  const { namespace } = options;
  if (!hasNamespace) await createNamespace(world, options, signal);
  try {
    return await world.claim(signal);
  } catch (error) {
    if (!isSluiceError(error, 'not-found')) throw error;
    throw new SluiceError('not-found', {
      about: `Namespace ${namespace}`,
      problem: 'does not exist.',
      next: 'Set "create-namespace: true", or check its name. Nothing was changed.',
      cause: error,
    });
  }
}

async function createNamespace({ client }: DeployWorld, { namespace }: DeployOptions, signal: AbortSignal) {
  try {
    await client.create(resources.namespace, namespaceObject(namespace).manifest, signal);
  } catch (error) {
    // Somebody else has just created it.
    if (!isSluiceError(error, 'conflict')) throw error;
  }
}

export function namespaceObject(name: string): DeployObject {
  const reference = { type: resources.namespace, namespace: '', name };
  return {
    reference,
    manifest: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
    source: 'create-namespace',
  };
}
