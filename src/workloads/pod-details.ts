import * as z from 'zod';
import type { PodDetails, PodProblem } from '../canary/ports.ts';
import type { KubernetesClient } from '../cluster/client.ts';
import { isReady, type Pod } from '../cluster/pods.ts';
import { readObject } from '../cluster/read-object.ts';
import { type ObjectReference, resources } from '../cluster/resources.ts';
import { messageOf } from '../core/errors.ts';
import type { Permission } from '../core/permission.ts';
import type { ArmSight } from './arm-view.ts';

/** The most pods that are reported: further ones tell nothing new. */
const MOST_PODS = 3;
const LOG_LINES = 20;
const MOST_EVENTS = 8;

const event = z.looseObject({
  type: z.string().default(''),
  reason: z.string().default(''),
  message: z.string().nullish(),
  count: z.number().nullish(),
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
});

/** The client, and the place of the pods. */
interface Asked {
  readonly client: Pick<KubernetesClient, 'log' | 'list'>;
  readonly namespace: string;
}

/** Optional rights: without them, logs and events are missing in the report, which says so. */
export function detailsPermissions(namespace: string): Permission[] {
  return [
    { apiGroup: '', resource: 'pods', subresource: 'log', verbs: ['get'], namespace, optional: true },
    { apiGroup: '', resource: 'events', verbs: ['list'], namespace, optional: true },
  ];
}

/**
 * Details of an arm's failing pods that are lost when the pods are deleted: exit codes, last log lines and events. Without
 * failing pods, takes those that are not ready. What can't be read is named, and is no error.
 */
export async function podDetails(
  context: Asked,
  { pods, health, troubles }: Pick<ArmSight, 'pods' | 'health' | 'troubles'>,
  signal: AbortSignal,
): Promise<PodDetails[]> {
  const named = [...health.problems, ...troubles].filter(
    ({ pod, container }, index, all) =>
      all.findIndex((other) => other.pod === pod && other.container === container) === index,
  );
  const unready = pods
    .filter((pod) => !isReady(pod) && pod.metadata.deletionTimestamp === undefined)
    .map((pod): PodProblem => ({ pod: pod.metadata.name, reason: 'Unready', message: 'is not ready' }));
  const worst = (named.length > 0 ? named : unready).slice(0, MOST_PODS);
  return Promise.all(
    worst.map((problem) => {
      const pod = pods.find(({ metadata }) => metadata.name === problem.pod);
      return detailsOf(context, problem, pod, signal);
    }),
  );
}

async function detailsOf(
  context: Asked,
  problem: PodProblem,
  pod: Pod | undefined,
  signal: AbortSignal,
): Promise<PodDetails> {
  // The controller could not create this pod.
  if (!pod) return { ...problem, lastLines: [], events: [], missing: [] };
  const container = problem.container ?? pod.spec.containers[0]?.name;
  const status = [...pod.status.initContainerStatuses, ...pod.status.containerStatuses].find(
    ({ name }) => name === container,
  );
  const exitCode = (status?.state.terminated ?? status?.lastState.terminated)?.exitCode;
  const hasRun = status !== undefined && (status.state.running ?? status.state.terminated ?? exitCode) !== undefined;
  const reference = { type: resources.pod, namespace: context.namespace, name: pod.metadata.name };
  // After a crash, the previous run has the log, unless the container is still down from its first run.
  const previous = status !== undefined && status.state.terminated === undefined && exitCode !== undefined;
  const [log, events] = await Promise.allSettled([
    hasRun && container !== undefined
      ? context.client.log(reference, { container, previous, lines: LOG_LINES }, signal)
      : '',
    eventsOf(context, reference, pod, signal),
  ]);
  return {
    ...problem,
    ...(container !== undefined && { container }),
    ...(exitCode !== undefined && { exitCode }),
    lastLines: log.status === 'fulfilled' ? log.value.split('\n').filter((line) => line.trim() !== '') : [],
    events: events.status === 'fulfilled' ? events.value : [],
    missing: [
      ...(log.status === 'rejected' ? [`its log can't be read: ${messageOf(log.reason)}`] : []),
      ...(events.status === 'rejected' ? [`its events can't be read: ${messageOf(events.reason)}`] : []),
    ],
  };
}

async function eventsOf(
  { client, namespace }: Asked,
  { name }: ObjectReference,
  { metadata }: Pod,
  signal: AbortSignal,
): Promise<string[]> {
  const uid = metadata.uid === undefined ? '' : `,involvedObject.uid=${metadata.uid}`;
  const fieldSelector = `involvedObject.name=${name}${uid}`;
  const found = (await client.list(resources.event, namespace, { fieldSelector }, signal)).map((object) =>
    readObject(object, event),
  );
  const at = ({ lastTimestamp, eventTime }: z.infer<typeof event>) => Date.parse(lastTimestamp ?? eventTime ?? '') || 0;
  return found
    .toSorted((a, b) => at(a) - at(b))
    .slice(-MOST_EVENTS)
    .map(({ reason, message, count }) => `${reason}: ${message ?? ''}${(count ?? 1) > 1 ? ` (${count} times)` : ''}`);
}
