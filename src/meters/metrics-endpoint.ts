import * as z from 'zod';
import type { KubernetesObject } from '../kubernetes/client.ts';

/** A running pod, and where its metrics are. */
export interface MeteredPod {
  readonly name: string;
  readonly namespace: string;
  /** Undefined where nothing tells the port. */
  readonly endpoint: { readonly scheme: 'http' | 'https'; readonly port: string; readonly path: string } | undefined;
  /** When the container that serves the metrics began, or failing that the pod; milliseconds since the epoch. */
  readonly startedAt: number | undefined;
}

export interface EndpointOptions {
  /** Number or name; else the annotation `prometheus.io/port`, else a container port named for metrics. */
  readonly port?: string;
  /** Else the annotation `prometheus.io/path`, else `/metrics`. */
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

/** The pod as one to be asked for metrics; undefined while it does not run. */
export function meteredPod(object: KubernetesObject, options: EndpointOptions): MeteredPod | undefined {
  const pod = podShape.safeParse(object).data;
  if (!pod) return undefined;
  const { name, namespace, annotations } = pod.metadata;
  const ports = pod.spec.containers.flatMap((container) =>
    container.ports.map((port) => ({ name: port.name, number: String(port.containerPort), container: container.name })),
  );
  const port =
    options.port ??
    annotations['prometheus.io/port'] ??
    ports.find((candidate) => candidate.name !== undefined && portNames.includes(candidate.name))?.number;
  const path = options.path ?? annotations['prometheus.io/path'] ?? '/metrics';
  const scheme = annotations['prometheus.io/scheme'] === 'https' ? 'https' : 'http';

  const [first, ...others] = pod.spec.containers;
  const serving =
    ports.find((candidate) => candidate.name === port || candidate.number === port)?.container ??
    (others.length === 0 ? first?.name : undefined);
  const running = pod.status.containerStatuses.find((status) => status.name === serving)?.state.running;
  const startedAt = Date.parse(running?.startedAt ?? pod.status.startTime ?? '');
  return {
    name,
    namespace,
    endpoint: port === undefined ? undefined : { scheme, port, path: path.startsWith('/') ? path : `/${path}` },
    startedAt: Number.isNaN(startedAt) ? undefined : startedAt,
  };
}
