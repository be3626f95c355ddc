import * as z from 'zod';
import type { ArmsSnapshot } from '../../canary/ports.ts';
import { type GitOpsSetting, refuseGitOps } from '../../cluster/gitops.ts';
import { relinquishFields } from '../../cluster/managed-fields.ts';
import { permissionTo } from '../../cluster/permissions.ts';
import { digestOf } from '../../cluster/pods.ts';
import { describe, resources } from '../../cluster/resources.ts';
import { selectorText } from '../../cluster/selectors.ts';
import { SluiceError } from '../../core/errors.ts';
import { asJson } from '../../core/json.ts';
import type { Permission } from '../../core/permission.ts';
import type { PlannedWrite } from '../../core/planned-write.ts';
import type { ArmsContext } from '../arms-context.ts';
import { isSameVersion } from '../image-version.ts';
import { versionsOf } from '../images.ts';
import { detailsPermissions } from '../pod-details.ts';
import { hasRolledOut } from '../promotion.ts';
import { templateImages, templateRevision, verifyRevision } from '../revision.ts';
import {
  type Autoscaler,
  findAutoscaler,
  foundMinimum,
  isOperated,
  raiseMinimum,
  raiseReplicas,
  replicasFor,
  undoRaised,
  undoRaisedMinima,
} from '../scaling.ts';
import { listServices, serviceOf } from '../services.ts';
import {
  findWorkload,
  imagesOf,
  ownerOf,
  type PodTemplate,
  referenceOf,
  referenceTo,
  refuseOwned,
  refuseUnavailable,
  type Workload,
  type WorkloadInput,
  workload,
  workloadType,
} from '../workload.ts';

/** Two workloads of the user's own: one serves, the other has been deployed with the new version. */
export interface ExistingWorkloads {
  readonly stable: WorkloadInput;
  readonly canary: WorkloadInput;
  /** The Services that the route leads to, where it is known. */
  readonly services?: { readonly stable?: string | undefined; readonly canary?: string | undefined } | undefined;
  /** One Service picks the pods of both, and the router counts pods: nothing else may scale them. */
  readonly joinService: boolean;
  /** The canary is there for the time of the rollout: afterwards the stable workload is the new version. */
  readonly returns: boolean;
  readonly gitops: GitOpsSetting;
}

const arm = z.object({
  kind: z.enum(['Deployment', 'StatefulSet']),
  name: z.string(),
  pods: z.string(),
  service: z.string().optional(),
  replicas: z.number(),
  ready: z.number(),
  autoscaler: foundMinimum.optional(),
});

export const existingData = z.object({
  variant: z.literal('existing'),
  stable: arm,
  canary: arm,
  /** Containers whose images are not those of the stable arm. */
  containers: z.array(z.string()),
  joinService: z.boolean(),
  /** Present where the stable workload becomes the new version: those containers' images, which it has to have then. */
  returns: z.record(z.string(), z.string()).optional(),
});
export type ExistingData = z.infer<typeof existingData>;

const replicasField = {
  what: 'the number of pods',
  path: ['spec', 'replicas'],
  appliedWith: ['spec', 'replicas'],
  pointers: ['/spec/replicas'],
  jq: ['.spec.replicas'],
};

/** Reads both workloads. Writes nothing. */
export async function inspectExisting(
  { client, namespace }: ArmsContext,
  given: ExistingWorkloads,
  signal: AbortSignal,
): Promise<ArmsSnapshot> {
  const [stable, canary, services] = await Promise.all([
    findWorkload(client, namespace, given.stable, 'stable', signal),
    findWorkload(client, namespace, given.canary, 'canary', signal),
    listServices(client, namespace, signal),
  ]);
  const canaryReference = referenceOf(canary, namespace);
  const about = describe(canaryReference);
  if (stable.metadata.uid === canary.metadata.uid) throw sameWorkload(about);
  refuseUnavailable(stable, namespace);
  if (given.joinService) for (const arm of [stable, canary]) refuseOwned(arm, namespace);
  const owner = ownerOf(canary);
  const [stableAutoscaler, canaryAutoscaler] = await Promise.all([
    findAutoscaler(client, namespace, stable, signal),
    findAutoscaler(client, namespace, canary, signal),
  ]);
  refuseTooSmall(canaryAutoscaler, stable, namespace);
  if (given.gitops !== 'ignore-rule-present' && !given.joinService)
    refuseGitOps(canary, canaryReference, replicasField);

  const describeArm = (found: Workload, autoscaler: Autoscaler | undefined, service: string | undefined) => ({
    kind: found.kind,
    name: found.metadata.name,
    pods: selectorText(found.spec.selector),
    service: serviceOf(services, found.spec.template.metadata?.labels ?? {}, service, namespace)?.metadata.name,
    replicas: found.spec.replicas,
    ready: found.status.readyReplicas,
    autoscaler:
      autoscaler && !isOperated(autoscaler)
        ? { name: autoscaler.metadata.name, minReplicas: autoscaler.spec.minReplicas }
        : undefined,
  });
  const before = imagesOf(stable.spec.template);
  const changed = [...imagesOf(canary.spec.template)].filter(([name, image]) => before.get(name) !== image);
  const data: ExistingData = {
    variant: 'existing',
    stable: describeArm(stable, stableAutoscaler, given.services?.stable),
    canary: describeArm(canary, canaryAutoscaler, given.services?.canary),
    containers: changed.map(([name]) => name),
    joinService: given.joinService,
    ...(given.returns && { returns: Object.fromEntries(changed.map(([name, found = '']) => [name, found])) }),
  };
  const [image = ''] = changed.flatMap(([, candidate]) => candidate ?? []);
  return {
    stable: describe(referenceOf(stable, namespace)),
    canary: about,
    // Once the stable workload is the new version, no image tells them apart.
    revision:
      (changed.length === 1 && !given.returns ? digestOf(image) : undefined) ?? templateRevision(canary.spec.template),
    versions: versionsOf(changed.map(([name, after = '']) => ({ before: before.get(name) ?? '', after }))),
    data: asJson(data),
    ...(owner !== undefined && { warnings: [ownedCanary(about, owner, data)] }),
  };
}

function ownedCanary(about: string, owner: string, { canary, stable }: ExistingData): string {
  return `${about} belongs to ${owner}, whose controller may set its number of pods back: it has ${canary.replicas}, and ${stable.ready} are needed for all of the requests.`;
}

/** Gives the canary the pods for a weight where it has fewer, and waits for them. */
export async function prepareExisting(
  context: ArmsContext,
  { stable, canary, joinService }: ExistingData,
  weight: number,
  signal: AbortSignal,
): Promise<void> {
  const { client, namespace } = context;
  if (joinService) return;
  const reference = referenceTo(canary, namespace);
  // While requests go to the canary, the stable pods must stay as many as it takes to get all of them back.
  if (stable.autoscaler) await raiseMinimum(client, namespace, stable.autoscaler.name, stable.ready, signal);
  const { status } = workload.parse(await client.get(referenceTo(stable, namespace), signal));
  const replicas = replicasFor(weight, Math.max(stable.ready, status.readyReplicas), 1);
  const { spec } = workload.parse(await client.get(reference, signal));
  if (canary.autoscaler) await raiseMinimum(client, namespace, canary.autoscaler.name, replicas, signal);
  // An autoscaler leaves a workload alone that is scaled to zero.
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
 * Waits until somebody else has deployed the stable workload with the images that the canary was judged with, and until it
 * has the pods to take back what the canary serves.
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
  if (stable.autoscaler) await raiseMinimum(client, namespace, stable.autoscaler.name, capacity, signal);
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

/** What the rollout has raised stays raised, and belongs to nobody. */
export async function relinquishExisting(
  { client, namespace }: ArmsContext,
  data: ExistingData,
  signal: AbortSignal,
): Promise<void> {
  for (const { name } of minimaOf(data))
    await relinquishFields(client, { type: resources.horizontalPodAutoscaler, namespace, name }, signal);
}

/**
 * After a promotion the canary keeps its pods, and where the route has left them time to answer what they have begun; only
 * the autoscalers get their limits back.
 */
export async function retireExisting(context: ArmsContext, data: ExistingData, signal: AbortSignal): Promise<void> {
  const { client, namespace, clock, drain } = context;
  if (data.returns) await clock.sleep(drain, signal);
  await undoRaisedMinima(client, namespace, minimaOf(data), clock, signal);
}

/** After a rollback: scaling as found. */
export async function undoExisting(context: ArmsContext, data: ExistingData, signal: AbortSignal): Promise<void> {
  const { client, namespace } = context;
  await undoRaised(client, referenceTo(data.canary, namespace), 'replicas', data.canary.replicas, signal);
  await undoRaisedMinima(client, namespace, minimaOf(data), context.clock, signal);
}

function minimaOf({ stable, canary }: ExistingData) {
  return [stable, canary].flatMap(({ autoscaler }) => autoscaler ?? []);
}

export function previewExisting(
  { namespace }: ArmsContext,
  { stable, canary, joinService }: ExistingData,
  weight: number,
): PlannedWrite[] {
  if (joinService) return [];
  const replicas = replicasFor(weight, stable.ready, 1);
  const raised = (autoscaler: { name: string; minReplicas: number } | undefined, least: number): PlannedWrite[] =>
    autoscaler && autoscaler.minReplicas < least
      ? [
          {
            object: describe({ type: resources.horizontalPodAutoscaler, namespace, name: autoscaler.name }),
            action: 'update',
            before: { spec: { minReplicas: autoscaler.minReplicas } },
            after: { spec: { minReplicas: least } },
          },
        ]
      : [];
  const scaled: PlannedWrite[] =
    canary.replicas < replicas && (!canary.autoscaler || canary.replicas === 0)
      ? [
          {
            object: describe(referenceTo(canary, namespace)),
            action: 'update',
            before: { spec: { replicas: canary.replicas } },
            after: { spec: { replicas } },
          },
        ]
      : [];
  return [...raised(stable.autoscaler, stable.ready), ...raised(canary.autoscaler, replicas), ...scaled];
}

/** The rights that two existing workloads take. */
export function existingPermissions(
  namespace: string,
  { stable, canary, joinService }: ExistingWorkloads,
): Permission[] {
  const typesOf = (given: WorkloadInput) =>
    'kind' in given ? [workloadType(given.kind)] : [resources.deployment, resources.statefulSet];
  const all = new Set([...typesOf(stable), ...typesOf(canary)]);
  const scaled = joinService ? [] : typesOf(canary);
  return [
    ...[...all].map((type) => permissionTo(['get', 'list', 'watch'], type, namespace)),
    ...scaled.map((type) => permissionTo(['patch'], type, namespace)),
    permissionTo(['list', 'watch'], resources.pod, namespace),
    ...detailsPermissions(namespace),
    permissionTo(['list', 'watch'], resources.endpointSlice, namespace),
    permissionTo(['list'], resources.service, namespace),
    permissionTo(joinService ? ['list'] : ['get', 'list', 'patch'], resources.horizontalPodAutoscaler, namespace),
    ...([...all].some(({ kind }) => kind === 'StatefulSet')
      ? [permissionTo(['list'], resources.event, namespace)]
      : []),
  ];
}

function sameWorkload(about: string): SluiceError {
  return new SluiceError('invalid-input', {
    about,
    problem: 'is both the stable and the canary workload.',
    next: 'Name two workloads, or give an image and let Sluice make the canary.',
  });
}

function refuseTooSmall(canary: Autoscaler | undefined, stable: Workload, namespace: string): void {
  const needed = stable.status.readyReplicas;
  if (!canary || canary.spec.maxReplicas >= needed) return;
  throw new SluiceError('unsupported', {
    about: describe({ type: resources.horizontalPodAutoscaler, namespace, name: canary.metadata.name }),
    problem: `allows the canary ${canary.spec.maxReplicas} pods, and the stable arm has ${needed} for the same load.`,
    next: `Raise its maxReplicas to at least ${needed}.`,
  });
}
