import { isDeepStrictEqual } from 'node:util';
import { type JsonRecord, type KubeObject, type OwnerReference, timestamp } from '../api-server/objects.ts';
import type { Registry } from '../api-server/registry.ts';
import { apiVersionOf, events, type Resource } from '../api-server/resources.ts';
import type { Storage } from '../api-server/storage.ts';

/** The state that controllers work on. */
export interface Cluster {
  readonly storage: Storage;
  readonly registry: Registry;
}

/** One controller; it receives the keys (`namespace/name`) of objects that may need work. */
export interface Reconciler {
  readonly resource: Resource;
  /** Moves one object towards its desired state. @returns milliseconds until it needs another look. */
  reconcile(object: KubeObject): number | undefined;
}

export const manager = 'kube-controller-manager';

/** The objects of a kind that `owner` controls. */
export function controlledBy({ storage }: Cluster, resource: Resource, owner: KubeObject): KubeObject[] {
  return storage
    .list(resource, owner.metadata.namespace ?? '')
    .filter((object) => controllerOf(object)?.uid === owner.metadata.uid);
}

export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller);
}

export function ownerReference(resource: Resource, owner: KubeObject): JsonRecord {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function keyOf(resource: Resource, object: KubeObject) {
  return { resource, namespace: object.metadata.namespace ?? '', name: object.metadata.name };
}

export function setStatus({ registry }: Cluster, resource: Resource, object: KubeObject, status: JsonRecord): void {
  if (isDeepStrictEqual(object.status, status)) return;
  registry.modify(keyOf(resource, object), (current) => ({ ...current, status }), { manager, subresource: 'status' });
}

/** The event of a controller that could not create a pod: one for each object. */
export function tellFailedCreate(
  { registry, storage }: Cluster,
  resource: Resource,
  object: KubeObject,
  message: string,
): void {
  const { name, namespace = '', uid } = object.metadata;
  const key = { resource: events, namespace, name: `${name.slice(0, 200)}.failedcreate` };
  const now = timestamp(Date.now());
  const told = {
    reason: 'FailedCreate',
    type: 'Warning',
    message,
    lastTimestamp: now,
    involvedObject: { apiVersion: apiVersionOf(resource), kind: resource.kind, name, namespace, uid },
  };
  if (storage.get(events, namespace, key.name))
    registry.modify(key, (current) => ({ ...current, ...told }), { manager });
  else registry.create(events, namespace, { metadata: { name: key.name }, ...told }, { manager });
}

/** A condition whose transition time is kept if its status did not change. */
export function condition(
  existing: readonly JsonRecord[],
  type: string,
  status: boolean,
  reason: string,
  message: string,
  now: number,
): JsonRecord {
  const before = existing.find((candidate) => candidate.type === type);
  const said = status ? 'True' : 'False';
  const same = before?.status === said && before.reason === reason && before.message === message;
  return {
    type,
    status: said,
    reason,
    message,
    lastUpdateTime: same ? before.lastUpdateTime : timestamp(now),
    lastTransitionTime: before?.status === said ? before.lastTransitionTime : timestamp(now),
  };
}
