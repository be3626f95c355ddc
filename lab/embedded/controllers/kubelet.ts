import { type KubeObject, recordOf, timestamp } from '../api-server/objects.ts';
import { portsAnnotation } from '../api-server/proxy.ts';
import type { Key } from '../api-server/registry.ts';
import { nodes, pods } from '../api-server/resources.ts';
import type { StoredEvent } from '../api-server/storage.ts';
import type { Image, ImageBehaviour, Images } from '../images.ts';
import { randomFor } from '../random.ts';
import { type DemoService, startService } from '../service.ts';
import { type Cluster, keyOf } from './cluster.ts';
import { type ContainerState, podStatus, type Termination } from './pod-status.ts';
import { isTerminating, podView } from './views.ts';

export interface KubeletOptions {
  readonly images: Images;
  readonly seed: number;
  readonly now: () => number;
  /** Milliseconds from start to ready, unless the image has its own value. */
  readonly readyAfter: number;
  /** Milliseconds of the first wait in CrashLoopBackOff; each further one is twice as long, up to eight times. */
  readonly crashBackOff: number;
  /** Milliseconds that a deleted pod goes on serving, as proxies learn of the deletion later. */
  readonly drain: number;
}

const options = { manager: 'kubelet' } as const;

/** The one node of the cluster. */
const node = 'embedded-node';

/**
 * Runs every pod of its node, and schedules those without one while it is not cordoned: one process (a socket) for its first container; further
 * containers only appear to run.
 */
export function startKubelet(cluster: Cluster, settings: KubeletOptions) {
  const running = new Map<string, RunningPod>();

  registerNode(cluster, settings);

  function onEvent({ type, resource, object }: StoredEvent): void {
    if (resource === nodes) for (const pod of running.values()) pod.schedule();
    if (resource !== pods) return;
    const { uid = '' } = object.metadata;
    if (type === 'ADDED' && isToRun(object)) {
      running.set(uid, runPod(cluster, object, settings));
    } else if (type === 'DELETED') {
      running.get(uid)?.kill();
      running.delete(uid);
    } else if (isTerminating(object)) {
      running.get(uid)?.terminate();
    }
  }

  const unsubscribe = settings.images.onChange((reference) => {
    for (const pod of running.values()) pod.imageChanged(reference);
  });

  return {
    onEvent,

    /** Ends the process of a pod like a crash; it is started again after a back-off. */
    crash(namespace: string, name: string, how: { readonly outOfMemory?: boolean } = {}): void {
      const uid = cluster.registry.get({ resource: pods, namespace, name }).metadata.uid ?? '';
      running.get(uid)?.crash(how.outOfMemory ?? false);
    },

    stop(): void {
      unsubscribe();
      for (const pod of running.values()) pod.kill();
      running.clear();
    },
  };
}

/** Whether a new pod may be scheduled here, or was made for this node. */
function isToRun(pod: KubeObject): boolean {
  const { spec, status } = podView.parse(pod);
  return spec.nodeName === undefined || (spec.nodeName === node && status.podIP === undefined);
}

function registerNode({ registry, storage }: Cluster, { now }: KubeletOptions): void {
  if (storage.get(nodes, '', node)) return;
  const labels = { 'kubernetes.io/hostname': node };
  registry.create(nodes, '', { metadata: { name: node, labels }, spec: {} }, options);
  const since = timestamp(now());
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    lastHeartbeatTime: since,
    lastTransitionTime: since,
  };
  registry.modify(
    { resource: nodes, namespace: '', name: node },
    (found) => ({ ...found, status: { conditions: [ready] } }),
    {
      ...options,
      subresource: 'status',
    },
  );
}

type RunningPod = ReturnType<typeof runPod>;

function runPod({ registry, storage }: Cluster, pod: KubeObject, settings: KubeletOptions) {
  const key: Key = keyOf(pods, pod);
  const containers = podView.parse(pod).spec.containers;
  const [main] = containers;
  const reference = main?.image ?? '';
  const startedAt = settings.now();
  const timers = new Set<NodeJS.Timeout>();
  let service: DemoService | undefined;
  let pulled: Image | undefined;
  let starting = false;
  let runningSince = startedAt;
  let restarts = 0;
  let last: Termination | undefined;
  let ended = false;
  let terminating = false;

  function later(milliseconds: number, act: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, milliseconds);
    timers.add(timer);
  }

  function clearTimers(): void {
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
  }

  /** Runs the next step unless the pod was deleted meanwhile. */
  function whileAlive(act: () => void): void {
    if (!ended && storage.get(pods, key.namespace, key.name)?.metadata.uid === pod.metadata.uid) act();
  }

  function show(state: ContainerState): void {
    whileAlive(() => {
      const now = settings.now();
      registry.modify(
        key,
        (current) => ({
          ...current,
          status: podStatus(current, containers, { ...state, image: pulled, restarts, last, startedAt, now }),
        }),
        { ...options, subresource: 'status' },
      );
    });
  }

  let bound = false;

  /** Does nothing while the node is cordoned, as it is called again when the node changes. */
  function schedule(): void {
    whileAlive(() => {
      const nodeName = podView.parse(storage.get(pods, key.namespace, key.name) ?? pod).spec.nodeName;
      const cordoned = recordOf(storage.get(nodes, '', node)?.spec).unschedulable === true;
      if (bound || (nodeName === undefined && cordoned)) return;
      bound = true;
      const toNode = (current: KubeObject) => ({ ...current, spec: { ...recordOf(current.spec), nodeName: node } });
      registry.modify(key, toNode, { manager: 'kube-scheduler' });
      show({ waiting: 'ContainerCreating' });
      pull();
    });
  }

  function pull(): void {
    const image = settings.images.resolve(reference);
    if (image !== undefined && !image.behaviour.pullFailure) {
      void start(image);
      return;
    }
    const why = image?.behaviour.pullFailure ?? 'not found';
    show({ waiting: 'ImagePullBackOff', message: `Back-off pulling image "${reference}": ${why}` });
  }

  async function start(image: Image): Promise<void> {
    if (starting || service !== undefined) return;
    starting = true;
    const { errorRate = 0, latency = defaultLatency, failingPath, labels, counts = 'codes' } = image.behaviour;
    const random = randomFor(settings.seed, `${key.name} ${restarts}`);
    const { version } = image;
    const behaviour = { errorRate, latency, failingPath, labels, counts };
    const process = await startService({ version, pod: key.name, ...behaviour, random, now: settings.now });
    starting = false;
    if (ended || terminating) {
      process.kill();
      return;
    }
    service = process;
    pulled = image;
    runningSince = settings.now();
    announcePort(process.port);
    show({ runningSince, ready: false });
    follow(image);
  }

  /** Every container port leads to the one socket of the process. */
  function announcePort(port: number): void {
    const ports = main?.ports.map(({ containerPort }) => [String(containerPort), port]) ?? [];
    const annotation = { [portsAnnotation]: JSON.stringify(Object.fromEntries(ports)) };
    whileAlive(() =>
      registry.modify(
        key,
        (current) => ({
          ...current,
          metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, ...annotation } },
        }),
        options,
      ),
    );
  }

  /** Makes the running process behave as its image currently specifies. */
  function follow(image: Image): void {
    const {
      errorRate = 0,
      latency = defaultLatency,
      neverReady,
      crashAfter,
      outOfMemory,
    }: ImageBehaviour = image.behaviour;
    clearTimers();
    service?.behave({ errorRate, latency });
    const { readyAfter = settings.readyAfter } = image.behaviour;
    if (neverReady) show({ runningSince, ready: false });
    else later(readyAfter, () => show({ runningSince, ready: true }));
    if (crashAfter !== undefined) later(crashAfter, () => crash(outOfMemory ?? false));
  }

  function crash(outOfMemory: boolean): void {
    if (service === undefined || terminating) return;
    clearTimers();
    service.kill();
    service = undefined;
    restarts += 1;
    last = {
      exitCode: outOfMemory ? 137 : 1,
      reason: outOfMemory ? 'OOMKilled' : 'Error',
      startedAt: timestamp(runningSince),
      finishedAt: timestamp(settings.now()),
    };
    // The first restart comes at once, as in the kubelet.
    const wait = restarts === 1 ? 0 : settings.crashBackOff * Math.min(8, 2 ** (restarts - 2));
    if (wait > 0) {
      const message = `back-off restarting failed container=${main?.name} pod=${key.name}_${key.namespace}`;
      show({ waiting: 'CrashLoopBackOff', message });
    } else {
      show({ terminated: last });
    }
    later(wait, pull);
  }

  async function drain(): Promise<void> {
    const process = service;
    await process?.drain();
    whileAlive(() => registry.remove(key, { gracePeriodSeconds: 0 }));
  }

  // Not within the write that created the pod.
  const begin = setImmediate(schedule);

  return {
    crash,
    schedule,

    imageChanged(changed: string): void {
      const image = settings.images.resolve(reference);
      if (terminating || image === undefined || settings.images.resolve(changed)?.id !== image.id) return;
      if (service !== undefined) follow(image);
      else if (restarts === 0) pull();
    },

    terminate(): void {
      if (terminating) return;
      terminating = true;
      clearTimers();
      later(settings.drain, () => void drain());
    },

    kill(): void {
      ended = true;
      clearImmediate(begin);
      clearTimers();
      service?.kill();
    },
  };
}

/** Milliseconds of a request, unless the image has its own value. */
const defaultLatency = 2;
