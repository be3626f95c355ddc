import * as z from 'zod';
import type { ArmsSnapshot } from '../../canary/ports.ts';
import { type GitOpsSetting, refuseGitOps } from '../../cluster/gitops.ts';
import { digestOf } from '../../cluster/pods.ts';
import { describe, resources } from '../../cluster/resources.ts';
import { selectorText } from '../../cluster/selectors.ts';
import { SluiceError } from '../../core/errors.ts';
import { asJson } from '../../core/json.ts';
import type { ArmsContext } from '../arms-context.ts';
import { versionsOf } from '../images.ts';
import { templateRevision } from '../revision.ts';
import { type Autoscaler, findAutoscaler, foundMinimum, isOperated } from '../scaling.ts';
import { listServices, serviceOf } from '../services.ts';
import {
  findWorkload,
  imagesOf,
  ownerOf,
  referenceOf,
  refuseOwned,
  refuseUnavailable,
  type Workload,
  type WorkloadInput,
} from '../workload.ts';

/** Two workloads of the user's own: the stable one serves, the other is deployed with the new version. */
export interface ExistingWorkloads {
  readonly stable: WorkloadInput;
  readonly canary: WorkloadInput;
  /** The Services that the route leads to, if known. */
  readonly services?: { readonly stable?: string | undefined; readonly canary?: string | undefined } | undefined;
  /** One Service selects the pods of both and the router counts pods, so nothing else may scale them. */
  readonly joinService: boolean;
  /** The canary exists only for the rollout: afterwards the stable workload gets the new version. */
  readonly returns: boolean;
  readonly gitops: GitOpsSetting;
}

const arm = z.object({
  kind: z.enum(['Deployment', 'StatefulSet']),
  name: z.string(),
  pods: z.string(),
  service: z.string().optional(),
  replicas: z.int().nonnegative(),
  ready: z.int().nonnegative(),
  autoscaler: foundMinimum.optional(),
});

export const existingData = z.object({
  variant: z.literal('existing'),
  stable: arm,
  canary: arm,
  /** Containers whose images differ from those of the stable arm. */
  containers: z.array(z.string()),
  joinService: z.boolean(),
  /** Present if the stable workload gets the new version: the images that these containers must then have. */
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

/** Reads both workloads, and writes nothing. */
export async function inspectExisting(
  context: ArmsContext,
  given: ExistingWorkloads,
  signal: AbortSignal,
): Promise<ArmsSnapshot> {
  const { client, namespace } = context;
  const [stable, canary, services] = await Promise.all([
    findWorkload(context, given.stable, 'stable', signal),
    findWorkload(context, given.canary, 'canary', signal),
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
    // If the stable workload gets the new version, both arms end with the same image, so the image does not identify the
    // canary.
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
