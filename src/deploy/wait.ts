import { isSluiceError, messageOf, SluiceError } from '../canary/errors.ts';
import type { Clock, Permission } from '../canary/ports.ts';
import type { KubernetesClient, KubernetesObject } from '../kubernetes/client.ts';
import { createMirror, type Mirror } from '../kubernetes/mirror.ts';
import { permissionTo } from '../kubernetes/permissions.ts';
import { isReady, type Pod, pod as podSchema } from '../kubernetes/pods.ts';
import { apiGroup, describe, type ObjectReference, type ResourceType, resources } from '../kubernetes/resources.ts';
import { excerpt } from '../text.ts';
import { createEndedJobs } from './ended-jobs.ts';
import type { Stuck, StuckPod, WaitEvent } from './events.ts';
import {
  firstLine,
  lastSeen,
  type PodProgress,
  podProgressOf,
  podsOf,
  presentReplicaSet,
  type WarningEvent,
  warningEvent,
} from './pod-progress.ts';
import { creationProblem, type Problem, type Progress, progressOf } from './progress.ts';

export interface WaitOptions {
  readonly client: KubernetesClient;
  readonly references: readonly ObjectReference[];
  readonly clock: Clock;
  /** When to give up, in milliseconds since the epoch. */
  readonly deadline: number;
  readonly emit: (event: WaitEvent) => void;
  /** Restarts of a container that starting may take; default 3. */
  readonly maxRestarts?: number;
  /** Objects as they were just written: a Job among them may be gone before the first look. */
  readonly written?: readonly KubernetesObject[];
}

/** Milliseconds that a pod may take for an ordinary step before it is worth a line. */
const ORDINARY = 15_000;
/** Milliseconds between two looks while the API server does not answer. */
const RETRY = 1_000;
/** Milliseconds to read a container's log: its node may be the very problem. */
const LOG_PATIENCE = 5_000;
const LOG_LINES = 20;
/** Characters of one of them that are shown: whoever writes them must not keep the release busy with it. */
const MOST_OF_LINE = 2_000;
/** Pods of one workload that fail alike; more of them say nothing new. */
const MOST_PODS = 3;
const MOST_EVENTS = 5;

/** Warnings that keep no pod from getting ready. */
const harmless = new Set(['MissingClusterDNS', 'DNSConfigForming']);

/** Kinds that have pods, which tell why they are not ready. */
const withPods = new Set([
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'Job',
  'Pod',
]);

const settledKinds = new Set([
  '/ConfigMap',
  '/Secret',
  '/ServiceAccount',
  '/ResourceQuota',
  '/LimitRange',
  'batch/CronJob',
]);
const settledGroups = new Set([
  'admissionregistration.k8s.io',
  'autoscaling',
  'discovery.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
]);

/** Those that are not done as soon as they are there. The others need not be watched: nobody needs the right to list Secrets. */
export function waitedFor(references: readonly ObjectReference[]): ObjectReference[] {
  return references.filter(({ type }) => {
    const group = apiGroup(type);
    return !settledGroups.has(group) && !settledKinds.has(`${group}/${type.kind}`);
  });
}

/** The rights that waiting for these objects takes. */
export function waitPermissions(all: readonly ObjectReference[]): Permission[] {
  const references = waitedFor(all);
  return [
    ...sourcesOf(references).map(({ type, namespace }) => permissionTo(['get', 'list', 'watch'], type, namespace)),
    ...namespacesWithPods(references).map((namespace) => ({
      ...permissionTo(['get'], resources.pod, namespace),
      subresource: 'log',
    })),
  ];
}

/** An object as it is at one moment, with what tells about it. */
interface Sight {
  readonly reference: ObjectReference;
  readonly progress: Progress;
  readonly pods: readonly PodProgress[];
  /** Warnings about the object itself and what makes its pods. */
  readonly warnings: readonly WarningEvent[];
  readonly warningsOf: (pod: string) => readonly WarningEvent[];
}

/**
 * Waits until every object is done: workloads are rolled out, Jobs complete, claims bound, custom resources ready. Watches,
 * and tells each change once.
 *
 * @throws SluiceError `not-ready` at the deadline, and as soon as no waiting can help: with pods, reasons, warnings, last lines
 */
export async function waitUntilRolledOut(given: WaitOptions, signal: AbortSignal): Promise<void> {
  const options = { ...given, references: waitedFor(given.references) };
  const { client, references, clock, deadline, emit } = options;
  if (references.length === 0) return;
  const over = new AbortController();
  const lifetime = AbortSignal.any([signal, over.signal]);
  let change = Promise.withResolvers<void>();
  const view = createView(options, lifetime, () => change.resolve());
  const teller = createTeller(options, signal);
  const patience = createPatience(clock);
  try {
    for (;;) {
      // Before the look: what changes during it is not missed.
      change = Promise.withResolvers<void>();
      const sights = await look();
      if (sights) {
        await teller.tell(sights);
        const open = sights.filter(({ progress }) => progress.state !== 'done');
        if (open.length === 0) return;
        const hopeless = patience.hopeless(open);
        if (hopeless.length > 0) throw await giveUp(hopeless, options, signal);
        if (clock.now() >= deadline) throw await giveUp(open.map(outOfTime), options, signal);
        await wakeUp(Math.min(deadline, patience.end(), teller.next(), view.next()));
      } else {
        if (clock.now() >= deadline) throw unanswered(client.server);
        await clock.sleep(RETRY, signal);
      }
    }
  } finally {
    over.abort();
  }

  /** @returns undefined while the API server does not answer */
  async function look(): Promise<Sight[] | undefined> {
    try {
      return await view.look(signal);
    } catch (error) {
      if (!isSluiceError(error, 'unreachable')) throw error;
      emit({ type: 'unreachable', at: clock.now(), text: error.message });
      return undefined;
    }
  }

  async function wakeUp(at: number): Promise<void> {
    const awake = new AbortController();
    const alarm = clock.sleep(Math.max(0, at - clock.now()), AbortSignal.any([signal, awake.signal]));
    try {
      await Promise.race([change.promise, alarm]);
    } finally {
      awake.abort();
      // Who lost the race is not waited for.
      alarm.catch(() => undefined);
    }
  }
}

interface Source {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly fieldSelector?: string;
}

/** What is watched: each kind once a namespace, and what tells why a workload is not ready. */
function sourcesOf(references: readonly ObjectReference[]): Source[] {
  const kinds = Map.groupBy(references, ({ type, namespace }) => keyOf(type, namespace));
  const asked = [...kinds.values()].flatMap(([first, ...rest]): Source[] => {
    if (!first) return [];
    const { type, namespace, name } = first;
    return [{ type, namespace, ...(rest.length === 0 && { fieldSelector: `metadata.name=${name}` }) }];
  });
  const around = namespacesWithPods(references).flatMap((namespace): Source[] => [
    { type: resources.pod, namespace },
    { type: resources.event, namespace, fieldSelector: 'type=Warning' },
    ...(references.some(({ type, namespace: own }) => type.kind === 'Deployment' && own === namespace)
      ? [{ type: resources.replicaSet, namespace }]
      : []),
  ]);
  // Where all pods are watched anyway, one of them is not watched once more.
  const whole = new Set(around.map(({ type, namespace }) => keyOf(type, namespace)));
  return [...asked.filter(({ type, namespace }) => !whole.has(keyOf(type, namespace))), ...around];
}

function namespacesWithPods(references: readonly ObjectReference[]): string[] {
  return [...new Set(references.filter(({ type }) => withPods.has(type.kind)).map(({ namespace }) => namespace))];
}

function keyOf(type: ResourceType, namespace: string): string {
  return `${type.apiVersion} ${type.plural} ${namespace}`;
}

interface View {
  look(signal: AbortSignal): Promise<Sight[]>;
  /** When to look again, whether something changes or not. */
  next(): number;
}

/** Looks at all objects at once. */
function createView(
  { client, references, clock, maxRestarts = 3, written = [] }: WaitOptions,
  lifetime: AbortSignal,
  changed: () => void,
): View {
  const jobs = createEndedJobs({ client, clock });
  jobs.remember(written.filter(({ kind }) => kind === 'Job'));
  const mirrors = new Map<string, Mirror>(
    sourcesOf(references).map(({ type, namespace, fieldSelector }) => {
      const selector = fieldSelector === undefined ? {} : { fieldSelector };
      const noticed = (objects: readonly KubernetesObject[]) => {
        if (type.kind === 'Job') jobs.remember(objects);
        changed();
      };
      return [keyOf(type, namespace), createMirror(client, { type, namespace, selector }, lifetime, noticed)];
    }),
  );
  let oldWarnings: ReadonlyMap<string, string> | undefined;

  async function known(type: ResourceType, namespace: string, signal: AbortSignal): Promise<KubernetesObject[]> {
    return (await mirrors.get(keyOf(type, namespace))?.objects(signal)) ?? [];
  }

  /** Warnings of the time before, about what was before. */
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
          .map((event) => warningEvent.parse(event))
          .filter(({ reason }) => !harmless.has(reason))
          .toSorted((a, b) => (lastSeen(a) < lastSeen(b) ? -1 : 1));
        return [namespace, { pods: pods.map((pod) => podSchema.parse(pod)), replicaSets, warnings }] as const;
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
        return sightOf(reference, object, beside ?? { pods: [], replicaSets: [], warnings: [] }, isOld, maxRestarts);
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

function sightOf(
  reference: ObjectReference,
  object: KubernetesObject | undefined,
  { pods, replicaSets, warnings }: Around,
  isOld: (warning: WarningEvent) => boolean,
  maxRestarts: number,
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
  // A Job counts the attempts by itself.
  const patience = { maxRestarts: object.kind === 'Job' ? Number.POSITIVE_INFINITY : maxRestarts };
  const makers = [object, ...(object.kind === 'Deployment' ? [presentReplicaSet(object, replicaSets)] : [])];
  const about = warnings.filter(
    (warning) => makers.some((maker) => maker?.metadata.uid === warning.involvedObject.uid) && !isOld(warning),
  );
  const failure = about.findLast(({ reason }) => reason === 'FailedCreate');
  const problem = progress.problem ?? (failure && creationProblem(failure.reason, firstLine(failure.message)));
  return {
    reference,
    progress: { ...progress, ...(progress.state === 'waiting' && problem && { problem }) },
    pods: present.map((pod) => podProgressOf(pod, warningsOf(pod.metadata.name), patience)),
    warnings: about,
    warningsOf,
  };
}

/** Tells each change once, and what lasts. */
function createTeller({ client, clock, emit }: WaitOptions, signal: AbortSignal) {
  let seen = new Map<string, { readonly text: string; readonly since: number; readonly told: boolean }>();
  const crashesTold = new Set<string>();
  const logsUnread = new Set<string>();
  let next = Number.POSITIVE_INFINITY;

  /** True at the first time that a text is to be told; an ordinary one is when it lasts. */
  function isNews(
    now: Map<string, { text: string; since: number; told: boolean }>,
    key: string,
    text: string,
    ordinary: boolean,
  ) {
    const before = seen.get(key);
    const since = before?.text === text ? before.since : clock.now();
    const due = ordinary ? since + ORDINARY : since;
    const was = before?.text === text && before.told;
    const told = was || clock.now() >= due;
    if (!told) next = Math.min(next, due);
    now.set(key, { text, since, told });
    return told && !was;
  }

  async function tellCrash({ reference }: Sight, { pod, crash }: PodProgress): Promise<void> {
    if (!crash) return;
    // Pods of one workload crash alike.
    const key = `${describe(reference)} ${crash.container}`;
    // Asked for again at the next crash: its container may just have been replaced, or its node had no time.
    const log = [pod, ...Object.values(crash)].join(' ');
    if (crashesTold.has(key) || logsUnread.has(log)) return;
    const { lines, problem } = await lastLines(client, { ...reference, type: resources.pod, name: pod }, crash, signal);
    if (problem !== undefined) logsUnread.add(log);
    if (lines.length === 0) return;
    crashesTold.add(key);
    emit({ type: 'last-lines', at: clock.now(), pod, container: crash.container, lines });
  }

  return {
    async tell(sights: readonly Sight[]): Promise<void> {
      next = Number.POSITIVE_INFINITY;
      const now = new Map<string, { text: string; since: number; told: boolean }>();
      for (const sight of sights) {
        const object = describe(sight.reference);
        const { state, text, problem } = sight.progress;
        const whole = problem ? `${text}; ${problem.reason}: ${firstLine(problem.message)}` : text;
        // What has failed is told with all that is known of it.
        if (text !== '' && state !== 'failed' && isNews(now, object, `${state} ${whole}`, false)) {
          emit({ type: 'progress', at: clock.now(), object, state, text: whole });
        }
        for (const pod of sight.pods) {
          // That a pod is ready stands in its workload's numbers.
          if (pod.ready) continue;
          if (isNews(now, `${object} ${pod.pod}`, pod.text, pod.ordinary)) {
            emit({ type: 'pod', at: clock.now(), object, pod: pod.pod, ready: pod.ready, text: pod.text });
          }
          await tellCrash(sight, pod);
        }
      }
      seen = now;
    },
    /** When something that lasts is to be told. */
    next: () => next,
  };
}

interface Hopeless {
  readonly sight: Sight;
  readonly text: string;
}

/** Counts for how long each problem has been seen, by this process's own clock. */
function createPatience(clock: Clock) {
  let since = new Map<string, number>();
  let end = Number.POSITIVE_INFINITY;
  return {
    /** The objects that no further waiting helps. */
    hopeless(sights: readonly Sight[]): Hopeless[] {
      end = Number.POSITIVE_INFINITY;
      const now = new Map<string, number>();
      const found = sights.flatMap((sight): Hopeless[] => {
        if (sight.progress.state === 'failed') return [{ sight, text: sight.progress.text }];
        const over = problemsOf(sight).flatMap(({ key, problem, text }) => {
          const begun = since.get(key) ?? clock.now();
          now.set(key, begun);
          if (clock.now() >= begun + problem.patience) return [text];
          end = Math.min(end, begun + problem.patience);
          return [];
        });
        return over[0] === undefined ? [] : [{ sight, text: over[0] }];
      });
      since = now;
      return found;
    },
    /** When the next patience ends. */
    end: () => end,
  };
}

function problemsOf({ reference, progress, pods }: Sight): { key: string; problem: Problem; text: string }[] {
  const object = describe(reference);
  const own = progress.problem;
  return [
    ...(own
      ? [
          {
            key: `${object} ${own.reason}`,
            problem: own,
            text: `can't make its pods (${own.reason}): ${firstLine(own.message)}`,
          },
        ]
      : []),
    ...pods.flatMap(({ pod, problem }) =>
      problem ? [{ key: `${object} ${pod} ${problem.reason}`, problem, text: `pod ${pod} ${problem.message}` }] : [],
    ),
  ];
}

function outOfTime(sight: Sight): Hopeless {
  const pod = sight.pods.find(({ ready, ordinary }) => !ready && !ordinary) ?? sight.pods.find(({ ready }) => !ready);
  const { progress } = sight;
  const own = progress.problem ? `; ${progress.problem.reason}: ${firstLine(progress.problem.message)}` : '';
  return { sight, text: `was not ready in time: ${progress.text}${own}${pod ? `; pod ${pod.pod} ${pod.text}` : ''}` };
}

/** Gathers all that tells why, for the log and for the error. */
async function giveUp(
  hopeless: readonly Hopeless[],
  { client, clock, emit }: WaitOptions,
  signal: AbortSignal,
): Promise<SluiceError> {
  const objects = await Promise.all(
    hopeless.map(async ({ sight, text }): Promise<Stuck> => {
      const failing = sight.pods.filter(({ ready }) => !ready).toSorted((a, b) => severity(b) - severity(a));
      const pods = await Promise.all(failing.slice(0, MOST_PODS).map((pod) => stuckPod(client, sight, pod, signal)));
      return {
        object: describe(sight.reference),
        text,
        next: adviceFor(sight, failing[0]),
        events: eventLines(sight.warnings),
        pods,
      };
    }),
  );
  emit({ type: 'stuck', at: clock.now(), objects });
  const [first] = objects;
  const others = objects.slice(1).map(({ object, text }) => `\n${object}: ${text}.`);
  const lines = objects.flatMap(({ pods }) => pods.flatMap((pod) => pod.lines)).slice(-LOG_LINES);
  const said = lines.length === 0 ? '' : ` Its last lines:\n${lines.map((line) => `  | ${line}`).join('\n')}\n`;
  return new SluiceError('not-ready', {
    about: first?.object ?? '',
    problem: `${first?.text ?? ''}.${others.join('')}${said}`,
    next: first?.next ?? '',
  });
}

function severity({ problem, crash, ordinary }: PodProgress): number {
  return problem?.patience === 0 ? 4 : problem ? 3 : crash ? 2 : ordinary ? 0 : 1;
}

async function stuckPod(
  client: KubernetesClient,
  { reference, warningsOf }: Sight,
  { pod, text, crash }: PodProgress,
  signal: AbortSignal,
): Promise<StuckPod> {
  const target = { ...reference, type: resources.pod, name: pod };
  const { lines, problem } = crash ? await lastLines(client, target, crash, signal) : { lines: [] };
  const shown = problem === undefined ? lines : [`(its log can't be read: ${problem})`];
  return { pod, text, events: eventLines(warningsOf(pod)), lines: shown };
}

function eventLines(warnings: readonly WarningEvent[]): string[] {
  const lines = warnings.map(({ reason, message, count }) => {
    const times = (count ?? 1) > 1 ? ` (${count} times)` : '';
    return `${reason}${times}: ${firstLine(message)}`;
  });
  return [...new Set(lines)].slice(-MOST_EVENTS);
}

interface LastLines {
  readonly lines: readonly string[];
  /** Why its log can't be read. */
  readonly problem?: string;
}

/** What a container wrote last. That its log can't be read must not hide why it is asked for. */
async function lastLines(
  client: KubernetesClient,
  pod: ObjectReference,
  { container, previous }: { readonly container: string; readonly previous: boolean },
  signal: AbortSignal,
): Promise<LastLines> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(LOG_PATIENCE)]);
  try {
    const text = await client.log(pod, { container, previous, lines: LOG_LINES }, patience);
    const lines = text.trimEnd().split('\n');
    return { lines: lines.filter((line) => line !== '').map((line) => excerpt(line, MOST_OF_LINE)) };
  } catch (error) {
    signal.throwIfAborted();
    return { lines: [], problem: firstLine(messageOf(error)) };
  }
}

function adviceFor({ reference, progress, pods }: Sight, failing: PodProgress | undefined): string {
  if (progress.problem && /exceeded quota/.test(progress.problem.message)) {
    return 'Ask for less, or raise the ResourceQuota; pods of the former version count as well while they are replaced.';
  }
  if (failing?.problem?.reason === 'image') {
    return "Check the image's name and tag, that it was pushed, and the pull secret of the pod's service account.";
  }
  if (failing?.crash || failing?.problem?.reason === 'crash') return 'Correct what the last lines say, and run again.';
  if (failing?.problem?.reason === 'Unschedulable') return 'Give the pods less to ask for, or the cluster more nodes.';
  if (failing?.problem) return 'Create what the message says is missing, and run again.';
  if (reference.type.kind === 'Job' && /an end that nobody saw/.test(progress.text)) {
    return 'Look in its logs how it has ended, and give it a longer ttlSecondsAfterFinished; then run again.';
  }
  if (reference.type.kind === 'Job')
    return 'Correct what the Job does, and give it another name: a Job can not run twice.';
  if (pods.length > 0) return 'Look at what the pod waits for; if it only needs more time, give a longer "timeout".';
  return 'Look at its status and events; if it only needs more time, give a longer "timeout".';
}

function unanswered(server: string): SluiceError {
  return new SluiceError('not-ready', {
    about: `Kubernetes API server ${server}`,
    problem: 'did not answer until the deadline, so nobody saw whether the objects got ready.',
    next: 'Check that the cluster is reachable from this runner, and run again.',
  });
}
