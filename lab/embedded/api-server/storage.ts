import { deepFreeze, type KubeObject } from './objects.ts';
import { qualifiedName, type Resource } from './resources.ts';

export interface StoredEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: Resource;
  /** The object after the change; for a deletion, the last state with the deletion's resourceVersion. */
  readonly object: KubeObject;
  readonly previous: KubeObject | undefined;
  readonly revision: number;
}

export type Storage = ReturnType<typeof createStorage>;

/** Like a server that has run for a while and compacted: a watch from revision 1 is always too old. */
const firstRevision = 1_000;

/**
 * The objects, one global increasing revision, and the last `historyLimit` changes for watches to resume from. Stored objects
 * are frozen; listeners are called within the write.
 */
export function createStorage(historyLimit: number) {
  /** Objects by `namespace/name`, by namespace, by kind. */
  const collections = new Map<string, Map<string, Map<string, KubeObject>>>();
  const history: StoredEvent[] = [];
  const listeners = new Set<(event: StoredEvent) => void>();
  let revision = firstRevision;
  let oldest = firstRevision;

  function collection(resource: Resource, namespace: string): Map<string, KubeObject> {
    const kind = namespacesOf(resource);
    const found = kind.get(namespace);
    if (found) return found;
    const created = new Map<string, KubeObject>();
    kind.set(namespace, created);
    return created;
  }

  function namespacesOf(resource: Resource): Map<string, Map<string, KubeObject>> {
    const key = qualifiedName(resource);
    const found = collections.get(key);
    if (found) return found;
    const created = new Map<string, Map<string, KubeObject>>();
    collections.set(key, created);
    return created;
  }

  function record(event: StoredEvent): void {
    history.push(event);
    if (history.length > historyLimit) oldest = history.shift()?.revision ?? oldest;
    for (const listener of listeners) listener(event);
  }

  return {
    revision: () => revision,

    get(resource: Resource, namespace: string, name: string): KubeObject | undefined {
      return collection(resource, namespace).get(`${namespace}/${name}`);
    },

    /** All objects of a kind, sorted by name; of all namespaces if none is given. */
    list(resource: Resource, namespace?: string): KubeObject[] {
      const entries =
        namespace === undefined
          ? [...namespacesOf(resource).values()].flatMap((objects) => [...objects])
          : [...collection(resource, namespace)];
      return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
    },

    put(resource: Resource, object: KubeObject): KubeObject {
      const { namespace = '', name } = object.metadata;
      const previous = collection(resource, namespace).get(`${namespace}/${name}`);
      revision += 1;
      const stored = deepFreeze({
        ...object,
        metadata: { ...object.metadata, resourceVersion: String(revision) },
      });
      collection(resource, namespace).set(`${namespace}/${name}`, stored);
      record({ type: previous ? 'MODIFIED' : 'ADDED', resource, object: stored, previous, revision });
      return stored;
    },

    remove(resource: Resource, object: KubeObject): void {
      const { namespace = '', name } = object.metadata;
      const previous = collection(resource, namespace).get(`${namespace}/${name}`);
      if (!collection(resource, namespace).delete(`${namespace}/${name}`)) return;
      revision += 1;
      const last = deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } });
      record({ type: 'DELETED', resource, object: last, previous, revision });
    },

    /** The changes after a revision, or the oldest available revision. */
    eventsAfter(asked: number): readonly StoredEvent[] | { readonly oldest: number } {
      if (asked < oldest) return { oldest };
      return history.slice(history.findLastIndex((event) => event.revision <= asked) + 1);
    },

    /** Drops all history, like a compaction: earlier revisions are then too old for watches. */
    compact(): void {
      history.length = 0;
      oldest = revision;
    },

    /** Calls the listener at every change, until the returned function is called. */
    subscribe(listener: (event: StoredEvent) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
