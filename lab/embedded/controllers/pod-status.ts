import { type JsonRecord, type KubeObject, recordOf, timestamp } from '../api-server/objects.ts';
import type { Image } from '../images.ts';
import { condition } from './cluster.ts';
import type { ContainerView } from './views.ts';

export interface Termination {
  readonly exitCode: number;
  readonly reason: string;
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** The state of the main container. */
export type ContainerState =
  | { readonly waiting: string; readonly message?: string }
  | { readonly terminated: Termination }
  | { readonly runningSince: number; readonly ready: boolean };

interface PodState {
  /** The image, once it was pulled. */
  readonly image: Image | undefined;
  readonly restarts: number;
  readonly last: Termination | undefined;
  readonly startedAt: number;
  readonly now: number;
}

/** The status of a pod as the kubelet reports it. Sidecars have the state of the main container. */
export function podStatus(
  pod: KubeObject,
  containers: readonly ContainerView[],
  state: ContainerState & PodState,
): JsonRecord {
  const before = recordOf(pod.status);
  const conditions = Array.isArray(before.conditions) ? before.conditions.map(recordOf) : [];
  const started = 'runningSince' in state || before.podIP !== undefined;
  const ready = 'runningSince' in state && state.ready;
  const say = (type: string, holds: boolean) =>
    condition(conditions, type, holds, holds ? '' : 'ContainersNotReady', holds ? '' : unready(containers), state.now);
  return {
    phase: started ? 'Running' : 'Pending',
    conditions: [
      say('PodScheduled', true),
      say('Initialized', true),
      say('ContainersReady', ready),
      say('Ready', ready),
    ].map(({ reason, message, lastUpdateTime: _, ...rest }) => ({
      ...rest,
      ...(reason !== '' && { reason, message }),
    })),
    hostIP: '127.0.0.1',
    startTime: timestamp(state.startedAt),
    ...(started && { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] }),
    containerStatuses: containers.map((container, index) => containerStatus(container, index === 0, state)),
    observedGeneration: pod.metadata.generation,
  };
}

function containerStatus(
  { name, image }: ContainerView,
  isMain: boolean,
  state: ContainerState & PodState,
): JsonRecord {
  return {
    name,
    image,
    imageID: (isMain && state.image?.id) || '',
    ready: 'runningSince' in state && state.ready,
    started: 'runningSince' in state,
    restartCount: isMain ? state.restarts : 0,
    state: currentState(state),
    lastState: isMain && state.last !== undefined ? { terminated: state.last } : {},
  };
}

function currentState(state: ContainerState): JsonRecord {
  if ('runningSince' in state) return { running: { startedAt: timestamp(state.runningSince) } };
  if ('terminated' in state) return { terminated: state.terminated };
  const { waiting: reason, message } = state;
  return { waiting: { reason, ...(message !== undefined && { message }) } };
}

function unready(containers: readonly ContainerView[]): string {
  return `containers with unready status: [${containers.map(({ name }) => name).join(' ')}]`;
}
