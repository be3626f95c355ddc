import type { KubeObject, OwnerReference } from '../api-server/objects.ts';
import { findKind, namespaces, type Resource, storedResources } from '../api-server/resources.ts';
import type { StoredEvent } from '../api-server/storage.ts';
import { type Cluster, keyOf } from './cluster.ts';
import { isTerminating } from './views.ts';

const options = { manager: 'generic-garbage-collector' };

interface Dependent {
  readonly resource: Resource;
  readonly object: KubeObject;
  readonly reference: OwnerReference;
}

/**
 * Deletes objects without owners: after the owner (background), before it (foreground), or not at all (orphan); and the objects
 * of a deleted namespace. @returns a function to call at a change of the store.
 */
export function garbageCollector(cluster: Cluster): (event: StoredEvent) => void {
  const { storage, registry } = cluster;

  /** An owner with a namespace owns nothing in another one. */
  function dependentsOf({ metadata: { uid, namespace } }: KubeObject): Dependent[] {
    return storedResources.flatMap((resource) =>
      storage.list(resource, namespace).flatMap((object) => {
        const reference = object.metadata.ownerReferences?.find((candidate) => candidate.uid === uid);
        return reference === undefined ? [] : [{ resource, object, reference }];
      }),
    );
  }

  function exists(reference: OwnerReference, namespace: string): boolean {
    const resource = findKind(reference.apiVersion, reference.kind);
    if (resource === undefined) return true;
    const owner = storage.get(resource, resource.namespaced ? namespace : '', reference.name);
    return owner?.metadata.uid === reference.uid;
  }

  /** Deletes an object whose owners are all gone; if some remain, removes only the others from the list. */
  function collect(resource: Resource, object: KubeObject): void {
    const { ownerReferences = [], namespace = '' } = object.metadata;
    const left = ownerReferences.filter((reference) => exists(reference, namespace));
    if (left.length === ownerReferences.length) return;
    if (left.length > 0) setOwners(resource, object, left);
    else if (!isTerminating(object)) registry.remove(keyOf(resource, object), { propagationPolicy: 'Background' });
  }

  function setOwners(resource: Resource, object: KubeObject, ownerReferences: OwnerReference[]): void {
    const change = (current: KubeObject) => ({ ...current, metadata: { ...current.metadata, ownerReferences } });
    registry.modify(keyOf(resource, object), change, options);
  }

  function takeFinalizer(resource: Resource, object: KubeObject, finalizer: string): void {
    const change = (current: KubeObject) => {
      const finalizers = (current.metadata.finalizers ?? []).filter((name) => name !== finalizer);
      return { ...current, metadata: { ...current.metadata, finalizers } };
    };
    registry.modify(keyOf(resource, object), change, options);
  }

  function release(resource: Resource, object: KubeObject): void {
    const finalizers = object.metadata.finalizers ?? [];
    const dependents = dependentsOf(object);
    if (finalizers.includes('orphan')) {
      for (const dependent of dependents) {
        const others =
          dependent.object.metadata.ownerReferences?.filter(({ uid }) => uid !== object.metadata.uid) ?? [];
        setOwners(dependent.resource, dependent.object, others);
      }
      takeFinalizer(resource, object, 'orphan');
    } else if (finalizers.includes('foregroundDeletion')) {
      for (const dependent of dependents.filter((candidate) => !isTerminating(candidate.object))) {
        registry.remove(keyOf(dependent.resource, dependent.object), { propagationPolicy: 'Foreground' });
      }
      const blocking = dependentsOf(object).some(({ reference }) => reference.blockOwnerDeletion);
      if (!blocking) takeFinalizer(resource, object, 'foregroundDeletion');
    }
  }

  function ownersOf(object: KubeObject): Pick<Dependent, 'resource' | 'object'>[] {
    return (object.metadata.ownerReferences ?? []).flatMap((reference) => {
      const resource = findKind(reference.apiVersion, reference.kind);
      const owner = resource && storage.get(resource, object.metadata.namespace ?? '', reference.name);
      return resource === undefined || owner === undefined ? [] : [{ resource, object: owner }];
    });
  }

  return ({ type, resource, object }) => {
    const stored = storage.get(resource, object.metadata.namespace ?? '', object.metadata.name);
    if (type === 'DELETED') {
      for (const dependent of dependentsOf(object)) collect(dependent.resource, dependent.object);
      for (const owner of ownersOf(object)) if (isTerminating(owner.object)) release(owner.resource, owner.object);
      if (resource === namespaces) emptyNamespace(object.metadata.name);
    } else if (stored !== undefined) {
      if (type === 'ADDED') collect(resource, stored);
      if (isTerminating(stored)) release(resource, stored);
    }
  };

  function emptyNamespace(name: string): void {
    for (const resource of storedResources) {
      if (!resource.namespaced) continue;
      for (const object of storage.list(resource, name)) storage.remove(resource, object);
    }
  }
}
