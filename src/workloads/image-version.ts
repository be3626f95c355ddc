import { isSluiceError } from '../core/errors.ts';
import { parseReference, type Reference } from '../core/image-reference.ts';

/**
 * Whether an image in the cluster is the one that was written, in the form that admission rules and operators give it: pinned
 * to a digest (Kyverno, policy-controller), read from a mirror, or with Docker Hub's short name expanded. Compares digests
 * where both have one, else repository and tag.
 */
export function isSameVersion(shown: string | undefined, written: string): boolean {
  if (shown === undefined) return false;
  if (shown === written) return true;
  const [a, b] = [readReference(shown), readReference(written)];
  if (!a || !b) return false;
  if (b.digest !== undefined) return a.digest === b.digest;
  if (a.tag === undefined && a.digest !== undefined) return false;
  return isSameRepository(a, b) && (a.tag ?? 'latest') === (b.tag ?? 'latest');
}

/** A mirror keeps the path, and may prefix it with its own path or the original's host. */
function isSameRepository({ repository: shown }: Reference, { repository: written }: Reference): boolean {
  if (shown.path === written.path) return true;
  return shown.registry !== written.registry && shown.path.endsWith(`/${written.path}`);
}

function readReference(image: string): Reference | undefined {
  try {
    return parseReference(image);
  } catch (error) {
    if (isSluiceError(error, 'invalid-input')) return undefined;
    throw error;
  }
}
