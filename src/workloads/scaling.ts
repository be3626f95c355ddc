import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { retryOnConflict } from '../cluster/conflicts.ts';
import { managersOf } from '../cluster/managed-fields.ts';
import { readObject } from '../cluster/read-object.ts';
import { type ObjectReference, resources } from '../cluster/resources.ts';
import { FIELD_MANAGER, kubernetesObject, type Manifest } from '../cluster/schema.ts';
import { type LabelSelector, type Labels, labelSelector, selects } from '../cluster/selectors.ts';
import type { Clock } from '../core/clock.ts';
import { canaryName } from './canary-workload.ts';
import { copiedMetadata } from './copied-metadata.ts';
import { type Workload, workload } from './workload.ts';

/**
 * The number of pods for a share of the load that `capacity` pods carry now.
 *
 * @param weight per cent
 */
export function replicasFor(weight: number, capacity: number, least: number): number {
  return Math.max(least, Math.ceil((capacity * weight) / 100), 1);
}

export const autoscaler = z.looseObject({
  ...kubernetesObject.shape,
  spec: z.looseObject({
    scaleTargetRef: z.looseObject({ kind: z.string(), name: z.string() }),
    minReplicas: z.number().default(1),
    maxReplicas: z.number(),
  }),
});
export type Autoscaler = z.infer<typeof autoscaler>;

/** The HorizontalPodAutoscaler of a workload, if it has one. */
export async function findAutoscaler(
  client: KubernetesClient,
  namespace: string,
  { kind, metadata }: Workload,
  signal: AbortSignal,
): Promise<Autoscaler | undefined> {
  const all = await client.list(resources.horizontalPodAutoscaler, namespace, {}, signal);
  return all
    .map((object) => readObject(object, autoscaler))
    .find(({ spec: { scaleTargetRef: target } }) => target.kind === kind && target.name === metadata.name);
}

/** Whether an operator (KEDA) owns the autoscaler, and would undo every change of its limits. */
export function isOperated({ metadata }: Autoscaler): boolean {
  return (metadata.ownerReferences ?? []).some(({ controller }) => controller === true);
}

/** A copy of the stable workload's autoscaler for the canary. `minReplicas` is set for each weight. */
export function canaryAutoscaler(stable: Autoscaler, namespace: string, rollout: string): Manifest {
  const { scaleTargetRef } = stable.spec;
  return {
    apiVersion: stable.apiVersion,
    kind: stable.kind,
    metadata: { name: canaryName(stable.metadata.name), namespace, ...copiedMetadata(stable, rollout) },
    spec: { ...stable.spec, scaleTargetRef: { ...scaleTargetRef, name: canaryName(scaleTargetRef.name) } },
  };
}

/** A number that Sluice may raise for a time. */
interface ScaledField {
  readonly reference: ObjectReference;
  readonly field: 'minReplicas' | 'replicas';
}

/** The field, with the value that it had when it was found. */
interface FoundNumber extends ScaledField {
  readonly found: number;
}

export function autoscalerReference(namespace: string, name: string): ObjectReference {
  return { type: resources.horizontalPodAutoscaler, namespace, name };
}

/**
 * Milliseconds until an autoscaler has measured the load that returned to a workload: the resolution of metrics-server and a
 * few rounds of the controller (15 s each by default). Before that, it would remove pods that are needed.
 */
const AUTOSCALER_SETTLES = 60_000;

/** An autoscaler's minimum of pods, as found. */
export const foundMinimum = z.object({ name: z.string(), minReplicas: z.int().nonnegative() });
export type FoundMinimum = z.infer<typeof foundMinimum>;

/** Raises an autoscaler's minimum to this number, but not above its maximum. Never lowers it. */
export function raiseMinimum(
  client: KubernetesClient,
  reference: ObjectReference,
  least: number,
  signal: AbortSignal,
): Promise<void> {
  const minimum = { reference, field: 'minReplicas' } as const;
  return retryOnConflict(async () => {
    const { spec } = readObject(await client.get(reference, signal), autoscaler);
    const wanted = Math.min(least, spec.maxReplicas);
    if (spec.minReplicas < wanted) await setNumber(client, minimum, { from: spec.minReplicas, to: wanted }, signal);
  });
}

/** Scales a workload up to at least this many pods. Never down. */
export function raiseReplicas(
  client: KubernetesClient,
  reference: ObjectReference,
  least: number,
  signal: AbortSignal,
): Promise<void> {
  const replicas = { reference, field: 'replicas' } as const;
  return retryOnConflict(async () => {
    const { spec } = readObject(await client.get(reference, signal), workload);
    if (spec.replicas < least) await setNumber(client, replicas, { from: spec.replicas, to: least }, signal);
  });
}

/** Undoes a raise. Keeps a number that somebody else has set since. */
export function undoRaised(client: KubernetesClient, number: FoundNumber, signal: AbortSignal): Promise<void> {
  return retryOnConflict(async () => {
    const current = await raisedFrom(client, number, signal);
    if (current !== undefined) await setNumber(client, number, { from: current, to: number.found }, signal);
  });
}

interface Scope {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly clock: Clock;
}

/** Gives autoscalers their minima back, once they have measured the load that returned to their workloads. */
export async function undoRaisedMinima(
  { client, namespace, clock }: Scope,
  minima: readonly FoundMinimum[],
  signal: AbortSignal,
): Promise<void> {
  const numbers = minima.map(({ name, minReplicas }): FoundNumber => {
    return { reference: autoscalerReference(namespace, name), field: 'minReplicas', found: minReplicas };
  });
  const raised = await Promise.all(numbers.map((number) => raisedFrom(client, number, signal)));
  if (raised.every((current) => current === undefined)) return;
  await clock.sleep(AUTOSCALER_SETTLES, signal);
  for (const number of numbers) await undoRaised(client, number, signal);
}

/** The number to which Sluice has raised a field; undefined if it has not. */
async function raisedFrom(
  client: KubernetesClient,
  { reference, field, found }: FoundNumber,
  signal: AbortSignal,
): Promise<number | undefined> {
  const object = await client.find(reference, signal);
  if (!object) return undefined;
  const shape = z.looseObject({ spec: z.looseObject({ [field]: z.number().optional() }) });
  const current = readObject(object, shape).spec[field];
  if (current === undefined || current <= found) return undefined;
  const managers = managersOf(object, ['spec', field]);
  // A relinquished number has no manager until somebody sets it again.
  return managers.length === 0 || managers.includes(FIELD_MANAGER) ? current : undefined;
}

function setNumber(
  client: KubernetesClient,
  { reference, field }: ScaledField,
  { from, to }: { readonly from: number; readonly to: number },
  signal: AbortSignal,
) {
  const path = `/spec/${field}`;
  return client.patchJson(
    reference,
    [
      { op: 'test', path, value: from },
      { op: 'replace', path, value: to },
    ],
    signal,
  );
}

export const disruptionBudget = z.looseObject({
  ...kubernetesObject.shape,
  spec: z.looseObject({
    selector: labelSelector.optional(),
    minAvailable: z.union([z.number(), z.string()]).optional(),
    maxUnavailable: z.union([z.number(), z.string()]).optional(),
  }),
});
export type DisruptionBudget = z.infer<typeof disruptionBudget>;

/**
 * A disruption budget for the canary if the stable pods have one. It lets one pod go at a time: a copied minimum would prevent
 * a canary of one pod from being evicted, and so its node from being drained.
 *
 * @returns undefined if the stable budget already selects the canary's pods, as a pod with two budgets can't be evicted
 */
export function canaryDisruptionBudget(
  stable: DisruptionBudget,
  { labels, selector }: { readonly labels: Labels; readonly selector: LabelSelector },
  { namespace, rollout }: { readonly namespace: string; readonly rollout: string },
): Manifest | undefined {
  if (stable.spec.selector && selects(stable.spec.selector, labels)) return undefined;
  const { minAvailable: _, maxUnavailable: __, ...spec } = stable.spec;
  return {
    apiVersion: stable.apiVersion,
    kind: stable.kind,
    metadata: { name: canaryName(stable.metadata.name), namespace, ...copiedMetadata(stable, rollout) },
    spec: { ...spec, maxUnavailable: 1, selector },
  };
}
