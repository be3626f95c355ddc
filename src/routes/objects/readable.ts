import type { KubernetesClient } from '../../cluster/client.ts';
import { permissionTo } from '../../cluster/permissions.ts';
import type { ObjectReference, ResourceType } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { isSluiceError } from '../../core/errors.ts';

/**
 * Reads what the credentials happen to allow, and remembers what they don't. Rights are asked for first: a refusal that is
 * waited for takes seconds, as an API server that starts refuses everybody.
 */
export interface Readable {
  /**
   * The objects of a kind, from all namespaces where that is allowed, else from this one; `namespace` empty for kinds that
   * belong to none. Undefined where they may not be listed, or where the cluster has no such kind.
   */
  list(type: ResourceType, namespace: string): Promise<readonly KubernetesObject[] | undefined>;
  /** One object: `missing` where it does not exist, undefined where it may not be read. */
  find(reference: ObjectReference): Promise<KubernetesObject | 'missing' | undefined>;
  /** True where the list of this kind was that of all namespaces. */
  isWhole(type: ResourceType): boolean;
  /** What may not be read: `HTTPRoutes`. */
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
