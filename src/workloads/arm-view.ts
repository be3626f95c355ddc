import { serving, withImageTimeout } from '../apply/pod-states.ts';
import type { ArmHealth, PodProblem } from '../canary/ports.ts';
import type { KubernetesClient } from '../cluster/client.ts';
import { createInformer } from '../cluster/informer.ts';
import { isReady, type Pod, pod as podSchema } from '../cluster/pods.ts';
import { readObject } from '../cluster/read-object.ts';
import { describe, type ObjectReference, resources } from '../cluster/resources.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import { orAborted } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { isSluiceError, SluiceError } from '../core/errors.ts';
import { createCreationTroubles } from './creation-troubles.ts';
import { podsInSlices, slicesOf } from './endpoints.ts';
import { isSameVersion } from './image-version.ts';
import { type PodHistory, podTroubles, problemsOf, remember } from './pod-health.ts';
import {
  imagesOf,
  type PodTemplate,
  type Workload,
  type WorkloadKind,
  workload as workloadSchema,
  workloadType,
} from './workload.ts';

/** The workload of an arm, its pods and its Service. */
export interface ArmTarget {
  readonly kind: WorkloadKind;
  readonly name: string;
  /** Label selector that matches this arm's pods and no others. */
  readonly pods: string;
  /** The Service whose ready endpoints count; absent for an arm without a Service. */
  readonly service?: string | undefined;
}

/** One arm as it is now. */
export interface ArmSight {
  /** Absent if the workload does not exist. */
  readonly workload: Workload | undefined;
  readonly pods: readonly Pod[];
  /** Problems of its pods that may pass, and do not count yet. */
  readonly troubles: readonly PodProblem[];
  readonly health: ArmHealth;
}

/** Follows one arm's workload, pods and endpoints by watches. */
export interface ArmView {
  look(signal: AbortSignal): Promise<ArmSight>;
  /**
   * Looks again at every change until `done` returns a value.
   *
   * @throws SluiceError `not-ready` at once for pods that can't recover; else the signal's reason. Where that is `not-ready` as
   *   well, what was last seen is added
   */
  until<T>(done: (sight: ArmSight) => T | undefined, signal: AbortSignal): Promise<T>;
}

/** Milliseconds after which the arm is looked at even without an event: some problems depend on time alone. */
const LOOK_INTERVAL = 1_000;

export interface ArmViewOptions {
  readonly client: Pick<KubernetesClient, 'reflect' | 'list'>;
  readonly namespace: string;
  readonly target: ArmTarget;
  readonly clock: Clock;
  /** Ends the watches. */
  readonly lifetime: AbortSignal;
  /** How long to wait for an image that the registry does not have yet, in milliseconds. */
  readonly imageTimeout?: number | undefined;
}

export function createArmView(options: ArmViewOptions): ArmView {
  const { client, namespace, target, clock, lifetime, imageTimeout = 0 } = options;
  const policy = withImageTimeout(serving, imageTimeout);
  const histories = new Map<string, PodHistory>();
  const creation = createCreationTroubles(options, policy);
  let change = Promise.withResolvers<void>();

  function changed(): void {
    change.resolve();
    change = Promise.withResolvers();
  }
  function rememberPods(objects: readonly KubernetesObject[]): void {
    for (const pod of objects.map((object) => readObject(object, podSchema))) {
      const key = pod.metadata.uid ?? pod.metadata.name;
      histories.set(key, remember(histories.get(key), pod, clock.now()));
    }
    changed();
  }
  const of = (type: ObjectReference['type'], selector: { labelSelector: string } | { fieldSelector: string }) => ({
    type,
    namespace,
    selector,
  });
  const byName = of(workloadType(target.kind), { fieldSelector: `metadata.name=${target.name}` });
  const bySelector = of(resources.pod, { labelSelector: target.pods });
  const byService = of(resources.endpointSlice, slicesOf(target.service ?? ''));
  const workloads = createInformer(client, byName, lifetime, changed);
  const pods = createInformer(client, bySelector, lifetime, rememberPods);
  const slices = createInformer(client, byService, lifetime, changed);

  async function look(signal: AbortSignal): Promise<ArmSight> {
    const [[foundWorkload], foundPods, foundSlices] = await Promise.all([
      workloads.objects(signal),
      pods.objects(signal),
      target.service === undefined ? undefined : slices.objects(signal),
    ]);
    const workload = foundWorkload && readObject(foundWorkload, workloadSchema);
    const seen = foundPods.map((object) => readObject(object, podSchema));
    // Without its workload, an arm counts as not ready.
    if (!workload) return { workload, pods: seen, troubles: [], health: { desired: 1, ready: 0, problems: [] } };
    const reachable = foundSlices ? podsInSlices(foundSlices, seen) : seen;
    const ready = reachable.filter(isReady).length;
    const desired = workload.spec.replicas;
    const now = clock.now();
    const troubles = [
      await creation.troubles(workload, seen, signal),
      ...seen
        .filter((pod) => !isBeingReplaced(pod, workload))
        .map((pod) => podTroubles(pod, historyOf(pod), ready > 0, policy)),
    ];
    const problems = troubles.flatMap((ofPod) => problemsOf(ofPod, now));
    const passing = troubles.flat().filter(({ due }) => due > now);
    return { workload, pods: seen, troubles: passing, health: { desired, ready, problems } };
  }

  function historyOf(pod: Pod): PodHistory {
    return histories.get(pod.metadata.uid ?? pod.metadata.name) ?? remember(undefined, pod, clock.now());
  }

  async function until<T>(done: (sight: ArmSight) => T | undefined, signal: AbortSignal): Promise<T> {
    let last: ArmSight | undefined;
    try {
      for (;;) {
        const next = change.promise;
        last = await look(signal);
        const result = done(last);
        if (result !== undefined) return result;
        const [problem] = last.health.problems.filter(({ reason }) => reason !== 'Unready');
        if (problem) throw beyondRecovery(problem, namespace);
        await nextLook(next, signal);
      }
    } catch (error) {
      if (!signal.aborted || !isSluiceError(error, 'not-ready') || !last) throw error;
      const { about, problem, next } = error;
      throw new SluiceError('not-ready', { about, problem: `${problem} ${describeSight(last)}`, next, cause: error });
    }
  }

  async function nextLook(next: Promise<void>, signal: AbortSignal): Promise<void> {
    const turn = new AbortController();
    const time = clock.sleep(LOOK_INTERVAL, AbortSignal.any([turn.signal, signal]));
    try {
      await orAborted(Promise.race([next, time]), signal);
    } finally {
      turn.abort();
      // `sleep` was aborted because a look is due: this rejection is expected.
      time.catch(() => undefined);
    }
  }

  return { look, until };
}

/** Whether a pod is of an earlier template and the controller is about to remove it, with its problems. */
function isBeingReplaced(pod: Pod, { spec, status }: Workload): boolean {
  if (status.updatedReplicas >= spec.replicas && status.replicas <= status.updatedReplicas) return false;
  return !runsTemplate(pod, spec.template);
}

/** Whether the pod was made from containers with these images. An injected sidecar does not count. */
function runsTemplate(pod: Pod, template: PodTemplate): boolean {
  const images = imagesOf(template);
  return pod.spec.containers.every(({ name, image }) => {
    const wanted = images.get(name);
    return wanted === undefined || isSameVersion(image, wanted);
  });
}

function describeSight({ workload, health, troubles }: ArmSight): string {
  if (!workload) return 'It does not exist.';
  const problems = [...health.problems, ...troubles].map(
    ({ pod, reason, message }) => ` Pod ${pod}: ${reason} (${message}).`,
  );
  return `${health.ready} of ${health.desired} pods are ready.${problems.join('')}`;
}

function beyondRecovery({ pod, container, reason, message }: PodProblem, namespace: string): SluiceError {
  const inContainer = container === undefined ? '' : `, container ${container}`;
  const logs = `kubectl -n ${namespace} logs ${pod}${container === undefined ? '' : ` -c ${container}`} --previous`;
  return new SluiceError('not-ready', {
    about: `${describe({ type: resources.pod, namespace, name: pod })}${inContainer}`,
    problem: `${reason}${message === '' ? '' : ` (${message})`}.`,
    next: /CrashLoop|OOM|Restarted|RunContainer/.test(reason)
      ? `Look at its last words: ${logs}`
      : `Look at its events: kubectl -n ${namespace} describe pod ${pod}`,
  });
}
