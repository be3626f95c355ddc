import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiServerOptions, startApiServer } from './api-server/index.ts';
import { readyPods } from './api-server/proxy.ts';
import { type ControllersOptions, startControllers } from './controllers/index.ts';
import { startGateway } from './gateway/index.ts';
import { createImages, type ImageBehaviour } from './images.ts';
import { showAsPod } from './infrastructure.ts';
import { startLoad } from './load.ts';
import { type PrometheusOptions, startPrometheus } from './prometheus/index.ts';
import { randomFor } from './random.ts';
import { canaryImage, namespace, type ShopOptions, shopHost, shopManifests, stableImage } from './shop.ts';

export interface LabOptions extends Partial<ShopOptions> {
  /** The behaviour of the two images' pods. */
  readonly stable?: ImageBehaviour;
  readonly canary?: ImageBehaviour;
  /** Requests a second through the gateway; default 0. */
  readonly rate?: number;
  /** The requested paths, in turn; default `/`. */
  readonly paths?: readonly string[];
  /** Milliseconds after which the clients abandon a request; default never. */
  readonly patience?: number;
  /** The seed of all random values; default 1. */
  readonly seed?: number;
  /** Milliseconds until the gateway follows a changed route; default 0. */
  readonly lag?: number;
  readonly api?: Omit<ApiServerOptions, 'random'>;
  readonly controllers?: Omit<ControllersOptions, 'images' | 'seed'>;
  readonly prometheus?: PrometheusOptions;
}

export type Lab = Awaited<ReturnType<typeof startLab>>;

/**
 * A whole small cluster in this process, on loopback ports: API server, controllers, gateway, Prometheus, the demo shop and
 * load on it. Resolves when the stable pods are ready and the gateway routes to them.
 */
export async function startLab(options: LabOptions = {}) {
  const { router = 'istio', arms = 'both', workload = 'Deployment', seed = 1 } = options;
  const replicas = options.replicas ?? { stable: 2, canary: 2 };
  const host = shopHost(router);
  const images = createImages({ [stableImage]: options.stable ?? {}, [canaryImage]: options.canary ?? {} });
  const api = await startApiServer({ ...options.api, random: randomFor(seed, 'names') });
  const controllers = startControllers(api, { ...options.controllers, images, seed });
  for (const manifest of shopManifests({ router, arms, workload, replicas })) api.put(manifest);

  const [gateway, prometheus] = await Promise.all([
    startGateway(api.storage, api.registry, {
      random: randomFor(seed, 'gateway'),
      faultRandom: randomFor(seed, 'faults'),
      lag: options.lag ?? 0,
    }),
    startPrometheus(api.storage, options.prometheus),
  ]);
  showAsPod(api, {
    namespace: 'ingress',
    name: 'gateway',
    port: 15_090,
    socket: gateway.metricsPort,
    annotations: {
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '15090',
      'prometheus.io/path': '/stats/prometheus',
    },
  });
  showAsPod(api, { namespace: 'monitoring', name: 'prometheus', port: 9_090, socket: prometheus.port });

  const directory = await mkdtemp(join(tmpdir(), 'embedded-lab-'));
  const kubeconfigPath = join(directory, 'kubeconfig');
  await writeFile(kubeconfigPath, api.kubeconfig({ namespace }), { mode: 0o600 });
  await changed(api.storage, () => readyPods(api.storage, namespace, 'checkout').length >= replicas.stable);
  const { paths = ['/'], rate = 0, patience } = options;
  const load = startLoad({ url: gateway.url, host, paths, rate, ...(patience !== undefined && { patience }) });

  return {
    api,
    controllers,
    images,
    gateway,
    prometheus,
    load,
    /** `shop` */
    namespace,
    /** The `Host` header that reaches the shop. */
    host,
    stableImage,
    canaryImage,
    kubeconfigPath,

    /**
     * The canary's part of the requests in per cent, by the routes that the gateway now follows; 0 if the route has no canary.
     */
    canaryWeight(): number {
      const route = gateway.routes().find(({ hosts }) => hosts.includes(host));
      const destinations = route?.destinations ?? [];
      const total = destinations.reduce((sum, { weight }) => sum + weight, 0);
      const canary = destinations.filter(
        ({ service, subset }) => service !== 'checkout' || (subset?.name ?? 'stable') !== 'stable',
      );
      return total === 0 ? 0 : (100 * canary.reduce((sum, { weight }) => sum + weight, 0)) / total;
    },

    /** Resolves as soon as the condition holds; it is checked after every change in the cluster. */
    until: (condition: () => boolean, signal?: AbortSignal) => changed(api.storage, condition, signal),

    async stop(): Promise<void> {
      await load.stop();
      await Promise.all([prometheus.stop(), gateway.stop()]);
      controllers.stop();
      await api.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function changed(
  storage: { subscribe(listener: () => void): () => void },
  condition: () => boolean,
  signal = AbortSignal.timeout(30_000),
): Promise<void> {
  if (condition()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const unsubscribe = storage.subscribe(check);
    signal.addEventListener('abort', fail, { once: true });
    function check(): void {
      if (!condition()) return;
      settle();
      resolve();
    }
    function fail(): void {
      settle();
      reject(signal.reason);
    }
    function settle(): void {
      unsubscribe();
      signal.removeEventListener('abort', fail);
    }
  });
}
