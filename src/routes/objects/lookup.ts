import type { KubernetesClient } from '../../cluster/client.ts';
import { describe, type ObjectReference } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { isSluiceError, SluiceError } from '../../core/errors.ts';

/**
 * Reads an object that an input names.
 *
 * @throws SluiceError `not-found`, with the names of that kind in the namespace, if they may be listed
 */
export async function getNamed(
  client: KubernetesClient,
  reference: ObjectReference,
  signal: AbortSignal,
): Promise<KubernetesObject> {
  const object = await client.find(reference, signal);
  if (object !== undefined) return object;
  const { type, namespace } = reference;
  const names = await namesOf(client, reference, signal);
  throw new SluiceError('not-found', {
    about: describe(reference),
    problem: 'does not exist.',
    next:
      names === undefined
        ? 'Check the name and the namespace.'
        : names.length === 0
          ? `There is no ${type.kind} in namespace ${namespace}: check the namespace.`
          : `Name one of those in namespace ${namespace}: ${names.join(', ')}.`,
  });
}

async function namesOf(
  client: KubernetesClient,
  { type, namespace }: ObjectReference,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  try {
    const objects = await client.list(type, namespace, {}, signal);
    return objects.map(({ metadata }) => metadata.name).sort();
  } catch (error) {
    // The list only helps the reader: the right to read one object does not include the right to list.
    if (isSluiceError(error, 'forbidden') || isSluiceError(error, 'not-found')) return undefined;
    throw error;
  }
}
