import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { retryOnConflict } from '../cluster/conflicts.ts';
import { isPatchedBySluice, managersOf } from '../cluster/managed-fields.ts';
import { readObject } from '../cluster/read-object.ts';
import { describe, type ObjectReference } from '../cluster/resources.ts';
import type { PatchOperation } from '../cluster/schema.ts';
import { FIELD_MANAGER } from '../cluster/schema.ts';
import { SluiceError } from '../core/errors.ts';
import { isSameVersion } from './image-version.ts';
import { imagesOf, isRolledOut, type Workload, workload } from './workload.ts';

/** An annotation that changes with the config, so that pods are replaced although their image stays the same. */
export const CHECKSUM_ANNOTATION = 'sluice.dev/config-checksum';

const imageChange = z.object({
  container: z.string(),
  before: z.string(),
  after: z.string(),
  /** What the API server stores for `after`, if admission rewrites it; learned by a dry run before the first write. */
  stored: z.string().optional(),
});
export type RecordedImage = z.infer<typeof imageChange>;

/** What a release changes in the stable workload's pod template, with the values before. */
export const templateChange = z.object({
  images: z.array(imageChange),
  /** `before` is null if there was none. Absent if no config changes. */
  checksum: z.object({ before: z.string().nullable(), after: z.string() }).optional(),
});
export type TemplateChange = z.infer<typeof templateChange>;

/** Which side of a change a template has; `other` is a value that somebody else has written. */
type Side = 'before' | 'after' | 'other';

/** Which side of an image change a workload has, in any form that admission may have stored. */
export function imageShown(found: Workload, change: RecordedImage): Side {
  return imageForm(imagesOf(found.spec.template).get(change.container), change);
}

function imageForm(shown: string | undefined, { before, after, stored }: RecordedImage): Side {
  if (shown === after || (shown !== undefined && shown === stored)) return 'after';
  if (shown === before) return 'before';
  if (isSameVersion(shown, after)) return 'after';
  return isSameVersion(shown, before) ? 'before' : 'other';
}

/** The images of a change that a workload does not have in their old version. */
export function imagesLeft(
  found: Workload,
  { images }: TemplateChange,
  answered: ReadonlyMap<string, string | undefined>,
): { readonly container: string; readonly image: string }[] {
  const current = imagesOf(found.spec.template);
  return images.flatMap((change) => {
    const { container } = change;
    const image = current.get(container);
    const side = imageForm(image, change);
    // What the API server answered to the old image counts as the old image. Another image that Sluice has written and whose
    // form is unknown may be the new one: admission changes the value, but not its field manager.
    const unknown = side === 'other' && image !== answered.get(container) && isOwnImage(found, container);
    return image !== undefined && (side === 'after' || unknown) ? [{ container, image }] : [];
  });
}

function isOwnImage(found: Workload, container: string): boolean {
  return managersOf(found, imagePath(found, container))[0] === FIELD_MANAGER;
}

function imagePath(found: Workload, container: string): string[] {
  return ['spec', 'template', 'spec', listOf(found, container), `k:${JSON.stringify({ name: container })}`, 'image'];
}

/** Parts of a change that a workload has, but that no running rollout has written: `container app`. */
export function notPromoted(found: Workload, { images, checksum }: TemplateChange): string[] {
  const promoted = images.filter(
    (image) => imageShown(found, image) === 'after' && !isPatchedBySluice(found, imagePath(found, image.container)),
  );
  const path = ['spec', 'template', 'metadata', 'annotations', CHECKSUM_ANNOTATION];
  const isMarked = checksum && checksumShown(found, checksum) === 'after' && !isPatchedBySluice(found, path);
  return [...promoted.map(({ container }) => `container ${container}`), ...(isMarked ? ['the config checksum'] : [])];
}

export function checksumShown(found: Workload, { before, after }: NonNullable<TemplateChange['checksum']>): Side {
  const shown = found.spec.template.metadata?.annotations?.[CHECKSUM_ANNOTATION] ?? null;
  if (shown === after) return 'after';
  return shown === before ? 'before' : 'other';
}

/** Whether a workload has all of a change, or none of it. */
export function showsChange(
  found: Workload,
  { images, checksum }: TemplateChange,
  side: 'before' | 'after' = 'after',
): boolean {
  return (
    images.every((image) => imageShown(found, image) === side) &&
    (checksum === undefined || checksumShown(found, checksum) === side)
  );
}

/**
 * The operations that make a change in a template, or undo it; none for parts that are so already. Each is guarded by a `test`
 * on the value seen. Parts that somebody else has changed are left out, and named in `others`.
 */
export function templateOperations(found: Workload, change: TemplateChange, wanted: 'before' | 'after') {
  const operations: PatchOperation[] = [];
  const others: string[] = [];
  for (const image of change.images) {
    const side = imageShown(found, image);
    if (side === wanted) continue;
    if (side === 'other') others.push(`container ${image.container}`);
    else operations.push(...imageOperations(found, image.container, image[wanted]));
  }
  if (change.checksum) {
    const side = checksumShown(found, change.checksum);
    if (side === 'other') others.push('the config checksum');
    else if (side !== wanted) operations.push(...checksumOperations(found, change.checksum[wanted]));
  }
  return { operations, others };
}

function listOf(found: Workload, container: string): 'containers' | 'initContainers' {
  return found.spec.template.spec.containers.some(({ name }) => name === container) ? 'containers' : 'initContainers';
}

function imageOperations(found: Workload, container: string, wanted: string): PatchOperation[] {
  const list = listOf(found, container);
  const containers = found.spec.template.spec[list] ?? [];
  const index = containers.findIndex(({ name }) => name === container);
  const path = `/spec/template/spec/${list}/${index}`;
  return [
    { op: 'test', path: `${path}/name`, value: container },
    { op: 'test', path: `${path}/image`, value: containers[index]?.image },
    { op: 'replace', path: `${path}/image`, value: wanted },
  ];
}

function checksumOperations(found: Workload, wanted: string | null): PatchOperation[] {
  const { metadata } = found.spec.template;
  const { [CHECKSUM_ANNOTATION]: _, ...others } = metadata?.annotations ?? {};
  const annotations = wanted === null ? others : { ...others, [CHECKSUM_ANNOTATION]: wanted };
  const path = '/spec/template/metadata/annotations';
  const none = Object.keys(annotations).length === 0;
  return [
    { op: 'test', path: '/spec/template/metadata', value: metadata },
    none ? { op: 'remove', path } : { op: 'add', path, value: annotations },
  ];
}

/** A workload's template after a change. */
interface ChangedTemplate {
  /** The workload's generation from which it has the change. */
  readonly generation: number;
  /** The change, completed with what the API server has stored. */
  readonly change: TemplateChange;
}

/**
 * Changes the pod template, or finds it changed already. Takes the API server's answer as what was written.
 *
 * @throws SluiceError `conflict` if somebody else has changed the same fields, `unsupported` if admission reverts them
 */
export async function changeTemplate(
  client: KubernetesClient,
  reference: ObjectReference,
  change: TemplateChange,
  signal: AbortSignal,
): Promise<ChangedTemplate> {
  return retryOnConflict(async () => {
    const found = readObject(await client.get(reference, signal), workload);
    const { operations, others } = templateOperations(found, change, 'after');
    if (others.length > 0) throw changedByOthers(reference);
    if (operations.length === 0) return { generation: found.metadata.generation ?? 0, change };
    const answer = readObject(await client.patchJson(reference, operations, signal), workload);
    return { generation: answer.metadata.generation ?? 0, change: asStored(change, answer, reference) };
  });
}

/**
 * The change, with the form of the new images that the API server has stored.
 *
 * @throws SluiceError `unsupported` if the API server has kept the old ones
 */
export function asStored(change: TemplateChange, answer: Workload, reference: ObjectReference): TemplateChange {
  const answered = imagesOf(answer.spec.template);
  const images = change.images.map((image) => {
    const stored = answered.get(image.container);
    if (stored === undefined || imageForm(stored, image) === 'before') throw keepsImage(reference, image);
    return stored === image.after ? image : { ...image, stored };
  });
  return { ...change, images };
}

/** The template of a workload after its change was undone. */
export interface UndoneTemplate {
  readonly generation: number;
  /** Whether this call has written it. */
  readonly now: boolean;
  /** Parts that somebody else has changed since, which are kept: `container app`. */
  readonly others: readonly string[];
  /** The images in the API server's answer: admission may change the form of the old ones. */
  readonly images: ReadonlyMap<string, string | undefined>;
}

/**
 * Undoes the change of a template. Keeps fields that somebody else has changed since.
 *
 * @returns undefined if the workload does not exist any more
 */
export async function undoTemplateChange(
  client: KubernetesClient,
  reference: ObjectReference,
  change: TemplateChange,
  signal: AbortSignal,
): Promise<UndoneTemplate | undefined> {
  return retryOnConflict(async () => {
    const object = await client.find(reference, signal);
    if (!object) return undefined;
    const found = readObject(object, workload);
    const { operations, others } = templateOperations(found, change, 'before');
    const { generation = 0 } = found.metadata;
    if (operations.length === 0) return { generation, now: false, others, images: new Map() };
    const answer = readObject(await client.patchJson(reference, operations, signal), workload);
    const { generation: written = 0 } = answer.metadata;
    return { generation: written, now: written !== generation, others, images: imagesOf(answer.spec.template) };
  });
}

/**
 * Whether every pod is available and of this generation's template.
 *
 * @throws SluiceError `not-ready` if the controller has given up
 */
export function hasRolledOut(found: Workload, reference: ObjectReference, generation: number): boolean {
  if ((found.metadata.generation ?? 0) < generation) return false;
  const progressing = found.status.conditions.find(({ type }) => type === 'Progressing');
  const current = found.status.observedGeneration >= generation;
  if (current && progressing?.status === 'False' && progressing.reason === 'ProgressDeadlineExceeded') {
    throw new SluiceError('not-ready', {
      about: describe(reference),
      problem: `did not become available before its progress deadline: ${progressing.message}`,
      next: 'Look at the events of its pods.',
    });
  }
  return isRolledOut(found);
}

function changedByOthers(reference: ObjectReference): SluiceError {
  return new SluiceError('conflict', {
    about: describe(reference),
    problem: 'shows an image or config checksum that is neither the one found at the start nor the new one.',
    next: 'Find out who else deploys to it, and run again.',
  });
}

/** The error for an admission rule that keeps the old image of a workload, whatever is written. */
function keepsImage(reference: ObjectReference, { container, before, after }: RecordedImage): SluiceError {
  return new SluiceError('unsupported', {
    about: describe(reference),
    problem: `keeps ${before} in container ${container} when ${after} is written: an admission rule of the cluster puts it back.`,
    next: 'Find that rule (kubectl get mutatingwebhookconfigurations,mutatingadmissionpolicies), or release through the tool that it belongs to.',
  });
}
