import type { KubernetesClient } from '../../cluster/client.ts';
import { permissionTo } from '../../cluster/permissions.ts';
import type { ObjectReference, ResourceType } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { isSluiceError } from '../../core/errors.ts';

/**
 * Reads what the credentials allow, and remembers what they do not. Asks for the rights first: a denial takes seconds, as it is
 * retried in case the API server is starting.
 */
export interface Readable {
  /**
   * The objects of a kind, from all namespaces if allowed, else from this one; `namespace` is empty for kinds without a
   * namespace. Undefined if they may not be listed, or if the cluster has no such kind.
   */
  list(type: ResourceType, namespace: string): Promise<readonly KubernetesObject[] | undefined>;
  /** One object: `missing` if it does not exist, undefined if it may not be read. */
  find(reference: ObjectReference): Promise<KubernetesObject | 'missing' | undefined>;
  /** Whether the list of this kind included all namespaces. */
  isWhole(type: ResourceType): boolean;
  /** The kinds that may not be read: `HTTPRoutes`. */
  unread(): readonly string[];
}

export function createReadable(client: KubernetesClient, signal: AbortSignal): Readable {
  const unread = new Set<string>();
  const whole = new Set<string>();

  async function mayRead(verb: 'get' | 'list', type: ResourceType, namespace: string): Promise<boolean> {
    return (await client.missingVerbs(permissionTo([verb], type, namespace), signal)).length === 0;
  }

  return {
    isWhole: ({ plural, apiVersion }) => whole.has(`${plural} ${apiVersion}`),
    unread: () => [...unread].sort(),

    async list(type, namespace) {
      const everywhere = await mayRead('list', type, '');
      if (!everywhere && (namespace === '' || !(await mayRead('list', type, namespace)))) {
        unread.add(`${type.kind}${type.kind.endsWith('s') ? 'es' : 's'}`);
        return undefined;
      }
      try {
        const objects = await client.list(type, everywhere ? undefined : namespace, {}, signal);
        if (everywhere) whole.add(`${type.plural} ${type.apiVersion}`);
        return objects;
      } catch (error) {
        // The cluster has no such kind.
        if (isSluiceError(error, 'not-found')) return undefined;
        throw error;
      }
    },

    async find(reference) {
      const { type, namespace, name } = reference;
      if (await mayRead('get', type, namespace)) return (await client.find(reference, signal)) ?? 'missing';
      unread.add(`${type.kind} ${namespace}/${name}`);
      return undefined;
    },
  };
}
