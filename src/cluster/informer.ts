import { orAborted } from '../core/abort.ts';
import type { KubernetesClient } from './client.ts';
import type { ResourceType } from './resources.ts';
import type { KubernetesObject, Selector } from './schema.ts';

/** The objects that a selector picks, kept up to date by a watch. */
export interface Informer {
  /**
   * The objects as last reported; starts the watch at the first call. If the watch failed, throws its error, because stale
   * objects must not be shown; the next call watches again.
   */
  objects(signal: AbortSignal): Promise<KubernetesObject[]>;
}

/**
 * @param lifetime ends the watch
 * @param changed called after every change, and when the watch fails
 */
export function createInformer(
  client: Pick<KubernetesClient, 'reflect'>,
  source: { readonly type: ResourceType; readonly namespace: string; readonly selector: Selector },
  lifetime: AbortSignal,
  changed: (objects: readonly KubernetesObject[]) => void,
): Informer {
  let known = new Map<string, KubernetesObject>();
  let listed: PromiseWithResolvers<void> | undefined;

  async function follow(first: PromiseWithResolvers<void>): Promise<void> {
    try {
      for await (const event of client.reflect(source.type, source.namespace, source.selector, lifetime)) {
        if (event.type === 'LISTED') known = new Map(event.objects.map((object) => [object.metadata.name, object]));
        else if (event.type === 'DELETED') known.delete(event.object.metadata.name);
        else known.set(event.object.metadata.name, event.object);
        if (event.type === 'LISTED') first.resolve();
        changed([...known.values()]);
      }
      lifetime.throwIfAborted();
    } catch (error) {
      listed = undefined;
      first.reject(error);
      changed([]);
    }
  }

  return {
    async objects(signal) {
      if (!listed) {
        listed = Promise.withResolvers();
        // A failure reaches the callers that await the first list. Without any, it must not become an unhandled rejection.
        listed.promise.catch(() => undefined);
        void follow(listed);
      }
      await orAborted(listed.promise, signal);
      return [...known.values()];
    },
  };
}
