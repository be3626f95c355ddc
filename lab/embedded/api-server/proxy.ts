import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import * as z from 'zod';
import { type KubeObject, recordOf } from './objects.ts';
import type { Registry } from './registry.ts';
import type { RequestInfo } from './request-info.ts';
import { endpointSlices, pods, services } from './resources.ts';
import { parseLabelSelector } from './selectors.ts';
import { badRequest, notFound, serviceUnavailable } from './status.ts';
import type { Storage } from './storage.ts';

/** Annotation of a pod: a JSON object of container port → the loopback port that really listens. All pods share 127.0.0.1. */
export const portsAnnotation = 'embedded-lab/ports';

const portMap = z.record(z.string(), z.number());

/** The loopback port behind a container port of a pod, if the pod listens on it. */
export function loopbackPort(pod: KubeObject, containerPort: number | string): number | undefined {
  return portMap.parse(JSON.parse(pod.metadata.annotations?.[portsAnnotation] ?? '{}'))[String(containerPort)];
}

/**
 * `pods/NAME:PORT/proxy/PATH` and `services/NAME:PORT/proxy/PATH`: forwards the request to the pod's socket, and the answer
 * back. As on a real server, the port of a pod is a number, that of a service a number or its name.
 */
export function serveProxy(
  storage: Storage,
  registry: Registry,
  info: RequestInfo,
  incoming: IncomingMessage,
  response: ServerResponse,
): void {
  const [name = '', port = ''] = info.name.split(':');
  const key = { resource: info.resource, namespace: info.namespace, name };
  if (info.resource !== pods && info.resource !== services) throw notFound(info.resource, name);
  const object = registry.get(key);
  const socketPort = info.resource === pods ? podPort(object, port) : servicePort(storage, object, port);
  const query = info.query.size === 0 ? '' : `?${info.query}`;
  const { authorization: _, connection: __, host: ___, ...headers } = incoming.headers;
  const outgoing = request({
    host: '127.0.0.1',
    port: socketPort,
    method: incoming.method,
    path: `${info.proxyPath || '/'}${query}`,
    headers,
    agent: false,
  });
  outgoing.on('response', (answer) => {
    const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...passed } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, passed);
    pipeline(answer, response, (error) => {
      if (error) response.destroy();
    });
  });
  outgoing.on('error', (error) => {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const status = serviceUnavailable(`error trying to reach service: ${error.message}`);
    response.writeHead(status.code, { 'content-type': 'application/json' }).end(JSON.stringify(status));
  });
  response.on('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
}

function podPort(pod: KubeObject, port: string): number {
  const found = loopbackPort(pod, port || firstContainerPort(pod));
  if (recordOf(pod.status).podIP === undefined) throw badRequest('address not allowed');
  if (found === undefined) {
    throw serviceUnavailable(`error trying to reach service: dial tcp 127.0.0.1:${port}: connect: connection refused`);
  }
  return found;
}

function firstContainerPort(pod: KubeObject): string {
  const { containers } = recordOf(pod.spec);
  const first = recordOf(Array.isArray(containers) ? containers[0] : undefined);
  const ports = Array.isArray(first.ports) ? first.ports : [];
  return String(recordOf(ports[0]).containerPort ?? '');
}

function servicePort(storage: Storage, service: KubeObject, asked: string): number {
  const { name, namespace = '' } = service.metadata;
  const { ports } = recordOf(service.spec);
  const declared = (Array.isArray(ports) ? ports : []).map(recordOf);
  const port = declared.find(
    (candidate) => asked === '' || asked === String(candidate.port) || asked === candidate.name,
  );
  if (port === undefined) throw serviceUnavailable(`no service port ${asked} found for service "${name}"`);
  const ready = readyPods(storage, namespace, name);
  const pod = ready[Math.floor(Math.random() * ready.length)];
  const found = pod === undefined ? undefined : targetPort(pod, port);
  if (found === undefined) throw serviceUnavailable(`no endpoints available for service "${name}"`);
  return found;
}

/** The pods that the Service's EndpointSlices list as ready. */
export function readyPods(storage: Storage, namespace: string, service: string): KubeObject[] {
  const ofService = parseLabelSelector(`kubernetes.io/service-name=${service}`);
  return storage
    .list(endpointSlices, namespace)
    .filter((slice) => ofService(slice.metadata.labels ?? {}))
    .flatMap((slice) => (Array.isArray(slice.endpoints) ? slice.endpoints.map(recordOf) : []))
    .filter((endpoint) => recordOf(endpoint.conditions).ready === true)
    .map((endpoint) => storage.get(pods, namespace, String(recordOf(endpoint.targetRef).name)))
    .filter((pod) => pod !== undefined);
}

/** The loopback port of a pod behind a port of a Service, whose `targetPort` is a number or a container port's name. */
export function targetPort(pod: KubeObject, servicePort: { readonly [field: string]: unknown }): number | undefined {
  const target = servicePort.targetPort ?? servicePort.port;
  if (typeof target === 'number') return loopbackPort(pod, target);
  const { containers } = recordOf(pod.spec);
  const named = (Array.isArray(containers) ? containers : [])
    .flatMap((container) => recordOf(container).ports ?? [])
    .map(recordOf)
    .find((port) => port.name === target);
  return named === undefined ? undefined : loopbackPort(pod, String(named.containerPort));
}
