import { lastManager } from '../../cluster/gitops.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { SluiceError } from '../../core/errors.ts';

/** Weights in an object that Sluice has not written. */
interface ForeignWeights {
  readonly object: KubernetesObject;
  /** Names from the object's root to the field that holds the weights. */
  readonly path: readonly string[];
  /** The current content, for the reader. */
  readonly shown: string;
}

/**
 * The error for weights that differ from those that Sluice wrote.
 *
 * @param expected weights that the object may have, in per cent
 */
export function changedByOthers(
  about: string,
  { object, path, shown }: ForeignWeights,
  expected: readonly number[],
): SluiceError {
  const manager = lastManager(object, path);
  const by = manager === undefined ? 'somebody else' : `field manager "${manager}"`;
  return new SluiceError('foreign-edit', {
    about,
    problem: `was changed by ${by} during the rollout: ${shown}, where a canary weight of ${inWords(expected)} is expected.`,
    next: 'Decide which weights are right and set them; Sluice leaves them as they are.',
  });
}

/** The error for an object that was deleted. */
export function deletedByOthers(about: string, expected: readonly number[]): SluiceError {
  return new SluiceError('foreign-edit', {
    about,
    problem: `was deleted by somebody else during the rollout, where a canary weight of ${inWords(expected)} is expected.`,
    next: 'Decide what should serve; Sluice does not make it again.',
  });
}

function inWords(weights: readonly number[]): string {
  return [...new Set(weights)].map((weight) => `${weight} %`).join(' or ');
}
