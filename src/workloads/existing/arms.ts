import { relinquishFields } from '../../cluster/managed-fields.ts';
import { readObject } from '../../cluster/read-object.ts';
import { resources } from '../../cluster/resources.ts';
import type { ArmsContext } from '../arms-context.ts';
import { isSameVersion } from '../image-version.ts';
import { hasRolledOut } from '../promotion.ts';
import { templateImages, verifyRevision } from '../revision.ts';
import {
  autoscalerReference,
  raiseMinimum,
  raiseReplicas,
  replicasFor,
  undoRaised,
  undoRaisedMinima,
} from '../scaling.ts';
import { imagesOf, type PodTemplate, referenceTo, type Workload, workload } from '../workload.ts';
import type { ExistingData } from './inspect.ts';

/** Scales the canary up to the pods for a weight if it has fewer, and waits for them. */
export async function prepareExisting(
  context: ArmsContext,
  { stable, canary, joinService }: ExistingData,
  weight: number,
  signal: AbortSignal,
): Promise<void> {
  const { client, namespace } = context;
  if (joinService) return;
  const reference = referenceTo(canary, namespace);
  // While requests go to the canary, the stable arm must keep enough pods to take all of them back.
  if (stable.autoscaler)
    await raiseMinimum(client, autoscalerReference(namespace, stable.autoscaler.name), stable.ready, signal);
  const { status } = readObject(await client.get(referenceTo(stable, namespace), signal), workload);
  const replicas = replicasFor(weight, Math.max(stable.ready, status.readyReplicas), 1);
  const { spec } = readObject(await client.get(reference, signal), workload);
  if (canary.autoscaler)
    await raiseMinimum(client, autoscalerReference(namespace, canary.autoscaler.name), replicas, signal);
  // An autoscaler does not act on a workload that is scaled to zero.
  if (!canary.autoscaler || spec.replicas === 0) await raiseReplicas(client, reference, replicas, signal);
  const { metadata } = await client.get(reference, signal);
  await context
    .view(canary)
    .until(
      ({ workload: found, health }) =>
        (found && hasRolledOut(found, reference, metadata.generation ?? 0) && health.ready >= replicas) || undefined,
      signal,
    );
}

/**
 * Waits until somebody else has deployed the stable workload with the images that the canary was judged with, and until it has
 * enough pods to take over the canary's requests.
 */
export async function awaitDeployed(
  context: ArmsContext,
  { stable, canary, returns = {} }: ExistingData,
  signal: AbortSignal,
): Promise<void> {
  const { client, namespace } = context;
  const reference = referenceTo(stable, namespace);
  const { health } = await context.view(canary).look(signal);
  const capacity = stable.autoscaler ? Math.max(stable.ready, health.ready) : 0;
  if (stable.autoscaler)
    await raiseMinimum(client, autoscalerReference(namespace, stable.autoscaler.name), capacity, signal);
  await context.view(stable).until(({ workload: found, health: now }) => {
    if (!found || !hasImages(found.spec.template, returns)) return undefined;
    const deployed = hasRolledOut(found, reference, found.metadata.generation ?? 0);
    return (deployed && now.ready >= now.desired) || undefined;
  }, signal);
}

function hasImages(template: PodTemplate, wanted: Readonly<Record<string, string>>): boolean {
  const images = imagesOf(template);
  return Object.entries(wanted).every(([name, image]) => isSameVersion(images.get(name), image));
}

export function verifyExisting(
  context: ArmsContext,
  { stable, canary, containers, returns }: ExistingData,
  signal: AbortSignal,
) {
  const expected = ({ spec: { template } }: Workload) => {
    if (returns && !hasImages(template, returns)) return undefined;
    const [first] = template.spec.containers.map(({ name }) => name);
    const names = containers.length > 0 ? containers : first === undefined ? [] : [first];
    return { images: templateImages(template, names), seen: new Map() };
  };
  return verifyRevision(context, returns ? stable : canary, expected, signal);
}

/** Relinquishes what the rollout has raised, and leaves it raised. */
export async function relinquishExisting(
  { client, namespace }: ArmsContext,
  data: ExistingData,
  signal: AbortSignal,
): Promise<void> {
  for (const { name } of minimaOf(data))
    await relinquishFields(client, { type: resources.horizontalPodAutoscaler, namespace, name }, signal);
}

/**
 * After a promotion the canary keeps its pods. If the route no longer leads to them, they get time to answer open requests.
 * Only the autoscalers get their limits back.
 */
export async function retireExisting(context: ArmsContext, data: ExistingData, signal: AbortSignal): Promise<void> {
  const { clock, drain } = context;
  if (data.returns) await clock.sleep(drain, signal);
  await undoRaisedMinima(context, minimaOf(data), signal);
}

/** After a rollback: scales the arms as found. */
export async function undoExisting(context: ArmsContext, data: ExistingData, signal: AbortSignal): Promise<void> {
  const { client, namespace } = context;
  const { replicas } = data.canary;
  const reference = referenceTo(data.canary, namespace);
  await undoRaised(client, { reference, field: 'replicas', found: replicas }, signal);
  await undoRaisedMinima(context, minimaOf(data), signal);
}

function minimaOf({ stable, canary }: ExistingData) {
  return [stable, canary].flatMap(({ autoscaler }) => autoscaler ?? []);
}
