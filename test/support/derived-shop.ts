import { recordOf } from '../../lab/embedded/api-server/objects.ts';
import { deployments, statefulSets } from '../../lab/embedded/api-server/resources.ts';
import type { Arms } from '../../src/canary/ports.ts';
import { resources } from '../../src/cluster/resources.ts';
import type { Clock } from '../../src/core/clock.ts';
import { type DerivedRelease, derivedArms } from '../../src/workloads/arms/arms.ts';
import { parseImages } from '../../src/workloads/images.ts';
import { imagesOf, parseWorkloadInput, workload } from '../../src/workloads/workload.ts';
import type { EmbeddedCluster } from './embedded-cluster.ts';
import { putShop, type ShopChange } from './shop.ts';

const signal = new AbortController().signal;

/** Resolves as soon as what the cluster has stored is so, at the change that makes it so. */
function untilStored({ api }: EmbeddedCluster, holds: () => boolean): Promise<void> {
  if (holds()) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = api.storage.subscribe(() => {
      if (!holds()) return;
      stop();
      resolve();
    });
  });
}

/** Resolves when so many pods of a workload are ready, and the controllers have done what follows. */
export async function untilReady(
  cluster: EmbeddedCluster,
  namespace: string,
  {
    kind,
    name,
    replicas,
  }: { readonly kind: 'Deployment' | 'StatefulSet'; readonly name: string; readonly replicas: number },
): Promise<void> {
  const resource = kind === 'Deployment' ? deployments : statefulSets;
  await untilStored(cluster, () => {
    const found = cluster.api.storage.get(resource, namespace, name);
    return (recordOf(found?.status).readyReplicas ?? 0) === replicas;
  });
  await cluster.controllers.settled();
}

/** A shop in a namespace of its own, with all its pods ready. */
export async function putReadyShop(cluster: EmbeddedCluster, namespace: string, change: ShopChange): Promise<void> {
  const { kind = 'Deployment', name = 'checkout', replicas = 1 } = change;
  putShop(cluster, namespace, { ...change, replicas });
  await untilReady(cluster, namespace, { kind, name, replicas });
}

/** The image of a shop's stable workload. */
export async function imageIn({ client }: EmbeddedCluster, namespace: string): Promise<string | undefined> {
  const found = await client.get({ type: resources.deployment, namespace, name: 'checkout' }, signal);
  return imagesOf(workload.parse(found).spec.template).get('app');
}

export function armsOptionsFor({ client, lifetime }: EmbeddedCluster, namespace: string, clock: Clock) {
  return { client, namespace, clock, rollout: 'checkout', drain: 1, lifetime };
}

/** The arms of a release of an image or of config, with a canary that is derived from the stable workload. */
export function derivedArmsFor(
  options: ReturnType<typeof armsOptionsFor>,
  release: { readonly image?: string; readonly config?: DerivedRelease['config']; readonly workload?: string },
): Arms {
  return derivedArms(options, {
    workload: parseWorkloadInput(release.workload ?? 'deployment/checkout', 'workload'),
    images: release.image === undefined ? new Map() : parseImages(release.image),
    config: release.config ?? [],
    joinService: false,
    minReplicas: 1,
    gitops: 'refuse',
  });
}
