import { isSluiceError, SluiceError } from '../core/errors.ts';
import { isUnknownKind } from './cli.ts';
import { nameOf, note } from './notes.ts';
import type { HelmRequest, HelmWorld, Remains } from './ports.ts';
import { adviceForGoneKinds } from './problems.ts';

/**
 * Refuses a rollback that Helm can't make. Helm records one before it asks the cluster for the kinds in it, and leaves it as
 * `pending-rollback` where one is gone.
 *
 * @param manifests of the revision that is there, and of the one that is wanted
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

/** Helm stops at a kind that the cluster does not know, and says so or only that it has failed. */
export function isGivenUp(error: unknown): boolean {
  return isUnknownKind(error) || (isSluiceError(error) && /failed to delete release/.test(error.problem));
}

/**
 * Removes a release at which Helm has given up.
 *
 * @returns false where it holds no kind that the cluster does not know: then Helm has stopped at something else
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
