import { isSluiceError, SluiceError } from '../core/errors.ts';
import { isUnknownKind } from './cli.ts';
import { nameOf, note } from './notes.ts';
import type { HelmRequest, HelmWorld, Remains } from './ports.ts';
import { adviceForGoneKinds } from './problems.ts';

/**
 * Refuses a rollback that Helm cannot make. Helm records a rollback before it asks the cluster for its kinds, and leaves it as
 * `pending-rollback` where one is gone.
 *
 * @param manifests of the installed revision and of the wanted one
 * @throws SluiceError `unsupported`
 */
export async function refuseGoneKinds(
  world: Pick<HelmWorld, 'objects'>,
  request: HelmRequest,
  manifests: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const gone = (await Promise.all(manifests.map((manifest) => world.objects.unserved(manifest, signal)))).flat();
  if (gone.length === 0) return;
  const { release, namespace } = request;
  throw new SluiceError('unsupported', {
    about: nameOf(request),
    problem: `can't be rolled back by Helm: the cluster does not serve ${[...new Set(gone)].join(', ')}.`,
    next: adviceForGoneKinds(release, namespace),
  });
}

/** Whether Helm has stopped at a kind that the cluster does not know. Helm may say so, or only that it has failed. */
export function isGivenUp(error: unknown): boolean {
  return isUnknownKind(error) || (isSluiceError(error) && /failed to delete release/.test(error.problem));
}

/**
 * Removes a release that Helm could not remove.
 *
 * @returns false where the cluster knows all its kinds: then Helm has failed for another reason
 */
export async function removedWithoutHelm(
  world: HelmWorld,
  { change }: HelmRequest,
  { manifest, remains }: { readonly manifest: string; readonly remains: Remains },
  signal: AbortSignal,
): Promise<boolean> {
  const { unknown } = remains;
  if (unknown.length === 0) return false;
  note(
    world,
    'warning',
    `Helm removes nothing of it: ${unknown.join(' ')} What else it holds is deleted without Helm.`,
  );
  await world.objects.remove(manifest, AbortSignal.any([signal, AbortSignal.timeout(change.timeout)]));
  return true;
}
