import * as z from 'zod';
import { splitReference } from '../core/image-reference.ts';
import { condition as conditionSchema } from './conditions.ts';
import { kubernetesObject } from './schema.ts';

export const terminated = z.looseObject({
  reason: z.string().default(''),
  message: z.string().default(''),
  exitCode: z.number().optional(),
});

const containerState = z.looseObject({
  waiting: z.looseObject({ reason: z.string().default(''), message: z.string().default('') }).optional(),
  running: z.unknown().optional(),
  terminated: terminated.optional(),
});

const containerStatus = z.looseObject({
  name: z.string(),
  imageID: z.string().default(''),
  ready: z.boolean().default(false),
  restartCount: z.number().default(0),
  state: containerState.prefault({}),
  lastState: containerState.prefault({}),
});
export type ContainerStatus = z.infer<typeof containerStatus>;

const container = z.looseObject({ name: z.string(), image: z.string().optional() });

/** A Pod, with the fields that tell its state. */
export const pod = z.looseObject({
  ...kubernetesObject.shape,
  spec: z.looseObject({
    containers: z.array(container).default([]),
    initContainers: z.array(container).default([]),
  }),
  status: z
    .looseObject({
      phase: z.string().default('Pending'),
      reason: z.string().default(''),
      message: z.string().default(''),
      podIP: z.string().optional(),
      podIPs: z.array(z.looseObject({ ip: z.string().optional() })).default([]),
      conditions: z.array(conditionSchema.extend({ lastTransitionTime: z.string().nullish() })).default([]),
      containerStatuses: z.array(containerStatus).default([]),
      initContainerStatuses: z.array(containerStatus).default([]),
    })
    .prefault({}),
});
export type Pod = z.infer<typeof pod>;

export function isTerminating({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** Whether a pod is terminating and still within its grace period, which ends at its deletion timestamp. */
export function isEnding({ metadata: { deletionTimestamp = '' } }: Pod, now: number): boolean {
  return Date.parse(deletionTimestamp) > now;
}

/** Ready, and not terminating. */
export function isReady(pod: Pod): boolean {
  return !isTerminating(pod) && condition(pod, 'Ready')?.status === 'True';
}

/** The pod's current condition of a type. */
export function condition({ status }: Pod, type: string) {
  return status.conditions.find((candidate) => candidate.type === type);
}

/** The statuses of all containers, init containers first. */
export function statuses({ status }: Pod): ContainerStatus[] {
  return [...status.initContainerStatuses, ...status.containerStatuses];
}

/**
 * The images that a container runs, as its runtime reports them: the digest of an image from a registry, else the image's own
 * ID. Empty while a container has not started.
 */
export function runningImages(pods: readonly Pod[], container: string): Set<string> {
  const found = pods.flatMap((pod) => statuses(pod).filter(({ name }) => name === container));
  return new Set(found.map(({ imageID }) => imageID.slice(imageID.indexOf('@') + 1)));
}

/** The digest (`sha256:…`) in an image reference, if it has one; the runtime reports this digest while it runs the image. */
export function digestOf(image: string): string | undefined {
  const { digest } = splitReference(image);
  return digest !== undefined && /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : undefined;
}
