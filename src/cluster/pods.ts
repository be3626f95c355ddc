import * as z from 'zod';
import type { PodProblem } from '../canary/ports.ts';
import { firstLine, lastLine } from '../core/text.ts';
import { kubernetesObject } from './client.ts';
import { condition as conditionSchema } from './conditions.ts';

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
      conditions: z.array(conditionSchema.extend({ lastTransitionTime: z.string().nullish() })).default([]),
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
  /** Milliseconds for which it is waited for an image that the registry does not have yet; 0 without it. */
  readonly imageTimeout?: number;
  /** When a container of it was seen that can't be started; undefined where each can. */
  readonly unstartedSince: number | undefined;
}

/**
 * The history with this sight of the pod added.
 *
 * @param now milliseconds since the epoch
 */
export function remember(history: PodHistory | undefined, pod: Pod, now: number): PodHistory {
  const sinceWhen = (holds: boolean, before: number | undefined) => (holds ? (before ?? now) : undefined);
  const unstartedSince = sinceWhen(
    statuses(pod).some((container) => startPatience(container) !== undefined),
    history?.unstartedSince,
  );
  if (history?.wasReady) {
    return { ...history, unstartedSince, unreadySince: sinceWhen(!isReady(pod), history.unreadySince) };
  }
  return {
    wasReady: isReady(pod),
    foundFailed: history?.foundFailed ?? pod.status.phase === 'Failed',
    restarts: new Map(statuses(pod).map(({ name, restartCount }) => [name, restartCount])),
    unreadySince: undefined,
    unstartedSince,
  };
}

/**
 * Milliseconds for which a container may be unable to start where the kubelet tries again, often with success: a registry
 * or runtime that is busy, a Secret that comes late.
 */
export const START_PATIENCE = 30_000;

/**
 * Waiting reasons of the kubelet that are about the image, and the milliseconds for which it may help to wait: a registry may
 * not have it everywhere yet.
 */
export const imageReasons: ReadonlyMap<string, number> = new Map([
  ['ErrImagePull', START_PATIENCE],
  ['ImagePullBackOff', START_PATIENCE],
  ['RegistryUnavailable', START_PATIENCE],
  ['SignatureValidationFailed', 0],
  ['InvalidImageName', 0],
  ['ErrImageNeverPull', 0],
]);

/** Waiting reasons of the kubelet that are about what else a container needs for its start: it may help to wait. */
export const startReasons: ReadonlySet<string> = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
]);

/** What a registry says of an image that it will not give at the next attempt either. */
const finalRefusal = /not found|manifest unknown|unauthorized|authorization failed|denied|no match for platform/i;

/** What a registry says of an image that it does not have: it may be pushed yet. */
const notThere = /not found|manifest unknown|name unknown|repository does not exist/i;

/** The runtime says at each step which image it is about; the last step is what failed. */
const pullSteps =
  /(?:Failed to pull image|failed to pull and unpack image|failed to resolve (?:image|reference)) "[^"]*": |rpc error: code = \w+ desc = /gi;

/** Why an image could not be pulled, without the way there. */
export function pullFailure(message: string): string {
  return message.replaceAll(pullSteps, '');
}

/** Milliseconds for which it may help to wait; undefined for a container that nothing keeps from its start. */
function startPatience({ state: { waiting } }: ContainerStatus, imageTimeout = 0): number | undefined {
  if (!waiting) return undefined;
  const { reason, message } = waiting;
  if (reason === 'CrashLoopBackOff') return 0;
  if (startReasons.has(reason)) return START_PATIENCE;
  const patience = imageReasons.get(reason);
  if (patience === undefined || patience === 0) return patience;
  if (notThere.test(message)) return imageTimeout;
  if (finalRefusal.test(message)) return 0;
  // Between two attempts an older kubelet does not say why the last one failed.
  return Math.max(patience, imageTimeout);
}

/** Milliseconds that a pod may wait for a node: an autoscaler needs a few minutes to bring one. */
export const UNSCHEDULABLE_PATIENCE = 180_000;

/**
 * Milliseconds for which a pod may be ready no more beside others that are: it gets no requests then, and a node that stands
 * still for a moment is not its version's fault. Kubernetes looks every ten seconds by default.
 */
export const UNREADY_PATIENCE = 10_000;

/** Something that is wrong with a pod, and from when on it counts, in milliseconds since the epoch. */
export interface PodTrouble extends PodProblem {
  readonly due: number;
}

/**
 * What is wrong with a pod by itself, whatever the metrics say, from now on or if it lasts. A pod that is being deleted has
 * no troubles.
 *
 * @param others some pod of its arm is ready
 */
export function podTroubles(pod: Pod, history: PodHistory, others: boolean): PodTrouble[] {
  if (isTerminating(pod)) return [];
  const { status, metadata } = pod;
  const trouble = (reason: string, message: string, due = 0) => ({ pod: metadata.name, reason, message, due });
  if (status.phase === 'Failed') {
    const evicted = status.reason === 'Evicted' && !history.foundFailed;
    return evicted ? [trouble('Evicted', firstLine(status.message))] : [];
  }
  const troubles = statuses(pod).flatMap((container) => containerTroubles(metadata.name, container, history));
  const scheduled = condition(pod, 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    const since = Date.parse(scheduled.lastTransitionTime ?? '') || 0;
    troubles.push(trouble('Unschedulable', firstLine(scheduled.message), since + UNSCHEDULABLE_PATIENCE));
  }
  if (history.unreadySince !== undefined) {
    const message = `was ready and is not any more. ${firstLine(condition(pod, 'Ready')?.message ?? '')}`.trim();
    troubles.push(trouble('Unready', message, history.unreadySince + (others ? UNREADY_PATIENCE : 0)));
  }
  return troubles;
}

/**
 * Those troubles of a pod that count by now. That it is not ready is told only where nothing else says why.
 *
 * @param now milliseconds since the epoch
 */
export function problemsOf(troubles: readonly PodTrouble[], now: number): PodProblem[] {
  const problems = troubles.filter(({ due }) => due <= now).map(({ due: _, ...problem }) => problem);
  const causes = problems.filter(({ reason }) => reason !== 'Unready');
  return causes.length > 0 ? causes : problems;
}

function statuses({ status }: Pod): ContainerStatus[] {
  return [...status.initContainerStatuses, ...status.containerStatuses];
}

function containerTroubles(name: string, container: ContainerStatus, history: PodHistory): PodTrouble[] {
  const { state, lastState, restartCount } = container;
  const trouble = (reason: string, message: string, due = 0) => ({
    pod: name,
    container: container.name,
    reason,
    message,
    due,
  });
  const last = state.terminated ?? lastState.terminated;
  const restartsSeen = restartCount - (history.restarts.get(container.name) ?? 0);

  const outOfMemory = last?.reason === 'OOMKilled';
  if (outOfMemory && (restartsSeen > 0 || state.terminated !== undefined || !history.wasReady)) {
    return [trouble('OOMKilled', 'used more memory than its limit allows')];
  }
  if (history.wasReady && state.terminated && state.terminated.exitCode !== 0) {
    return [trouble('Terminated', `ended while watched; ${lastWords(last)}`)];
  }
  const patience = startPatience(container, history.imageTimeout);
  const waitingFor = firstLine(pullFailure(state.waiting?.message ?? ''));
  if (state.waiting && patience === 0) {
    return [trouble(state.waiting.reason, lastWords(last) || waitingFor)];
  }
  if (history.wasReady && restartsSeen > 0) {
    return [trouble('Restarted', `${restartsSeen} times while watched; ${lastWords(last)}`)];
  }
  if (state.waiting && patience !== undefined) {
    return [trouble(state.waiting.reason, waitingFor || lastWords(last), (history.unstartedSince ?? 0) + patience)];
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
