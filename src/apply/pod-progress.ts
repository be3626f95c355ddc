import * as z from 'zod';
import { isReady, type Pod } from '../cluster/pods.ts';
import { type KubernetesObject, kubernetesObject } from '../cluster/schema.ts';
import { firstLine } from '../core/text.ts';
import {
  isAboutImage,
  type Problem,
  pullFailure,
  type StartingPolicy,
  type StartState,
  starting,
  startState,
} from './pod-states.ts';

/** A warning event about an object. */
export const warningEvent = z.looseObject({
  ...kubernetesObject.shape,
  reason: z.string().default(''),
  message: z.string().default(''),
  count: z.number().nullish(),
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
  series: z.looseObject({ lastObservedTime: z.string().nullish() }).nullish(),
  involvedObject: z.looseObject({
    kind: z.string().default(''),
    name: z.string().default(''),
    uid: z.string().default(''),
    fieldPath: z.string().optional(),
  }),
});
export type WarningEvent = z.infer<typeof warningEvent>;

/** A container that ended with an error, and whether its previous or its present log tells why. */
interface Crash {
  readonly container: string;
  readonly times: number;
  readonly previous: boolean;
}

/** The state of a pod, and what it waits for. */
export interface PodProgress {
  readonly pod: string;
  readonly ready: boolean;
  /** `waits for a node: 0/3 nodes are available: 3 Insufficient cpu.` */
  readonly text: string;
  /** Every pod passes through this state, so it is worth a log line only when it lasts. */
  readonly ordinary: boolean;
  readonly problem?: Problem;
  readonly crash?: Crash;
}

/** Restarts of a container before its crash loop counts; Infinity where its controller counts them. */
export type PodPatience = Pick<StartingPolicy, 'maxRestarts'>;

type ContainerStatus = Pod['status']['containerStatuses'][number];

/**
 * What a pod waits for, by its status and the warnings about it.
 *
 * @param warnings about this pod, the newest last
 */
export function podProgressOf(pod: Pod, warnings: readonly WarningEvent[], patience: PodPatience): PodProgress {
  const of = (text: string, more: Partial<PodProgress> = {}): PodProgress => ({
    pod: pod.metadata.name,
    ready: false,
    text,
    ordinary: false,
    ...more,
  });
  const { status } = pod;
  if (isReady(pod)) return of('is ready', { ready: true, ordinary: true });
  if (status.phase === 'Succeeded') return of('has ended well', { ready: true, ordinary: true });
  const containers = [...status.initContainerStatuses, ...status.containerStatuses];
  const stuck = containers.flatMap((container) => containerProgress(container, pod, warnings, patience))[0];
  if (stuck) return of(stuck.text, stuck);
  if (status.phase === 'Failed') return of(`has failed${aside(status.reason)}${after(status.message)}`);

  const scheduled = status.conditions.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') {
    const message = firstLine(scheduled.message);
    const text = `waits for a node${after(message)}`;
    // Whoever set the scheduling gate removes it, so no patience runs.
    if (scheduled.reason === 'SchedulingGated') return of(text);
    return of(text, { problem: problemOf('unschedulable', scheduled.reason, text) });
  }
  const warning = warnings.at(-1);
  if (warning) {
    // Failing probes are ordinary while a container starts.
    return of(`${warning.reason}${after(warning.message)}`, { ordinary: warning.reason === 'Unhealthy' });
  }
  return of(ordinaryText(containers, scheduled?.status === 'True'), { ordinary: true });
}

function containerProgress(
  { name, state, lastState, restartCount }: ContainerStatus,
  pod: Pod,
  warnings: readonly WarningEvent[],
  { maxRestarts }: PodPatience,
): { text: string; problem?: Problem; crash?: Crash }[] {
  const { waiting } = state;
  const reason = waiting?.reason ?? '';
  const held = waiting && startState(waiting);
  if (waiting && held && isAboutImage(held)) {
    const image = [...pod.spec.initContainers, ...pod.spec.containers].find(
      (container) => container.name === name,
    )?.image;
    // The kubelet alternates between ErrImagePull and ImagePullBackOff, so the text leaves the reason out.
    const text = `container ${name} can't get its image ${image ?? ''}${after(pullError(waiting.message, warnings))}`;
    return [{ text, problem: problemOf(held, 'image', `${text} (${reason})`) }];
  }
  if (waiting && held === 'unstartable') {
    const text = `container ${name} can't be started (${reason})${after(waiting.message)}`;
    return [{ text, problem: problemOf(held, reason, text) }];
  }
  const last = state.terminated ?? lastState.terminated;
  if (!last || last.exitCode === 0 || (state.terminated === undefined && restartCount === 0)) return [];
  // The kubelet counts a restart only when the container runs again.
  const times = restartCount + (state.running === undefined ? 1 : 0);
  const code = last.exitCode === undefined ? '' : `exit code ${last.exitCode}`;
  const why = last.reason === 'OOMKilled' ? ', OOMKilled: more memory than its limit' : aside(last.reason, ['Error']);
  const text = `container ${name} crashed ${times === 1 ? 'once' : `${times} times`} (${code}${why})`;
  const isOver = held === 'crash-loop' && times > maxRestarts;
  return [
    {
      text,
      crash: { container: name, times, previous: state.terminated === undefined },
      ...(isOver && { problem: problemOf(held, 'crash', `${text}: ${reason}`) }),
    },
  ];
}

function problemOf(state: StartState, reason: string, message: string): Problem {
  return { state, reason, message, patience: starting.patience[state] };
}

/** The back-off message does not say why the pull failed; the event before it does. */
function pullError(message: string, warnings: readonly WarningEvent[]): string {
  const said = warnings.findLast(
    ({ reason, message: text }) => reason === 'Failed' && /pull image/i.test(text),
  )?.message;
  return firstLine(pullFailure(said ?? (/^Back-off/.test(message) ? '' : message)));
}

function ordinaryText(containers: readonly ContainerStatus[], isScheduled: boolean): string {
  const waiting = containers.find(({ state }) => state.waiting !== undefined)?.state.waiting;
  if (waiting) return `is being started (${waiting.reason})`;
  if (containers.some(({ state }) => state.running !== undefined)) return 'runs and is not ready';
  return isScheduled ? 'has a node and is being started' : 'waits for the scheduler';
}

/** When an event was seen last, as ISO 8601. */
export function lastSeen({ series, lastTimestamp, eventTime, metadata }: WarningEvent): string {
  return series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '';
}

/** The pods of a workload's present version, without those that are being deleted. */
export function podsOf(
  workload: KubernetesObject,
  pods: readonly Pod[],
  replicaSets: readonly KubernetesObject[],
): Pod[] {
  const living = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (workload.kind === 'Pod') return living.filter(({ metadata }) => metadata.name === workload.metadata.name);
  if (workload.kind === 'Deployment') {
    const present = presentReplicaSet(workload, replicaSets);
    return present ? living.filter((candidate) => isOwnedBy(candidate, present)) : [];
  }
  const own = living.filter((candidate) => isOwnedBy(candidate, workload));
  if (workload.kind === 'StatefulSet') {
    const revision = updateRevision.safeParse(workload).data?.status.updateRevision;
    return own.filter(({ metadata }) => metadata.labels?.['controller-revision-hash'] === revision);
  }
  if (workload.kind === 'DaemonSet') {
    const template = workload.metadata.annotations?.['deprecated.daemonset.template.generation'];
    return own.filter(({ metadata }) => metadata.labels?.['pod-template-generation'] === template);
  }
  return own;
}

/** Whether a pod belongs to any version of a workload. */
export function isMadeBy(pod: Pod, workload: KubernetesObject, replicaSets: readonly KubernetesObject[]): boolean {
  const makers = [workload, ...replicaSets.filter((replicaSet) => isOwnedBy(replicaSet, workload))];
  return makers.some((maker) => isOwnedBy(pod, maker));
}

const REVISION = 'deployment.kubernetes.io/revision';
const updateRevision = z.looseObject({ status: z.looseObject({ updateRevision: z.string().optional() }) });

/** The ReplicaSet of a Deployment's present version. */
export function presentReplicaSet(
  deployment: KubernetesObject,
  replicaSets: readonly KubernetesObject[],
): KubernetesObject | undefined {
  const revision = deployment.metadata.annotations?.[REVISION];
  return replicaSets.find(
    (candidate) => isOwnedBy(candidate, deployment) && candidate.metadata.annotations?.[REVISION] === revision,
  );
}

function isOwnedBy({ metadata }: KubernetesObject, owner: KubernetesObject): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) === true;
}

function aside(reason: string, known: readonly string[] = []): string {
  return reason === '' || known.includes(reason) ? '' : ` (${reason})`;
}

function after(message: string): string {
  return message === '' ? '' : `: ${firstLine(message)}`;
}
