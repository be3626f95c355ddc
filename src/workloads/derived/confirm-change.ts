import { readObject } from '../../cluster/read-object.ts';
import type { ObjectReference } from '../../cluster/resources.ts';
import { recordRefusal } from '../../ledger/record-refusal.ts';
import type { ArmsContext } from '../arms-context.ts';
import { configReferences } from '../config-copies.ts';
import { isSameVersion } from '../image-version.ts';
import {
  CHECKSUM_ANNOTATION,
  checksumShown,
  imageShown,
  notPromoted,
  type RecordedImage,
  type TemplateChange,
  templateOperations,
} from '../promotion.ts';
import { type KeptTemplate, keptTemplates } from '../revisions.ts';
import { imagesOf, type PodTemplate, referenceOf, referenceTo, type Workload, workload } from '../workload.ts';
import type { DerivedData } from './release.ts';

/**
 * Checks that the cluster itself keeps the version that an undo would write, as the one before the current version, and that
 * the config is the workload's.
 *
 * @throws SluiceError `unsupported`
 */
export async function confirmChange(
  context: ArmsContext,
  found: Workload,
  { change, config }: Pick<DerivedData, 'change' | 'config'>,
  signal: AbortSignal,
): Promise<void> {
  const written = change.images.filter((image) => imageShown(found, image) === 'after');
  const isMarked = change.checksum !== undefined && checksumShown(found, change.checksum) === 'after';
  if (written.length === 0 && !isMarked && config.length === 0) return;
  const kept = await keptTemplates(context.client, context.namespace, found, signal);
  for (const image of written) confirmImage(context, found, image, kept);
  if (isMarked && change.checksum) confirmChecksum(context, change.checksum, kept);
  const templates = [found.spec.template, ...kept.map(({ template }) => template)];
  const used = new Set(templates.flatMap((template) => [...configReferences(template)]));
  const foreign = config.find(({ kind, name }) => !used.has(`${kind}/${name}`));
  if (foreign === undefined) return;
  throw recordRefusal(
    context,
    `names ${foreign.kind} ${foreign.name} as config of ${found.metadata.name}, whose pods do not use it.`,
  );
}

function confirmImage(
  context: ArmsContext,
  found: Workload,
  image: RecordedImage,
  kept: readonly KeptTemplate[],
): void {
  const earlier = kept.find(({ template }) => imageShown(withTemplate(found, template), image) !== 'after');
  if (earlier && imagesOf(earlier.template).get(image.container) === image.before) return;
  throw recordRefusal(
    context,
    `says that container ${image.container} had ${image.before} before, which the cluster does not keep as the version before the one that is there.`,
  );
}

function confirmChecksum(
  context: ArmsContext,
  { before, after }: NonNullable<TemplateChange['checksum']>,
  kept: readonly KeptTemplate[],
): void {
  const earlier = kept.map(({ template }) => checksumOf(template)).find((checksum) => checksum !== after);
  if (earlier === before) return;
  throw recordRefusal(
    context,
    `says that the pods had the config checksum ${before ?? 'none'} before, which the cluster does not keep as that of the version before the one that is there.`,
  );
}

function checksumOf({ metadata }: PodTemplate): string | null {
  return metadata?.annotations?.[CHECKSUM_ANNOTATION] ?? null;
}

function withTemplate(found: Workload, template: PodTemplate): Workload {
  return { ...found, spec: { ...found.spec, template } };
}

/**
 * Checks that a rollout has written what is to be undone. A version that somebody else has deployed must not be undone,
 * whatever the record says.
 *
 * @throws SluiceError `unsupported`
 */
export async function confirmPromoted(
  context: ArmsContext,
  { stable, change }: Pick<DerivedData, 'stable' | 'change'>,
  signal: AbortSignal,
): Promise<void> {
  const found = await context.client.find(referenceTo(stable, context.namespace), signal);
  if (!found) return;
  const [what] = notPromoted(readObject(found, workload), change);
  if (what === undefined) return;
  throw recordRefusal(
    context,
    `says that a rollout has changed ${what} of ${stable.kind} ${stable.name}, and the fields that the API server keeps say that none has.`,
  );
}

/**
 * Checks that the record's new version is that of the inputs.
 *
 * @throws SluiceError `unsupported` for an image that the inputs do not name, or one of theirs that the record leaves out
 */
export async function confirmNewImages(
  context: ArmsContext,
  { stable, change }: Pick<DerivedData, 'stable' | 'change'>,
  images: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<void> {
  for (const { container, after } of change.images) {
    if ((images.get(container) ?? images.get('')) === after) continue;
    throw recordRefusal(context, `says that container ${container} gets ${after}, which the inputs do not name.`);
  }
  const object = await context.client.find(referenceTo(stable, context.namespace), signal);
  if (!object) return;
  const found = readObject(object, workload);
  for (const [container, image] of images) confirmNamed(context, found, change, { container, image });
  for (const image of change.images) await confirmStored(context, found, image, signal);
}

/** An image of the inputs without a recorded change must be in the workload already. */
function confirmNamed(
  context: ArmsContext,
  found: Workload,
  { images }: TemplateChange,
  { container, image }: { readonly container: string; readonly image: string },
): void {
  const shown = imagesOf(found.spec.template);
  const isChanged = images.some(
    (change) => change.after === image && (container === '' || change.container === container),
  );
  const isThere = container === '' ? [...shown.values()] : [shown.get(container)];
  if (isChanged || isThere.some((each) => isSameVersion(each, image))) return;
  throw recordRefusal(context, `does not say that ${image} is released, which the inputs name.`);
}

/** Asks the API server again, by a dry run, what admission makes of the new image, instead of trusting the record. */
async function confirmStored(
  context: ArmsContext,
  found: Workload,
  { container, after, stored }: RecordedImage,
  signal: AbortSignal,
): Promise<void> {
  const shown = imagesOf(found.spec.template).get(container);
  if (stored === undefined || shown !== stored || isSameVersion(stored, after)) return;
  const asked = { images: [{ container, before: stored, after }] };
  const { operations } = templateOperations(found, asked, 'after');
  const reference: ObjectReference = referenceOf(found, context.namespace);
  const answer = readObject(await context.client.patchJson(reference, operations, signal, { dryRun: true }), workload);
  if (imagesOf(answer.spec.template).get(container) === stored) return;
  throw recordRefusal(
    context,
    `says that the API server makes ${stored} of ${after} in container ${container}, which it does not.`,
  );
}
