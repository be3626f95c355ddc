import { startApiServer } from '../../lab/embedded/api-server/index.ts';
import { startControllers } from '../../lab/embedded/controllers/index.ts';
import { createImages, digestOf, type ImageBehaviour } from '../../lab/embedded/images.ts';
import { createClient, type KubernetesClient } from '../../src/cluster/client.ts';
import { loadConfig } from '../../src/cluster/kubeconfig.ts';
import { connect } from '../../src/cluster/transport.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Permission } from '../../src/core/permission.ts';

export type EmbeddedCluster = Awaited<ReturnType<typeof startEmbeddedCluster>>;

/** An API server with controllers in this process, and a client for it. */
export async function startEmbeddedCluster(images: Readonly<Record<string, ImageBehaviour>>) {
  const api = await startApiServer();
  const registry = createImages(images);
  const controllers = startControllers(api, { images: registry, drain: 20 });
  const connection = connect(loadConfig({ kubeconfig: api.kubeconfig(), context: '', env: {} }), {});
  const lifetime = new AbortController();
  return {
    api,
    images: registry,
    controllers,
    client: createClient(connection),
    /** A client of a user with these rights alone. */
    clientWith(permissions: readonly Permission[]): KubernetesClient {
      const rules = permissions.map(({ apiGroup, resource, verbs, namespace, name }) => ({
        apiGroups: [apiGroup],
        resources: [resource],
        verbs,
        namespaces: [namespace],
        ...(name !== undefined && { resourceNames: [name] }),
      }));
      api.setUser({ name: 'limited', token: 'limited-token', rules });
      const config = loadConfig({ kubeconfig: api.kubeconfig({ user: 'limited' }), context: '', env: {} });
      // This API server is not one that has just started: it is believed soon that rights are missing.
      return createClient(connect(config, {}), { startTime: 50 });
    },
    lifetime: lifetime.signal,
    /** The requests of that user: `patch deployments`. */
    askedByLimited: () =>
      new Set(
        api.audit
          .filter(({ user }) => user === 'limited')
          .map(({ verb, resource }) => `${verb} ${resource.split('.')[0]}`),
      ),
    /** `registry.example/shop:1` → `registry.example/shop@sha256:…` */
    byDigest: (image: string) => `${image.replace(/:[^:/]+$/, '')}@${digestOf(image)}`,
    async stop(): Promise<void> {
      lifetime.abort();
      await connection.close();
      controllers.stop();
      await api.stop();
    },
  };
}

/** A clock on which time passes `speed` times as fast. */
export function createQuickClock(speed: number): Clock {
  const start = Date.now();
  return {
    now: () => start + (Date.now() - start) * speed,
    sleep(milliseconds, signal) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, milliseconds / speed);
        const stop = () => {
          clearTimeout(timer);
          reject(signal.reason);
        };
        if (signal.aborted) stop();
        signal.addEventListener('abort', stop, { once: true });
      });
    },
  };
}

export class Crash extends Error {}

/**
 * A client whose process dies instead of its n-th write, counted from 1; every further request fails as well. (Dying at a read
 * has the same effect as dying at the write that follows it.)
 */
export function dyingClient(client: KubernetesClient, death: number): KubernetesClient {
  let writes = 0;
  const reading =
    <Given extends readonly unknown[], Answer>(send: (...given: Given) => Promise<Answer>) =>
    async (...given: Given): Promise<Answer> => {
      if (writes >= death) throw new Crash(`after write ${death}`);
      return send(...given);
    };
  const writing = <Given extends readonly unknown[], Answer>(send: (...given: Given) => Promise<Answer>) => {
    const guarded = reading(send);
    return (...given: Given): Promise<Answer> => {
      writes += 1;
      return guarded(...given);
    };
  };
  return {
    ...client,
    get: reading(client.get),
    find: reading(client.find),
    list: reading(client.list),
    create: writing(client.create),
    replace: writing(client.replace),
    apply: writing(client.apply),
    patchJson: writing(client.patchJson),
    patchMerge: writing(client.patchMerge),
    remove: writing(client.remove),
    evict: writing(client.evict),
  };
}
