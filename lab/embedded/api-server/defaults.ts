import { isRecord, type JsonRecord, type KubeObject, recordOf } from './objects.ts';
import type { Resource } from './resources.ts';

/**
 * Sets the server's defaults that matter to a client: an object that is read back looks like the real one as far as rollouts
 * are concerned (replicas, strategy, ports). Other defaults are missing.
 */
export function withDefaults(resource: Resource, object: KubeObject): KubeObject {
  const set = defaulters[resource.kind];
  return set === undefined ? object : set(object);
}

const defaulters: Readonly<Record<string, (object: KubeObject) => KubeObject>> = {
  Deployment: (object) => workload(object, { strategy: rollingUpdate, ...history, progressDeadlineSeconds: 600 }),
  StatefulSet: (object) =>
    workload(object, { updateStrategy: partition, podManagementPolicy: 'OrderedReady', ...history }),
  ReplicaSet: (object) => workload(object, {}),
  Pod: (object) => ({
    ...object,
    spec: podSpec(recordOf(object.spec)),
    status: { phase: 'Pending', ...recordOf(object.status) },
  }),
  Service: service,
  Secret: secret,
  Namespace: namespace,
};

const history = { revisionHistoryLimit: 10 };
const rollingUpdate = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } };
const partition = { type: 'RollingUpdate', rollingUpdate: { partition: 0 } };

function workload(object: KubeObject, defaults: JsonRecord): KubeObject {
  const spec = recordOf(object.spec);
  if (!isRecord(spec.template)) return object;
  const template = { ...spec.template, spec: podSpec(recordOf(spec.template.spec)) };
  return { ...object, spec: { replicas: 1, ...defaults, ...spec, template }, status: object.status ?? {} };
}

function podSpec(spec: JsonRecord): JsonRecord {
  const defaults = { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst' };
  return {
    ...defaults,
    ...spec,
    ...(Array.isArray(spec.containers) && { containers: spec.containers.map(container) }),
  };
}

function container(item: unknown): unknown {
  if (!isRecord(item)) return item;
  const latest = typeof item.image === 'string' && !/[:@][^/]+$/.test(item.image);
  const ports = Array.isArray(item.ports) && {
    ports: item.ports.map((port) => ({ ...recordOf(port), protocol: protocol(port) })),
  };
  return { imagePullPolicy: latest ? 'Always' : 'IfNotPresent', resources: {}, ...item, ...ports };
}

function service(object: KubeObject): KubeObject {
  const spec = recordOf(object.spec);
  const ports = Array.isArray(spec.ports) && {
    ports: spec.ports.map((port) => ({ targetPort: recordOf(port).port, ...recordOf(port), protocol: protocol(port) })),
  };
  return { ...object, spec: { type: 'ClusterIP', sessionAffinity: 'None', ...spec, ...ports } };
}

function protocol(port: unknown): unknown {
  return recordOf(port).protocol ?? 'TCP';
}

function secret(object: KubeObject): KubeObject {
  const { stringData, ...rest } = object;
  const encoded = Object.entries(recordOf(stringData)).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString('base64'),
  ]);
  const data = encoded.length === 0 ? rest.data : { ...recordOf(rest.data), ...Object.fromEntries(encoded) };
  return { ...rest, ...(data !== undefined && { data }), type: rest.type ?? 'Opaque' };
}

function namespace(object: KubeObject): KubeObject {
  const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
  return { ...object, metadata: { ...object.metadata, labels }, status: { phase: 'Active' } };
}
