import type { ApiServer } from './api-server/index.ts';
import { timestamp } from './api-server/objects.ts';
import { portsAnnotation } from './api-server/proxy.ts';
import { pods } from './api-server/resources.ts';

interface Infrastructure {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** The loopback port that really listens. */
  readonly socket: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Represents a server of the lab as a running pod with a Service, so that both proxies of the API server reach it. */
export function showAsPod(api: ApiServer, { namespace, name, port, socket, annotations = {} }: Infrastructure): void {
  const labels = { app: name };
  const metadata = {
    name: `${name}-0`,
    namespace,
    labels,
    annotations: { ...annotations, [portsAnnotation]: JSON.stringify({ [port]: socket }) },
  };
  const containers = [{ name, image: `registry.example/${name}:1`, ports: [{ containerPort: port }] }];
  const ports = [{ port, targetPort: port }];
  api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  api.put({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { selector: labels, ports } });
  // A node of its own, which the kubelet leaves alone.
  api.put({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'embedded-host', containers } });
  const now = timestamp(Date.now());
  const running = {
    name,
    image: containers[0]?.image,
    ready: true,
    restartCount: 0,
    state: { running: { startedAt: now } },
  };
  const status = {
    phase: 'Running',
    podIP: '127.0.0.1',
    startTime: now,
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: now }],
    containerStatuses: [running],
  };
  const options = { manager: 'kubelet', subresource: 'status' } as const;
  api.registry.modify({ resource: pods, namespace, name: `${name}-0` }, (pod) => ({ ...pod, status }), options);
}
