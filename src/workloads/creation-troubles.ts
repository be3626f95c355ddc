import * as z from 'zod';
import { creationState, type ServingPolicy } from '../apply/pod-states.ts';
import { isEnding, type Pod } from '../cluster/pods.ts';
import { readObject } from '../cluster/read-object.ts';
import { resources } from '../cluster/resources.ts';
import type { ArmViewOptions } from './arm-view.ts';
import type { PodTrouble } from './pod-health.ts';
import type { Workload } from './workload.ts';

const event = z.looseObject({
  message: z.string().default(''),
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
});

/** Milliseconds for which a warning event of a StatefulSet counts: its controller repeats it as long as the problem lasts. */
const EVENT_AGE = 60_000;

/** Reports pods that a workload's controller can't create. */
export function createCreationTroubles(
  { client, namespace, clock }: Pick<ArmViewOptions, 'client' | 'namespace' | 'clock'>,
  policy: ServingPolicy,
) {
  /** Since when pod creation fails although no pod is terminating to make room, in milliseconds since the epoch. */
  let uncreatedSince: number | undefined;

  /** Pods that could not be created at all: a full quota, or an admission webhook that refuses. */
  async function troubles(workload: Workload, pods: readonly Pod[], signal: AbortSignal): Promise<PodTrouble[]> {
    const message = await creationFailure(workload, pods.length, signal);
    const now = clock.now();
    if (message === undefined) {
      uncreatedSince = undefined;
      return [];
    }
    const state = creationState(message);
    const makesRoom = state === 'no-room' && pods.some((pod) => isEnding(pod, now));
    uncreatedSince = makesRoom ? now : (uncreatedSince ?? now);
    const due = uncreatedSince + policy.patience[state];
    return [{ pod: `${workload.metadata.name}-…`, reason: 'FailedCreate', message, due }];
  }

  /** The controller's message about the last pod that it could not create. */
  async function creationFailure(workload: Workload, pods: number, signal: AbortSignal): Promise<string | undefined> {
    const { kind, metadata, status, spec } = workload;
    if (kind === 'Deployment') {
      const failure = status.conditions.find(({ type }) => type === 'ReplicaFailure');
      return failure?.status === 'True' ? failure.message : undefined;
    }
    if (pods >= spec.replicas || metadata.uid === undefined) return undefined;
    // A StatefulSet reports this only in events.
    const fieldSelector = `involvedObject.uid=${metadata.uid},reason=FailedCreate`;
    const events = (await client.list(resources.event, namespace, { fieldSelector }, signal)).map((object) =>
      readObject(object, event),
    );
    const recent = events.filter(
      (each) => clock.now() - Date.parse(each.lastTimestamp ?? each.eventTime ?? '') <= EVENT_AGE,
    );
    return recent.at(-1)?.message;
  }

  return { troubles };
}
