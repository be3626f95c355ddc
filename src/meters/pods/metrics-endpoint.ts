import * as z from 'zod';
import type { KubernetesObject } from '../../cluster/schema.ts';

/** A running pod, and where its metrics are. */
export interface MeteredPod {
  readonly name: string;
  readonly namespace: string;
  /** A text says why the pod can't be asked. */
  readonly endpoint: { readonly scheme: 'http' | 'https'; readonly port: string; readonly path: string } | string;
  /** The start of the container that serves the metrics, else of the pod; milliseconds since the epoch. */
  readonly startedAt: number | undefined;
}

export interface EndpointOptions {
  /** Number or name; by default the annotation `prometheus.io/port`, else a container port named for metrics. */
  readonly port?: string;
  /** By default the annotation `prometheus.io/path`, else the usual path of the metrics. */
  readonly path?: string;
}

const portNames = ['metrics', 'http-metrics', 'http-envoy-prom', 'prometheus'];

const podShape = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.looseObject({
    containers: z.array(
      z.looseObject({
        name: z.string(),
        ports: z.array(z.looseObject({ name: z.string().optional(), containerPort: z.number() })).default([]),
      }),
    ),
  }),
  status: z.looseObject({
    phase: z.literal('Running'),
    startTime: z.string().optional(),
    containerStatuses: z
      .array(
        z.looseObject({
          name: z.string(),
          state: z.looseObject({ running: z.looseObject({ startedAt: z.string() }).optional() }).default({}),
        }),
      )
      .default([]),
  }),
});

/**
 * The pod with its metrics endpoint; undefined if it is not running.
 *
 * @param usualPath The path if neither the options nor the pod has one.
 */
export function meteredPod(
  object: KubernetesObject,
  options: EndpointOptions,
  usualPath: string,
): MeteredPod | undefined {
  const pod = podShape.safeParse(object).data;
  if (!pod) return undefined;
  const { name, namespace, annotations } = pod.metadata;
  const ports = pod.spec.containers.flatMap((container) =>
    container.ports.map((port) => ({ name: port.name, number: String(port.containerPort), container: container.name })),
  );
  const wanted =
    options.port ??
    annotations['prometheus.io/port'] ??
    ports.find((candidate) => candidate.name !== undefined && portNames.includes(candidate.name))?.number;
  // The API server connects to the pod's address and can't resolve port names.
  const port = /^\d+$/.test(wanted ?? '') ? wanted : ports.find((candidate) => candidate.name === wanted)?.number;
  const path = options.path ?? annotations['prometheus.io/path'] ?? usualPath;
  const scheme = annotations['prometheus.io/scheme'] === 'https' ? 'https' : 'http';

  const [first, ...others] = pod.spec.containers;
  const serving =
    ports.find((candidate) => candidate.number === port)?.container ?? (others.length === 0 ? first?.name : undefined);
  const status = pod.status.containerStatuses.find((candidate) => candidate.name === serving);
  const startedAt = Date.parse(status?.state.running?.startedAt ?? pod.status.startTime ?? '');
  const common = { name, namespace, startedAt: Number.isNaN(startedAt) ? undefined : startedAt };
  if (port === undefined) {
    const missing =
      wanted === undefined ? 'neither the annotation prometheus.io/port nor a port named metrics' : `no port ${wanted}`;
    return { ...common, endpoint: `has ${missing}` };
  }
  // A pod in a crash loop has the phase Running, but a request to it would last until the deadline.
  if (status && !status.state.running) return { ...common, endpoint: `waits for its container ${serving} to run` };
  return { ...common, endpoint: { scheme, port, path: path.startsWith('/') ? path : `/${path}` } };
}
