import { isDeepStrictEqual } from 'node:util';
import type { Undone } from '../../canary/ports.ts';
import { relinquishFields } from '../../cluster/managed-fields.ts';
import { applyOwn, findOwn, ownReference, removeOwn } from '../../cluster/ownership.ts';
import { type Pod, runningImages } from '../../cluster/pods.ts';
import { readObject } from '../../cluster/read-object.ts';
import { resources } from '../../cluster/resources.ts';
import type { ArmTarget } from '../arm-view.ts';
import type { ArmsContext } from '../arms-context.ts';
import { CHECKSUM_ANNOTATION, changeTemplate, hasRolledOut, showsChange, undoTemplateChange } from '../promotion.ts';
import { type ExpectedRevision, templateImages, verifyRevision } from '../revision.ts';
import {
  autoscaler,
  autoscalerReference,
  raiseMinimum,
  raiseReplicas,
  replicasFor,
  undoRaisedMinima,
} from '../scaling.ts';
import { referenceTo, type Workload, workload } from '../workload.ts';
import { prepareConfig, promoteConfig, undoConfig } from './config.ts';
import { configCopies, type DerivedData, ownObject, ownObjects, type WantedCanary } from './release.ts';
import { undoStable } from './undo.ts';

/** Creates the canary or scales it up for a weight, and waits for its pods. */
export async function prepareDerived(
  context: ArmsContext,
  data: DerivedData,
  wanted: WantedCanary,
  signal: AbortSignal,
): Promise<void> {
  const { client, namespace, rollout } = context;
  // While requests go to the canary, the stable arm must keep enough pods to take all of them back.
  const { stable } = data;
  if (stable.autoscaler)
    await raiseMinimum(client, autoscalerReference(namespace, stable.autoscaler.name), stable.ready, signal);
  await prepareConfig(context, data.config, wanted.release.config, signal);
  for (const object of data.others.map(ownObject)) await applyOwn(client, object, rollout, signal);

  const replicas = data.joinService ? 0 : await canarySize(context, data, wanted, signal);
  const generation = await applyCanary(context, data, replicas, signal);
  if (data.joinService) return;
  await applyCanaryAutoscaler(context, data, replicas, signal);
  const reference = referenceTo(data.canary, namespace);
  await context
    .view(data.canary)
    .until(
      ({ workload: found, health }) =>
        (found && hasRolledOut(found, reference, generation) && health.ready >= replicas) || undefined,
      signal,
    );
}

async function canarySize(
  { client, namespace }: ArmsContext,
  { stable }: DerivedData,
  { release: { minReplicas }, weight }: WantedCanary,
  signal: AbortSignal,
): Promise<number> {
  const { status } = readObject(await client.get(referenceTo(stable, namespace), signal), workload);
  // The larger number: an autoscaler may have scaled the stable arm up since it was found.
  return replicasFor(weight, Math.max(stable.ready, status.readyReplicas), minReplicas);
}

/** @returns the generation of the canary that its controller has to have observed */
async function applyCanary(
  { client, namespace, rollout }: ArmsContext,
  data: DerivedData,
  replicas: number,
  signal: AbortSignal,
): Promise<number> {
  const found = await findOwn(client, referenceTo(data.canary, namespace), rollout, signal);
  const current = found ? readObject(found, workload).spec.replicas : 0;
  const spec = { ...data.workload.spec, replicas: Math.max(current, replicas) };
  const { metadata } = await applyOwn(client, ownObject({ ...data.workload, spec }), rollout, signal);
  return metadata.generation ?? 0;
}

async function applyCanaryAutoscaler(
  { client, namespace, rollout }: ArmsContext,
  data: DerivedData,
  replicas: number,
  signal: AbortSignal,
): Promise<void> {
  if (!data.autoscaler) return;
  const object = ownObject(data.autoscaler);
  const found = await findOwn(client, { ...ownReference(object), namespace }, rollout, signal);
  const { maxReplicas } = autoscaler.parse(data.autoscaler).spec;
  const minReplicas = Math.max(replicas, found ? readObject(found, autoscaler).spec.minReplicas : 0);
  const spec = { ...data.autoscaler.spec, minReplicas, maxReplicas: Math.max(maxReplicas, minReplicas) };
  await applyOwn(client, ownObject({ ...data.autoscaler, spec }), rollout, signal);
}

/**
 * Gives the stable workload the new version while the canary serves, and waits until it is available.
 *
 * @param learn receives the data completed with what the API server has stored, if that was not known before
 */
export async function promoteDerived(
  context: ArmsContext,
  data: DerivedData,
  learn: (learned: DerivedData) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { client, namespace } = context;
  const { stable } = data;
  const reference = referenceTo(stable, namespace);
  const canary = await context.view(data.canary).look(signal);
  // The stable arm needs as many pods to take the load back as the canary needs to carry all of it.
  const capacity = data.joinService ? stable.replicas : Math.max(stable.ready, canary.health.ready);
  if (stable.autoscaler)
    await raiseMinimum(client, autoscalerReference(namespace, stable.autoscaler.name), capacity, signal);
  if (stable.autoscaler || data.joinService) await raiseReplicas(client, reference, capacity, signal);
  await promoteConfig(context, data.config, signal);
  const { generation, change } = await changeTemplate(client, reference, data.change, signal);
  const learned = { ...data, change };
  if (!isDeepStrictEqual(change, data.change)) await learn(learned);
  await rolledOut(context, stable, generation, signal);
  await verifyDerived(context, learned, signal);
}

async function rolledOut(context: ArmsContext, target: ArmTarget, generation: number, signal: AbortSignal) {
  const reference = referenceTo(target, context.namespace);
  await context
    .view(target)
    .until(
      ({ workload: found, health }) =>
        (found && hasRolledOut(found, reference, generation) && health.ready >= health.desired) || undefined,
      signal,
    );
}

export async function verifyDerived(context: ArmsContext, data: DerivedData, signal: AbortSignal) {
  const { pods } = await context.view(data.canary).look(signal);
  return verifySide(context, data, { side: 'after', sample: pods }, signal);
}

/** Verifies that all stable pods are available and run the version from before the rollout. */
export function verifyDerivedUndone(context: ArmsContext, data: DerivedData, signal: AbortSignal) {
  return verifySide(context, data, { side: 'before', sample: [] }, signal);
}

interface WantedSide {
  readonly side: 'before' | 'after';
  /** Pods to read the digests from, for images without one. */
  readonly sample: readonly Pod[];
}

function verifySide(context: ArmsContext, data: DerivedData, { side, sample }: WantedSide, signal: AbortSignal) {
  const { images, checksum } = data.change;
  const mark = checksum?.[side] ?? undefined;
  const expected = (found: Workload): ExpectedRevision | undefined => {
    if (!showsChange(found, data.change, side)) return undefined;
    const { template } = found.spec;
    const changed = images.map(({ container }) => container);
    const [first] = template.spec.containers.map(({ name }) => name);
    const containers = changed.length > 0 ? changed : first === undefined ? [] : [first];
    return {
      // The images as the API server has stored them: admission may have pinned a digest, which the pods then must run.
      images: templateImages(template, containers),
      seen: new Map(containers.map((name) => [name, runningImages(sample, name)])),
      annotation: mark === undefined ? undefined : [CHECKSUM_ANNOTATION, mark],
    };
  };
  return verifyRevision(context, data.stable, expected, signal);
}

/** After a promotion: drains the canary, then removes all that was made for it. */
export async function retireDerived(context: ArmsContext, data: DerivedData, signal: AbortSignal): Promise<void> {
  await drain(context, data, signal);
  await removeCanary(context, data, signal);
  await relinquishStable(context, data, signal);
}

/** Proxies may still send requests to ready canary pods for a moment after the route has changed. */
async function drain(context: ArmsContext, { canary }: DerivedData, signal: AbortSignal): Promise<void> {
  const { health } = await context.view(canary).look(signal);
  if (health.ready > 0) await context.clock.sleep(context.drain, signal);
}

/** Restores the stable workload and its config as found, with all pods available. */
export async function undoDerivedPromotion(
  context: ArmsContext,
  data: DerivedData,
  signal: AbortSignal,
): Promise<void> {
  const { client, namespace } = context;
  await undoConfig(context, data.config, signal);
  const restored = await undoTemplateChange(client, referenceTo(data.stable, namespace), data.change, signal);
  if (restored) await rolledOut(context, data.stable, restored.generation, signal);
}

/** After a rollback: restores the stable workload and its config as found, then drains and removes the canary. */
export async function undoDerived(context: ArmsContext, data: DerivedData, signal: AbortSignal): Promise<Undone> {
  const configLeft = await undoConfig(context, data.config, signal);
  const { left, others } = await undoStable(context, data, signal);
  await drain(context, data, signal);
  await removeCanary(context, data, signal);
  await relinquishStable(context, data, signal);
  return { left: [...configLeft, ...left], others };
}

/** Deleting pods respects their preStop hooks and grace periods. The autoscaler is deleted before the workload that it scales. */
async function removeCanary({ client, namespace, rollout }: ArmsContext, data: DerivedData, signal: AbortSignal) {
  const references = [...ownObjects(data).reverse().map(ownReference), ...configCopies(data, namespace)];
  for (const reference of references) await removeOwn(client, reference, rollout, signal);
}

/** Relinquishes the stable workload and its autoscaler. */
async function relinquishStable(context: ArmsContext, { stable }: DerivedData, signal: AbortSignal) {
  const { client, namespace } = context;
  await undoRaisedMinima(context, stable.autoscaler ? [stable.autoscaler] : [], signal);
  await relinquishFields(client, referenceTo(stable, namespace), signal);
  if (!stable.autoscaler) return;
  const { name } = stable.autoscaler;
  await relinquishFields(client, { type: resources.horizontalPodAutoscaler, namespace, name }, signal);
}
