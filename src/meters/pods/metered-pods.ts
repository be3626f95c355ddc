import type { KubernetesClient } from '../../cluster/client.ts';
import { createInformer } from '../../cluster/informer.ts';
import { resources } from '../../cluster/resources.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Arm } from '../../judge/readings.ts';
import { type OwnTraffic, ownTraffic } from '../own/own-paths.ts';
import { type EndpointOptions, type MeteredPod, meteredPod } from './metrics-endpoint.ts';
import { type PodSource, refuseSharedPods } from './pod-sources.ts';

/** A pod whose metrics are read. */
export interface PodOfArm {
  readonly pod: MeteredPod;
  readonly arm: Arm | undefined;
  readonly own: OwnTraffic | undefined;
}

/** The pods whose metrics are to be read now. */
export type MeteredPods = (signal: AbortSignal) => Promise<readonly PodOfArm[]>;

/**
 * Follows the pods of the sources by a watch.
 *
 * @param lifetime ends the watch
 */
export function followMeteredPods(
  sources: readonly PodSource[],
  endpoint: EndpointOptions & { readonly usualPath: string },
  client: KubernetesClient,
  lifetime: AbortSignal,
): MeteredPods {
  const informers = sources.map(({ arm, namespace, selector }) => ({
    arm,
    informer: createInformer(
      client,
      { type: resources.pod, namespace, selector: { labelSelector: selector } },
      lifetime,
      () => undefined,
    ),
  }));
  return async (signal) => {
    const found = await Promise.all(
      informers.map(async ({ arm, informer }) =>
        (await informer.objects(signal)).flatMap((object) => {
          const pod = meteredPod(object, endpoint, endpoint.usualPath);
          if (!pod) return [];
          const path = typeof pod.endpoint === 'string' ? undefined : pod.endpoint.path;
          return [{ arm, pod, own: ownTraffic(object, path) }];
        }),
      ),
    );
    const pods = found.flat();
    refuseSharedPods(pods);
    if (pods.length === 0) {
      throw new SluiceError('not-found', {
        about: describeSources(sources),
        problem: 'are not there, or do not run.',
        next: 'Check the label selectors and the namespace.',
      });
    }
    return pods;
  };
}

/** `pods app=checkout in shop` */
export function describeSources(sources: readonly PodSource[]): string {
  return sources.map(({ namespace, selector }) => `pods ${selector} in ${namespace}`).join(' and ');
}
