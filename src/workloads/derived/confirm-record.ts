import { isDeepStrictEqual } from 'node:util';
import { isOwn } from '../../cluster/ownership.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe, resources } from '../../cluster/resources.ts';
import type { Manifest } from '../../cluster/schema.ts';
import { SluiceError } from '../../core/errors.ts';
import { asJson } from '../../core/json.ts';
import type { ArmsContext } from '../arms-context.ts';
import { canaryName } from '../canary-workload.ts';
import type { ExistingData } from '../existing/inspect.ts';
import { imageShown, type RecordedImage } from '../promotion.ts';
import { keptTemplates } from '../revisions.ts';
import { autoscaler } from '../scaling.ts';
import {
  imagesOf,
  referenceTo,
  type Workload,
  type WorkloadInput,
  type WorkloadKind,
  workload,
  workloadType,
} from '../workload.ts';
import type { DerivedData } from './release.ts';

/** Which workloads the inputs name. */
export interface NamedArms {
  readonly stable: WorkloadInput;
  /** Undefined where Sluice makes the canary; `any` where the inputs do not say which of the user's it is. */
  readonly canary?: WorkloadInput | 'any' | undefined;
}

/** Kinds that Sluice makes for a canary beside its workload. */
const madeKinds: readonly string[] = [
  resources.service,
  resources.destinationRule,
  resources.podDisruptionBudget,
  resources.horizontalPodAutoscaler,
].map(({ apiVersion, kind }) => `${apiVersion.split('/')[0]} ${kind}`);

interface NamedArm {
  readonly kind: WorkloadKind;
  readonly name: string;
  readonly autoscaler?: { readonly name: string } | undefined;
}

/**
 * Sees that what was read back from a record of a derived canary is about the workload of the inputs, and that the images
 * which an undo would write are those that the cluster itself keeps. Who may write a ConfigMap is not who may deploy.
 *
 * @throws SluiceError `unsupported`
 */
export async function confirmDerived(
  context: ArmsContext,
  data: DerivedData,
  inputs: NamedArms,
  signal: AbortSignal,
): Promise<void> {
  const { stable, canary } = data;
  await confirmArm(context, stable, inputs.stable, signal);
  if (canary.kind !== stable.kind || canary.name !== canaryName(stable.name)) throw notMade(context, canary);
  confirmObjects(context, data);
  const found = await context.client.find(referenceTo(stable, context.namespace), signal);
  if (found) await confirmImages(context, readObject(found, workload), data.change.images, signal);
}

/**
 * The same for two workloads of the user's own, whose numbers of pods an undo gives back.
 *
 * @throws SluiceError `unsupported`
 */
export async function confirmExisting(
  context: ArmsContext,
  { stable, canary }: ExistingData,
  inputs: NamedArms,
  signal: AbortSignal,
): Promise<void> {
  await confirmArm(context, stable, inputs.stable, signal);
  if (!inputs.canary) throw otherWorkload(context, canary, 'no canary of your own');
  if (inputs.canary !== 'any') await confirmArm(context, canary, inputs.canary, signal);
}

async function confirmArm(
  context: ArmsContext,
  arm: NamedArm,
  wanted: WorkloadInput,
  signal: AbortSignal,
): Promise<void> {
  const { client, namespace } = context;
  if ('name' in wanted) {
    if (wanted.kind !== arm.kind || wanted.name !== arm.name)
      throw otherWorkload(context, arm, describe(referenceTo(wanted, namespace)));
  } else {
    const picked = await client.list(workloadType(arm.kind), namespace, { labelSelector: wanted.selector }, signal);
    if (!picked.some(({ metadata }) => metadata.name === arm.name)) throw otherWorkload(context, arm, wanted.selector);
  }
  if (!arm.autoscaler) return;
  const reference = { type: resources.horizontalPodAutoscaler, namespace, name: arm.autoscaler.name };
  const found = await client.find(reference, signal);
  if (!found) return;
  const { scaleTargetRef: target } = readObject(found, autoscaler).spec;
  if (target.kind === arm.kind && target.name === arm.name) return;
  throw refusal(context, `names ${describe(reference)}, which is not the autoscaler of ${arm.name}.`);
}

/** Only what Sluice makes, under the names that it gives, in the namespace of the release. */
function confirmObjects(
  context: ArmsContext,
  { workload: made, autoscaler: scaler, others, canary }: DerivedData,
): void {
  if (
    made.kind !== canary.kind ||
    made.apiVersion !== workloadType(canary.kind).apiVersion ||
    made.metadata.name !== canary.name
  )
    throw notMade(context, made.metadata, made.kind);
  for (const object of [made, ...(scaler ? [scaler] : []), ...others]) {
    const isMade = object === made || madeKinds.includes(`${object.apiVersion.split('/')[0]} ${object.kind}`);
    if (!isMade || !isOurs(context, object)) throw notMade(context, object.metadata, object.kind);
  }
}

function isOurs({ namespace, rollout }: ArmsContext, object: Manifest): boolean {
  const { name, labels } = object.metadata;
  const labelled = { ...object, metadata: { name, labels: isLabels(labels) ? labels : {} } };
  return object.metadata.namespace === namespace && name.endsWith(canaryName('')) && isOwn(labelled, rollout);
}

function isLabels(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string');
}

/** What would be written is what the cluster keeps as the version before the one that is there. */
async function confirmImages(
  context: ArmsContext,
  found: Workload,
  changes: readonly RecordedImage[],
  signal: AbortSignal,
): Promise<void> {
  const written = changes.filter((change) => imageShown(found, change) === 'after');
  if (written.length === 0) return;
  const kept = await keptTemplates(context.client, context.namespace, found, signal);
  for (const change of written) {
    const earlier = kept.find(
      ({ template }) => imageShown({ ...found, spec: { ...found.spec, template } }, change) !== 'after',
    );
    if (earlier && imagesOf(earlier.template).get(change.container) === change.before) continue;
    throw refusal(
      context,
      `says that container ${change.container} had ${change.before} before, which the cluster does not keep as the version before the one that is there.`,
    );
  }
}

/**
 * What a rollout that is taken up again may write: the images must be those of the inputs, and the canary what these make
 * of the stable workload.
 *
 * @param recorded the canary's workload by the record, `derived` by the cluster and the inputs
 * @throws SluiceError `unsupported`
 */
export function confirmCanary(context: ArmsContext, recorded: Manifest, derived: Manifest): void {
  if (isDeepStrictEqual(asJson(recorded.spec), asJson(derived.spec))) return;
  throw refusal(
    context,
    `does not fit: by the stable workload and the inputs as they are now, ${describe({ type: workloadType('Deployment'), namespace: context.namespace, name: recorded.metadata.name })} would be another one.`,
  );
}

/** @throws SluiceError `unsupported` for an image that the inputs do not name */
export function confirmNewImages(
  context: ArmsContext,
  changes: readonly RecordedImage[],
  images: ReadonlyMap<string, string>,
): void {
  for (const { container, after } of changes) {
    if ((images.get(container) ?? images.get('')) === after) continue;
    throw refusal(context, `says that container ${container} gets ${after}, which the inputs do not name.`);
  }
}

/** The record has another form than Sluice writes. */
export function unreadable(context: ArmsContext): SluiceError {
  return refusal(context, 'does not say of which workloads the rollout is in a form that can be read.');
}

function otherWorkload(context: ArmsContext, { kind, name }: NamedArm, named: string): SluiceError {
  const recorded = describe(referenceTo({ kind, name }, context.namespace));
  return refusal(context, `is of a rollout of ${recorded}, and the inputs name ${named}.`);
}

function notMade(context: ArmsContext, { name }: { readonly name: string }, kind = 'workload'): SluiceError {
  return refusal(context, `names ${kind} ${name}, which is nothing that Sluice makes for this rollout.`);
}

function refusal({ namespace, rollout }: Pick<ArmsContext, 'namespace' | 'rollout'>, problem: string): SluiceError {
  const name = `sluice-${rollout}`;
  return new SluiceError('unsupported', {
    about: describe({ type: resources.configMap, namespace, name }),
    problem: `${problem} Nothing of it is acted upon.`,
    next: `Run "mode: undo" with the inputs that the rollout was begun with; if it is none of yours, find out who wrote it, set route and workload right by hand, and delete it (kubectl -n ${namespace} delete configmap ${name}).`,
  });
}
