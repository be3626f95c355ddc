import { type KubeObject, recordOf } from '../api-server/objects.ts';
import { readyPods, targetPort } from '../api-server/proxy.ts';
import { pods, replicaSets, services } from '../api-server/resources.ts';
import type { Storage } from '../api-server/storage.ts';
import { controllerOf } from '../controllers/cluster.ts';
import { isTerminating } from '../controllers/views.ts';
import type { Destination } from './routes.ts';

/** A pod that receives requests. */
export interface Endpoint {
  readonly origin: string;
  readonly workload: string;
  readonly version: string;
  /** True once the pod is being deleted. */
  readonly isLeaving: () => boolean;
}

/** The ready pods behind a destination, and the number of its Service's port. */
export function endpointsOf(
  storage: Storage,
  destination: Destination,
): { port: number | undefined; endpoints: Endpoint[] } {
  const { namespace, service: name, port: asked, subset } = destination;
  const service = storage.get(services, namespace, name);
  const { ports } = recordOf(service?.spec);
  const declared = (Array.isArray(ports) ? ports : []).map(recordOf);
  const port = declared.find((candidate) => asked === undefined || candidate.port === asked);
  if (port === undefined) return { port: asked, endpoints: [] };
  const wanted = Object.entries(subset?.labels ?? {});
  const endpoints = readyPods(storage, namespace, name)
    .filter((pod) => wanted.every(([key, value]) => pod.metadata.labels?.[key] === value))
    .flatMap((pod) => {
      const socket = targetPort(pod, port);
      if (socket === undefined) return [];
      const { name: podName, labels } = pod.metadata;
      const isLeaving = () => {
        const current = storage.get(pods, namespace, podName);
        return current === undefined || isTerminating(current);
      };
      const workload = workloadOf(storage, pod);
      return [{ origin: `http://127.0.0.1:${socket}`, workload, version: labels?.version ?? 'unknown', isLeaving }];
    });
  return { port: Number(port.port), endpoints };
}

/** The Deployment or StatefulSet of a pod. */
function workloadOf(storage: Storage, pod: KubeObject): string {
  const owner = controllerOf(pod);
  if (owner === undefined) return pod.metadata.name;
  if (owner.kind !== replicaSets.kind) return owner.name;
  const set = storage.get(replicaSets, pod.metadata.namespace ?? '', owner.name);
  return (set && controllerOf(set)?.name) ?? owner.name;
}
