import type { KubeObject } from '../api-server/objects.ts';
import {
  horizontalPodAutoscalers,
  podDisruptionBudgets,
  pods,
  type Resource,
  services,
  storedResources,
} from '../api-server/resources.ts';
import { StatusError } from '../api-server/status.ts';
import type { StoredEvent } from '../api-server/storage.ts';
import type { Images } from '../images.ts';
import { randomFor } from '../random.ts';
import { autoscalerController } from './autoscaler.ts';
import { type Cluster, controllerOf, type Reconciler, tellFailedCreate } from './cluster.ts';
import { deploymentController } from './deployments.ts';
import { disruptionBudgetController } from './disruption-budgets.ts';
import { endpointSliceController } from './endpoint-slices.ts';
import { garbageCollector } from './garbage-collector.ts';
import { type KubeletOptions, startKubelet } from './kubelet.ts';
import { createQueue } from './queue.ts';
import { replicaSetController } from './replica-sets.ts';
import { statefulSetController } from './stateful-sets.ts';

export interface ControllersOptions extends Partial<Omit<KubeletOptions, 'images'>> {
  readonly images: Images;
}

/** Milliseconds until a write that the API server refused is retried. */
const REFUSED_AGAIN = 1_000;

export type Controllers = ReturnType<typeof startControllers>;

/** The controllers of a cluster: workloads get pods, pods run, Services get endpoints, and objects without owners are deleted. */
export function startControllers(cluster: Cluster, options: ControllersOptions) {
  const { seed = 1, now = Date.now, readyAfter = 20, crashBackOff = 1_000, drain = 100, images } = options;
  const { storage } = cluster;
  const reconcilers = new Map(
    [
      deploymentController(cluster, now),
      replicaSetController(cluster, now),
      statefulSetController(cluster, now),
      endpointSliceController(cluster, randomFor(seed, 'endpointslices')),
      autoscalerController(cluster),
      disruptionBudgetController(cluster),
    ].map((reconciler) => [reconciler.resource.plural, reconciler]),
  );
  const kubelet = startKubelet(cluster, { images, seed, now, readyAfter, crashBackOff, drain });
  const collect = garbageCollector(cluster);

  let slicesAreHeld = false;
  const workloads = createQueue((key: string) => {
    const [plural = '', namespace = '', name = ''] = key.split('/');
    if (plural === services.plural && slicesAreHeld) return undefined;
    const reconciler = reconcilers.get(plural);
    const object = reconciler && storage.get(reconciler.resource, namespace, name);
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return undefined;
    return reconciler && reconcile(reconciler, object);
  });
  const garbage = createQueue((event: StoredEvent) => {
    collect(event);
    return undefined;
  });

  /** Reports what the API server has refused in an event and retries it, like the real controllers. */
  function reconcile(reconciler: Reconciler, object: KubeObject): number | undefined {
    try {
      return reconciler.reconcile(object);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      tellFailedCreate(cluster, reconciler.resource, object, error.message);
      return REFUSED_AGAIN;
    }
  }

  function enqueue(resource: Resource, namespace: string, name: string): void {
    if (reconcilers.has(resource.plural)) workloads.add(`${resource.plural}/${namespace}/${name}`);
  }

  /** A changed object is work for its own controller and its owner's; a pod also for Services, a workload also for HPAs. */
  function onEvent(event: StoredEvent): void {
    const { resource, object } = event;
    const { namespace = '', name } = object.metadata;
    kubelet.onEvent(event);
    garbage.add(event);
    enqueue(resource, namespace, name);
    enqueueOwner(object);
    if (resource === pods) {
      enqueueAll(services, namespace);
      enqueueAll(podDisruptionBudgets, namespace);
    }
    if (resource.scale) enqueueAll(horizontalPodAutoscalers, namespace);
  }

  function enqueueAll(resource: Resource, namespace: string): void {
    for (const object of storage.list(resource, namespace)) enqueue(resource, namespace, object.metadata.name);
  }

  function enqueueOwner(object: KubeObject): void {
    const owner = controllerOf(object);
    if (owner === undefined) return;
    const resource = [...reconcilers.values()].find(({ resource: { kind } }) => kind === owner.kind)?.resource;
    if (resource !== undefined) enqueue(resource, object.metadata.namespace ?? '', owner.name);
  }

  const unsubscribe = storage.subscribe(onEvent);
  for (const resource of storedResources) {
    for (const object of storage.list(resource))
      onEvent({ type: 'ADDED', resource, object, previous: undefined, revision: 0 });
  }

  return {
    /** Ends the process of a pod like a crash; it is started again after a back-off. */
    crash: kubelet.crash,

    /**
     * From now on EndpointSlices stay behind the pods, as while no controller has taken up the Lease of the one before.
     *
     * @returns what lets them catch up
     */
    holdEndpointSlices(): () => void {
      slicesAreHeld = true;
      return () => {
        slicesAreHeld = false;
        for (const { metadata } of storage.list(services)) enqueue(services, metadata.namespace ?? '', metadata.name);
      };
    },

    /** Resolves when all is done that the changes so far ask for, but for what takes time, such as the start of a pod. */
    async settled(): Promise<void> {
      while (!workloads.isIdle() || !garbage.isIdle()) await new Promise((resolve) => setImmediate(resolve));
    },

    /** Ends all processes and all work; the objects stay as they are. */
    stop(): void {
      unsubscribe();
      workloads.stop();
      garbage.stop();
      kubelet.stop();
    },
  };
}
