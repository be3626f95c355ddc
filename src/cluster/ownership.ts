import { SluiceError } from '../core/errors.ts';
import type { KubernetesClient } from './client.ts';
import { describe, type ObjectReference, type ResourceType } from './resources.ts';
import type { KubernetesObject, Manifest } from './schema.ts';

const MANAGED_BY = 'app.kubernetes.io/managed-by';
const ROLLOUT = 'sluice.dev/rollout';

/** A label selector for all objects that Sluice has created. */
export const ownSelector = `${MANAGED_BY}=sluice`;

/** The labels of every object that Sluice creates for a rollout. */
export function ownLabels(rollout: string): Record<string, string> {
  // A label's value may have 63 characters, fewer than a name, and has to end with a letter or a digit.
  const value = /^.*[a-z0-9]/is.exec(rollout.slice(0, 63))?.[0] ?? '';
  return { [MANAGED_BY]: 'sluice', [ROLLOUT]: value };
}

export function isOwn({ metadata }: KubernetesObject, rollout: string): boolean {
  return Object.entries(ownLabels(rollout)).every(([key, value]) => metadata.labels?.[key] === value);
}

/** An object of Sluice's own, to be written. */
export interface OwnObject {
  readonly type: ResourceType;
  readonly manifest: Manifest;
}

export function ownReference({ type, manifest }: OwnObject): ObjectReference {
  return { type, namespace: manifest.metadata.namespace, name: manifest.metadata.name };
}

/**
 * The object as it is now, if it exists and belongs to this rollout.
 *
 * @throws SluiceError `conflict` for an object that somebody else made: it is never taken over
 */
export async function findOwn(
  client: Pick<KubernetesClient, 'find'>,
  reference: ObjectReference,
  rollout: string,
  signal: AbortSignal,
): Promise<KubernetesObject | undefined> {
  const found = await client.find(reference, signal);
  if (found && !isOwn(found, rollout)) {
    throw new SluiceError('conflict', {
      about: describe(reference),
      problem: 'exists already and was not made by this rollout, which needs the name.',
      next: 'Rename or delete it, if it is not used.',
    });
  }
  return found;
}

/** Creates or updates an own object by server-side apply. */
export async function applyOwn(
  client: KubernetesClient,
  object: OwnObject,
  rollout: string,
  signal: AbortSignal,
): Promise<KubernetesObject> {
  const found = await findOwn(client, ownReference(object), rollout, signal);
  // Applies a new object without force, so that one which somebody has created meanwhile is a conflict.
  return client.apply(object.type, object.manifest, signal, { force: found !== undefined });
}

/** Deletes an object if it belongs to this rollout, and keeps one that somebody else has made since. */
export async function removeOwn(
  client: KubernetesClient,
  reference: ObjectReference,
  rollout: string,
  signal: AbortSignal,
): Promise<void> {
  const found = await client.find(reference, signal);
  if (found && isOwn(found, rollout)) await client.remove(reference, signal);
}
