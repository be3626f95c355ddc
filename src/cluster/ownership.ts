import { SluiceError } from '../core/errors.ts';
import type { KubernetesClient } from './client.ts';
import { describe, type ObjectReference, type ResourceType } from './resources.ts';
import type { KubernetesObject, Manifest } from './schema.ts';

const MANAGED_BY = 'app.kubernetes.io/managed-by';
const ROLLOUT = 'sluice.dev/rollout';

/** A label selector that picks all objects which Sluice has created. */
export const ownSelector = `${MANAGED_BY}=sluice`;

/** The labels of every object that Sluice creates for a rollout. */
export function ownLabels(rollout: string): Record<string, string> {
  // A label's value is shorter than a name may be, and ends with a letter or a digit.
  const value = /^.*[a-z0-9]/is.exec(rollout.slice(0, 63))?.[0] ?? '';
  return { [MANAGED_BY]: 'sluice', [ROLLOUT]: value };
}

export function isOwn({ metadata }: KubernetesObject, rollout: string): boolean {
  return Object.entries(ownLabels(rollout)).every(([key, value]) => metadata.labels?.[key] === value);
}

/** An own object to be written. */
export interface OwnObject {
  readonly type: ResourceType;
  readonly manifest: Manifest;
}

export function ownReference({ type, manifest }: OwnObject): ObjectReference {
  return { type, namespace: manifest.metadata.namespace, name: manifest.metadata.name };
}

/**
 * The object as it is now, where it exists and belongs to this rollout.
 *
 * @throws SluiceError `conflict` for one that somebody else made: it is never taken over
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

/** Makes an own object be as given, by server-side apply. */
export async function applyOwn(
  client: KubernetesClient,
  object: OwnObject,
  rollout: string,
  signal: AbortSignal,
): Promise<KubernetesObject> {
  const found = await findOwn(client, ownReference(object), rollout, signal);
  // Without force, one that somebody made this very moment is a conflict.
  return client.apply(object.type, object.manifest, signal, { force: found !== undefined });
}

/** Deletes an object where it is this rollout's; one that somebody else made since stays. */
export async function removeOwn(
  client: KubernetesClient,
  reference: ObjectReference,
  rollout: string,
  signal: AbortSignal,
): Promise<void> {
  const found = await client.find(reference, signal);
  if (found && isOwn(found, rollout)) await client.remove(reference, signal);
}
