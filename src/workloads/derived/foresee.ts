import { ApiError } from '../../cluster/errors.ts';
import { findOwn, type OwnObject, ownReference } from '../../cluster/ownership.ts';
import { readObject } from '../../cluster/read-object.ts';
import type { ObjectReference } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import type { ArmsContext } from '../arms-context.ts';
import { asStored, type TemplateChange, templateOperations } from '../promotion.ts';
import { referenceOf, type Workload, workload } from '../workload.ts';

/**
 * Asks the API server for the stored form of the changed stable workload, so that the record has it before the first write:
 * admission rules pin images to digests or replace their registry by a mirror.
 */
export async function foreseeChange(
  { client, namespace }: ArmsContext,
  stable: Workload,
  change: TemplateChange,
  signal: AbortSignal,
): Promise<{ readonly change: TemplateChange; readonly warnings: string[] }> {
  const reference = referenceOf(stable, namespace);
  const { operations } = templateOperations(stable, change, 'after');
  const answer = await dryRun(() => client.patchJson(reference, operations, signal, { dryRun: true }));
  if ('warning' in answer) return { change, warnings: [answer.warning] };
  return { change: asStored(change, readObject(answer.object, workload), reference), warnings: [] };
}

/** If a webhook has side effects, the API server refuses every dry run; this must not refuse the release. */
async function dryRun(
  ask: () => Promise<KubernetesObject>,
): Promise<{ readonly object: KubernetesObject } | { readonly warning: string }> {
  try {
    return { object: await ask() };
  } catch (error) {
    const [said] =
      error instanceof ApiError ? (/admission webhook "[^"]*" does not support dry run/.exec(error.message) ?? []) : [];
    if (said === undefined) throw error;
    return { warning: `What admission makes of the new version is seen only when it is written: ${said}.` };
  }
}

/**
 * Refuses names that are taken, and sends what is to be created as a dry run, so that admission rules refuse before the first
 * write.
 *
 * @returns what could not be checked
 * @throws SluiceError for what the API server would refuse
 */
export async function foreseeObjects(
  { client, rollout }: ArmsContext,
  objects: readonly OwnObject[],
  copies: readonly ObjectReference[],
  signal: AbortSignal,
): Promise<string[]> {
  const references = [...objects.map(ownReference), ...copies];
  await Promise.all(references.map((reference) => findOwn(client, reference, rollout, signal)));
  const answers = await Promise.all(
    objects.map(({ type, manifest }) =>
      dryRun(() => client.apply(type, manifest, signal, { force: true, dryRun: true })),
    ),
  );
  return answers.flatMap((answer) => ('warning' in answer ? [answer.warning] : []));
}
