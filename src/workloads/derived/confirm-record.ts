import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { isPatchedBySluice } from '../../cluster/managed-fields.ts';
import { isOwn } from '../../cluster/ownership.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe, resources } from '../../cluster/resources.ts';
import type { Manifest } from '../../cluster/schema.ts';
import { type Labels, labelSelector, selectorText, selects } from '../../cluster/selectors.ts';
import type { SluiceError } from '../../core/errors.ts';
import { asJson, tryShape } from '../../core/json.ts';
import { recordRefusal } from '../../ledger/record-refusal.ts';
import type { ArmTarget } from '../arm-view.ts';
import type { ArmsContext } from '../arms-context.ts';
import { ARM_LABEL } from '../canary-labels.ts';
import { canaryName } from '../canary-workload.ts';
import type { ExistingData } from '../existing/inspect.ts';
import { autoscaler, findAutoscaler } from '../scaling.ts';
import { listServices } from '../services.ts';
import {
  referenceTo,
  type Workload,
  type WorkloadInput,
  type WorkloadKind,
  workload,
  workloadType,
} from '../workload.ts';
import { confirmChange } from './confirm-change.ts';
import type { DerivedData } from './release.ts';

/** The workloads that the inputs name. */
export interface NamedArms {
  readonly stable: WorkloadInput;
  /** Undefined if Sluice makes the canary; `any` if the inputs do not name the user's canary. */
  readonly canary?: WorkloadInput | 'any' | undefined;
  /** Whether the arms share a Service; undefined if the inputs do not say. */
  readonly joinService?: boolean | undefined;
}

/** Kinds of objects that Sluice makes for a canary beside its workload. */
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
 * Checks that the record of a derived canary is about the workload of the inputs, and that the cluster itself keeps the images
 * that an undo would write. Somebody who may write the ConfigMap of the record may not have the right to deploy.
 *
 * @throws SluiceError `unsupported`
 */
export async function confirmDerived(
  context: ArmsContext,
  data: DerivedData,
  inputs: NamedArms,
  signal: AbortSignal,
): Promise<DerivedData> {
  const { stable, canary } = data;
  await confirmArm(context, stable, inputs.stable, signal);
  confirmJoined(context, data, inputs);
  if (canary.kind !== stable.kind || canary.name !== canaryName(stable.name)) throw notMade(context, canary);
  confirmObjects(context, data);
  const picked = { stable: (found: Workload) => `${selectorText(found.spec.selector)},${ARM_LABEL}!=canary` };
  const there = await confirmPods(context, data, picked, signal);
  const ofCanary = stable.service === undefined || data.joinService ? stable.service : canaryName(stable.service);
  if (canary.service !== ofCanary || !picksCanary(data)) throw otherPods(context, canary);
  if (there.stable) await confirmChange(context, there.stable, data, signal);
  return { ...data, stable: await withinReach(context, stable, there, signal) };
}

/**
 * As `confirmDerived`, for two workloads of the user's own, whose replicas an undo gives back.
 *
 * @throws SluiceError `unsupported`
 */
export async function confirmExisting(
  context: ArmsContext,
  data: ExistingData,
  inputs: NamedArms,
  signal: AbortSignal,
): Promise<ExistingData> {
  const { stable, canary } = data;
  confirmJoined(context, data, inputs);
  await confirmArm(context, stable, inputs.stable, signal);
  if (!inputs.canary) throw otherWorkload(context, canary, 'no canary of your own');
  await confirmArm(context, canary, inputs.canary, signal);
  const selectorOf = (found: Workload) => selectorText(found.spec.selector);
  const there = await confirmPods(context, data, { stable: selectorOf, canary: selectorOf }, signal);
  return {
    ...data,
    stable: await withinReach(context, stable, there, signal),
    // For a workload that no input names, gives back only replicas that a rollout has raised according to the API server.
    canary: inputs.canary === 'any' && !isRaised(there.canary) ? { ...canary, ...AS_IT_IS } : canary,
  };
}

const AS_IT_IS = { replicas: Number.MAX_SAFE_INTEGER, autoscaler: undefined };

function isRaised(found: Workload | undefined): boolean {
  return found !== undefined && isPatchedBySluice(found, ['spec', 'replicas']);
}

/** The record must say the same of a shared Service as the inputs. */
function confirmJoined(
  context: ArmsContext,
  { joinService }: { readonly joinService: boolean },
  inputs: NamedArms,
): void {
  if (inputs.joinService === undefined || inputs.joinService === joinService) return;
  const told = joinService ? 'share a Service' : 'have a Service or a subset each';
  throw recordRefusal(context, `is of a rollout whose arms ${told}, and by the inputs they do not.`);
}

/** The selector of the canary's workload, and the labels of its pods. */
const selecting = z.looseObject({
  selector: labelSelector,
  template: z.looseObject({ metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }) }),
});

/** The selector of the canary's pods must match their labels, and include all of their workload's selector. */
function picksCanary({ canary, workload: made }: DerivedData): boolean {
  const spec = tryShape(selecting, made.spec);
  if (!spec) return false;
  const itemsOf = (labels: Labels = {}) => Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const items = canary.pods.split(',');
  const labels = itemsOf(spec.template.metadata.labels);
  return (
    items.every((item) => labels.includes(item)) &&
    itemsOf(spec.selector.matchLabels).every((item) => items.includes(item))
  );
}

/** The arms' workloads as they are now. */
interface There {
  readonly stable: Workload | undefined;
  readonly canary: Workload | undefined;
}

/**
 * Checks the recorded pod selectors and Services against the workloads that exist.
 *
 * @param picked the selectors of the arms' pods
 */
async function confirmPods(
  context: ArmsContext,
  { stable, canary }: Record<keyof There, ArmTarget>,
  picked: { stable(found: Workload): string; canary?(found: Workload): string },
  signal: AbortSignal,
): Promise<There> {
  const { client, namespace } = context;
  const [stableNow, canaryNow] = await Promise.all(
    [stable, canary].map(async (arm) => {
      const found = await client.find(referenceTo(arm, namespace), signal);
      return found && readObject(found, workload);
    }),
  );
  const services = await listServices(client, namespace, signal);
  const reaches = ({ service: name }: ArmTarget, found: Workload | undefined) => {
    const service = services.find(({ metadata }) => metadata.name === name);
    if (!service || !found) return true;
    return selects({ matchLabels: service.spec.selector ?? {} }, found.spec.template.metadata?.labels ?? {});
  };
  if ((stableNow && stable.pods !== picked.stable(stableNow)) || !reaches(stable, stableNow))
    throw otherPods(context, stable);
  if ((canaryNow && picked.canary && canary.pods !== picked.canary(canaryNow)) || !reaches(canary, canaryNow))
    throw otherPods(context, canary);
  return { stable: stableNow, canary: canaryNow };
}

function otherPods(context: ArmsContext, { kind, name, pods, service }: ArmTarget): SluiceError {
  const by = service === undefined ? '' : ` behind Service ${service}`;
  return recordRefusal(context, `names the pods ${pods}${by} as those of ${kind} ${name}, which they are not.`);
}

/** Limits recorded numbers of pods to what the arms have or may have now, so that a raise stays within it. */
async function withinReach<A extends NamedArm & { readonly replicas: number; readonly ready: number }>(
  { client, namespace }: ArmsContext,
  arm: A,
  { stable, canary }: There,
  signal: AbortSignal,
): Promise<A> {
  const scaler = stable && (await findAutoscaler(client, namespace, stable, signal));
  const asked = (stable?.spec.replicas ?? 0) + (canary?.spec.replicas ?? 0);
  const most = Math.max(asked, scaler?.spec.maxReplicas ?? 0);
  return { ...arm, replicas: Math.min(arm.replicas, most), ready: Math.min(arm.ready, most) };
}

async function confirmArm(
  context: ArmsContext,
  arm: NamedArm,
  wanted: WorkloadInput | 'any',
  signal: AbortSignal,
): Promise<void> {
  const { client, namespace } = context;
  if (wanted === 'any') {
    // Any workload is accepted: only its replicas are given back, and only if a rollout has raised them.
  } else if ('name' in wanted) {
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
  throw recordRefusal(context, `names ${describe(reference)}, which is not the autoscaler of ${arm.name}.`);
}

/** Accepts only the objects that Sluice makes, with their names, in the namespace of the release. */
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

/**
 * Checks what a resumed rollout would write: the images must be those of the inputs, and the canary must be what these make of
 * the stable workload.
 *
 * @param recorded the canary's workload by the record, `derived` by the cluster and the inputs
 * @throws SluiceError `unsupported`
 */
export function confirmCanary(context: ArmsContext, recorded: Manifest, derived: Manifest): void {
  if (isDeepStrictEqual(asJson(recorded.spec), asJson(derived.spec))) return;
  throw recordRefusal(
    context,
    `does not fit: by the stable workload and the inputs as they are now, ${describe({ type: workloadType('Deployment'), namespace: context.namespace, name: recorded.metadata.name })} would be another one.`,
  );
}

/** For a record in another form than Sluice writes. */
export function unreadable(context: ArmsContext): SluiceError {
  return recordRefusal(context, 'does not say of which workloads the rollout is in a form that can be read.');
}

function otherWorkload(context: ArmsContext, { kind, name }: NamedArm, named: string): SluiceError {
  const recorded = describe(referenceTo({ kind, name }, context.namespace));
  return recordRefusal(context, `is of a rollout of ${recorded}, and the inputs name ${named}.`);
}

function notMade(context: ArmsContext, { name }: { readonly name: string }, kind = 'workload'): SluiceError {
  return recordRefusal(context, `names ${kind} ${name}, which is nothing that Sluice makes for this rollout.`);
}
