import * as z from 'zod';
import type { PodProblem } from '../canary/ports.ts';
import { kubernetesObject } from './client.ts';

const terminated = z.looseObject({
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
type ContainerStatus = z.infer<typeof containerStatus>;

const container = z.looseObject({ name: z.string(), image: z.string().optional() });

/** A Pod, with the fields that tell how it is. */
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
      conditions: z
        .array(
          z.looseObject({
            type: z.string(),
            status: z.string(),
            reason: z.string().default(''),
            message: z.string().default(''),
            lastTransitionTime: z.string().nullish(),
          }),
        )
        .default([]),
      containerStatuses: z.array(containerStatus).default([]),
      initContainerStatuses: z.array(containerStatus).default([]),
    })
    .prefault({}),
});
export type Pod = z.infer<typeof pod>;

function isTerminating({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** Ready, and not on its way out. */
export function isReady(pod: Pod): boolean {
  return !isTerminating(pod) && condition(pod, 'Ready')?.status === 'True';
}

function condition({ status }: Pod, type: string) {
  return status.conditions.find((candidate) => candidate.type === type);
}

/** What was seen of one pod so far: only what happens while somebody watches is held against it. */
export interface PodHistory {
  readonly wasReady: boolean;
  /** It had failed already when it was first seen. */
  readonly foundFailed: boolean;
  /** Restarts of each container up to when the pod was first seen ready: starting is allowed to take several attempts. */
  readonly restarts: ReadonlyMap<string, number>;
  /** When it was seen to be ready no more, in milliseconds since the epoch; undefined while it is, and before it ever was. */
  readonly unreadySince: number | undefined;
}

/**
 * The history with this sight of the pod added.
 *
 * @param now milliseconds since the epoch
 */
export function remember(history: PodHistory | undefined, pod: Pod, now: number): PodHistory {
  if (history?.wasReady) return { ...history, unreadySince: isReady(pod) ? undefined : (history.unreadySince ?? now) };
  return {
    wasReady: isReady(pod),
    unreadySince: undefined,
    foundFailed: history?.foundFailed ?? pod.status.phase === 'Failed',
    restarts: new Map(statuses(pod).map(({ name, restartCount }) => [name, restartCount])),
  };
}

/** Waiting reasons of the kubelet that no further waiting cures. */
const hopeless = new Set([
  'CrashLoopBackOff',
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
]);

/** Milliseconds that a pod may wait for a node: an autoscaler needs a few minutes to bring one. */
export const UNSCHEDULABLE_PATIENCE = 180_000;

/**
 * Milliseconds for which a pod may be ready no more beside others that are: it gets no requests then, and a node that stands
 * still for a moment is not its version's fault. Kubernetes looks every ten seconds by default.
 */
export const UNREADY_PATIENCE = 10_000;

/**
 * What is wrong with a pod by itself, whatever the metrics say. A pod that is being deleted has no problems.
 *
 * @param now milliseconds since the epoch
 * @param others some pod of its arm is ready
 */
export function podProblems(pod: Pod, history: PodHistory, now: number, others: boolean): PodProblem[] {
  if (isTerminating(pod)) return [];
  const { status, metadata } = pod;
  if (status.phase === 'Failed') {
    const evicted = status.reason === 'Evicted' && !history.foundFailed;
    return evicted ? [{ pod: metadata.name, reason: 'Evicted', message: firstLine(status.message) }] : [];
  }
  const ofContainers = statuses(pod).flatMap((container) => containerProblem(metadata.name, container, history));
  if (ofContainers.length > 0) return ofContainers;

  const scheduled = condition(pod, 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    const since = Date.parse(scheduled.lastTransitionTime ?? '');
    if (now - since <= UNSCHEDULABLE_PATIENCE) return [];
    return [{ pod: metadata.name, reason: 'Unschedulable', message: firstLine(scheduled.message) }];
  }
  if (history.unreadySince !== undefined && now - history.unreadySince >= (others ? UNREADY_PATIENCE : 0)) {
    const message = firstLine(condition(pod, 'Ready')?.message ?? '');
    return [{ pod: metadata.name, reason: 'Unready', message: `was ready and is not any more. ${message}`.trim() }];
  }
  return [];
}

function statuses({ status }: Pod): ContainerStatus[] {
  return [...status.initContainerStatuses, ...status.containerStatuses];
}

function containerProblem(name: string, container: ContainerStatus, history: PodHistory): PodProblem[] {
  const { state, lastState, restartCount } = container;
  const problem = (reason: string, message: string) => [{ pod: name, container: container.name, reason, message }];
  const last = state.terminated ?? lastState.terminated;
  const restartsSeen = restartCount - (history.restarts.get(container.name) ?? 0);

  const outOfMemory = last?.reason === 'OOMKilled';
  if (outOfMemory && (restartsSeen > 0 || state.terminated !== undefined || !history.wasReady)) {
    return problem('OOMKilled', 'used more memory than its limit allows');
  }
  if (state.waiting && hopeless.has(state.waiting.reason)) {
    return problem(state.waiting.reason, lastWords(last) || firstLine(state.waiting.message));
  }
  if (history.wasReady && state.terminated && state.terminated.exitCode !== 0) {
    return problem('Terminated', `ended while watched; ${lastWords(last)}`);
  }
  if (history.wasReady && restartsSeen > 0) {
    return problem('Restarted', `${restartsSeen} times while watched; ${lastWords(last)}`);
  }
  return [];
}

function lastWords(last: z.infer<typeof terminated> | undefined): string {
  if (!last) return '';
  const code = last.exitCode === undefined ? '' : `exit code ${last.exitCode}`;
  const reason = last.reason === '' || last.reason === 'Error' ? '' : ` (${last.reason})`;
  const said = last.message === '' ? '' : `: ${lastLine(last.message)}`;
  return `${code}${reason}${said}`;
}

function firstLine(text: string): string {
  return shorten(text.trim().split('\n')[0] ?? '');
}

function lastLine(text: string): string {
  return shorten(text.trim().split('\n').at(-1) ?? '');
}

function shorten(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 299)}…`;
}

/**
 * What the runtime says that a container runs: the image digest where the image came from a registry, else the image's own
 * ID. Empty while a container has not started.
 */
export function runningImages(pods: readonly Pod[], container: string): Set<string> {
  const found = pods.flatMap((pod) => statuses(pod).filter(({ name }) => name === container));
  return new Set(found.map(({ imageID }) => imageID.slice(imageID.indexOf('@') + 1)));
}

/** The digest (`sha256:…`) in an image reference, where it names one. */
export function digestOf(image: string): string | undefined {
  return /@(sha256:[0-9a-f]{64})$/.exec(image)?.[1];
}
