import type { Undone } from '../../canary/ports.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe, type ObjectReference } from '../../cluster/resources.ts';
import { deadline } from '../../core/deadline.ts';
import { isSluiceError, SluiceError } from '../../core/errors.ts';
import type { ArmsContext } from '../arms-context.ts';
import { hasRolledOut, imagesLeft, type UndoneTemplate, undoTemplateChange } from '../promotion.ts';
import { referenceTo, type Workload, workload } from '../workload.ts';
import type { DerivedData } from './release.ts';

/** Milliseconds for pods of another template to go, if an earlier run has begun to replace them. */
const REPLACEMENT_PATIENCE = 60_000;

/**
 * Gives the stable workload the old version back, then checks that the workload and its pods have it.
 *
 * @returns what is still of the new version, and what somebody else has written meanwhile
 */
export async function undoStable(context: ArmsContext, data: DerivedData, signal: AbortSignal): Promise<Undone> {
  const { client, namespace } = context;
  const reference = referenceTo(data.stable, namespace);
  const restored = await undoTemplateChange(client, reference, data.change, signal);
  if (!restored) return { left: [], others: [`${describe(reference)} was deleted by somebody else.`] };
  const stuck = await awaitOldPods(context, data, restored, signal);
  const found = await client.find(reference, signal);
  const images = found ? imagesLeft(readObject(found, workload), data.change, restored.images) : [];
  const shown = images.map(({ container, image }) => `container ${container} has ${image}`);
  const shows = shown.length > 0 ? shown.join(', ') : stuck;
  return {
    left: shows === undefined ? [] : [{ object: describe(reference), shows }],
    others: restored.others.map((what) => othersChanged(reference, what)),
  };
}

function othersChanged(reference: ObjectReference, what: string): string {
  return `${describe(reference)}: ${what} was changed by somebody else since the release began. It stays so: see that it is what you want.`;
}

/** @returns what pods show that are still not of the old version */
async function awaitOldPods(
  context: ArmsContext,
  { stable }: DerivedData,
  restored: UndoneTemplate,
  signal: AbortSignal,
): Promise<string | undefined> {
  const reference = referenceTo(stable, context.namespace);
  const late = () =>
    new SluiceError('not-ready', {
      about: describe(reference),
      problem: `has pods of another version ${REPLACEMENT_PATIENCE / 1_000} s after it was given the old one back.`,
      next: 'Look at its pods.',
    });
  using limit = deadline(context.clock, REPLACEMENT_PATIENCE, late, signal);
  try {
    await context.view(stable).until(
      ({ workload: found, health }) => {
        if (!found) return true;
        // Pods of the old version that were not touched may have problems of their own, which do not concern an undo.
        if (!restored.now) return hasOnePodTemplate(found) || undefined;
        return (hasRolledOut(found, reference, restored.generation) && health.ready >= health.desired) || undefined;
      },
      restored.now ? signal : limit.signal,
    );
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (!isSluiceError(error, 'not-ready')) throw error;
    return `its pods did not all become the old version: ${error.about} ${error.problem}`;
  }
}

function hasOnePodTemplate({ metadata, status }: Workload): boolean {
  return status.observedGeneration >= (metadata.generation ?? 0) && status.replicas <= status.updatedReplicas;
}
