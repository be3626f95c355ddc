import { createInformer, type Informer } from '../cluster/informer.ts';
import { isEnding, isReady, type Pod, pod as podSchema } from '../cluster/pods.ts';
import { readObject } from '../cluster/read-object.ts';
import { type ObjectReference, type ResourceType, resources } from '../cluster/resources.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import { firstLine } from '../core/text.ts';
import { createEndedJobs } from './ended-jobs.ts';
import {
  isMadeBy,
  lastSeen,
  type PodProgress,
  podProgressOf,
  podsOf,
  presentReplicaSet,
  type WarningEvent,
  warningEvent,
} from './pod-progress.ts';
import { starting } from './pod-states.ts';
import { creationProblem, type Progress, progressOf } from './progress.ts';
import type { WaitOptions } from './wait-options.ts';
import { keyOf, namespacesWithPods, sourcesOf } from './watch-list.ts';

/** Warnings that do not keep a pod from getting ready. */
const harmless = new Set(['MissingClusterDNS', 'DNSConfigForming']);

/** The state of an object at one moment, with its pods and warnings. */
export interface Sight {
  readonly reference: ObjectReference;
  readonly progress: Progress;
  readonly pods: readonly PodProgress[];
  /** Warnings about the object itself, and about the ReplicaSet that creates its pods. */
  readonly warnings: readonly WarningEvent[];
  readonly warningsOf: (pod: string) => readonly WarningEvent[];
}

export interface View {
  look(signal: AbortSignal): Promise<Sight[]>;
  /** When to look again, even if nothing changes; in milliseconds since the Unix epoch. */
  next(): number;
}

/** Creates a view that looks at all objects together. */
export function createView(
  { client, references, clock, maxRestarts = starting.maxRestarts, written = [] }: WaitOptions,
  lifetime: AbortSignal,
  changed: () => void,
): View {
  const jobs = createEndedJobs({ client, clock });
  jobs.remember(written.filter(({ kind }) => kind === 'Job'));
  const informers = new Map<string, Informer>(
    sourcesOf(references).map(({ type, namespace, fieldSelector }) => {
      const selector = fieldSelector === undefined ? {} : { fieldSelector };
      const noticed = (objects: readonly KubernetesObject[]) => {
        if (type.kind === 'Job') jobs.remember(objects);
        changed();
      };
      return [keyOf(type, namespace), createInformer(client, { type, namespace, selector }, lifetime, noticed)];
    }),
  );
  let oldWarnings: ReadonlyMap<string, string> | undefined;

  async function known(type: ResourceType, namespace: string, signal: AbortSignal): Promise<KubernetesObject[]> {
    return (await informers.get(keyOf(type, namespace))?.objects(signal)) ?? [];
  }

  /** Whether a warning is unchanged since the first look, and so is about the state before. */
  function isOld({ metadata }: WarningEvent): boolean {
    return oldWarnings?.get(metadata.name) === (metadata.resourceVersion ?? '');
  }

  async function look(signal: AbortSignal): Promise<Sight[]> {
    const namespaces = await Promise.all(
      namespacesWithPods(references).map(async (namespace) => {
        const [pods, replicaSets, events] = await Promise.all([
          known(resources.pod, namespace, signal),
          known(resources.replicaSet, namespace, signal),
          known(resources.event, namespace, signal),
        ]);
        const warnings = events
          .map((event) => readObject(event, warningEvent))
          .filter(({ reason }) => !harmless.has(reason))
          .toSorted((a, b) => (lastSeen(a) < lastSeen(b) ? -1 : 1));
        return [namespace, { pods: pods.map((pod) => readObject(pod, podSchema)), replicaSets, warnings }] as const;
      }),
    );
    const around = new Map(namespaces);
    oldWarnings ??= new Map(
      [...around.values()].flatMap(({ warnings }) =>
        warnings.map(({ metadata }) => [metadata.name, metadata.resourceVersion ?? ''] as const),
      ),
    );
    return Promise.all(
      references.map(async (reference) => {
        const objects = await known(reference.type, reference.namespace, signal);
        const object = objects.find(({ metadata }) => metadata.name === reference.name);
        const beside = around.get(reference.namespace);
        const ended = object ? undefined : await jobs.progress(reference, signal);
        if (ended) return { reference, progress: ended, pods: [], warnings: [], warningsOf: () => [] };
        return sightOf(reference, object, beside ?? { pods: [], replicaSets: [], warnings: [] }, {
          isOld,
          maxRestarts,
          now: clock.now(),
        });
      }),
    );
  }

  return { look, next: jobs.next };
}

interface Around {
  readonly pods: readonly Pod[];
  readonly replicaSets: readonly KubernetesObject[];
  readonly warnings: readonly WarningEvent[];
}

/** The rules for judging an object. */
interface Judgement {
  readonly isOld: (warning: WarningEvent) => boolean;
  readonly maxRestarts: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

function sightOf(
  reference: ObjectReference,
  object: KubernetesObject | undefined,
  { pods, replicaSets, warnings }: Around,
  { isOld, maxRestarts, now }: Judgement,
): Sight {
  const warningsOf = (name: string) =>
    warnings.filter(({ involvedObject }) => involvedObject.kind === 'Pod' && involvedObject.name === name);
  if (!object) {
    const progress = { state: 'failed', text: 'was deleted by somebody in the meantime' } as const;
    return { reference, progress, pods: [], warnings: [], warningsOf };
  }
  const present = podsOf(object, pods, replicaSets);
  const progress = progressOf(object, present.filter(isReady).length);
  if (progress.state === 'done') return { reference, progress, pods: [], warnings: [], warningsOf };
  // A Job counts its attempts itself.
  const patience = { maxRestarts: object.kind === 'Job' ? Number.POSITIVE_INFINITY : maxRestarts };
  const makers = [object, ...(object.kind === 'Deployment' ? [presentReplicaSet(object, replicaSets)] : [])];
  const about = warnings.filter(
    (warning) => makers.some((maker) => maker?.metadata.uid === warning.involvedObject.uid) && !isOld(warning),
  );
  const failure = about.findLast(({ reason }) => reason === 'FailedCreate');
  const found = progress.problem ?? (failure && creationProblem(failure.reason, firstLine(failure.message)));
  const makesRoom = pods.some((pod) => isMadeBy(pod, object, replicaSets) && isEnding(pod, now));
  const problem = found && { ...found, isPassing: found.state === 'no-room' && makesRoom };
  return {
    reference,
    progress: { ...progress, ...(progress.state === 'waiting' && problem && { problem }) },
    pods: present.map((pod) => podProgressOf(pod, warningsOf(pod.metadata.name), patience)),
    warnings: about,
    warningsOf,
  };
}
