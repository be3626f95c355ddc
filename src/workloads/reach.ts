import type { ArmReach } from '../canary/ports.ts';
import { isReady, pod } from '../cluster/pods.ts';
import { readObject } from '../cluster/read-object.ts';
import { describe, resources } from '../cluster/resources.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import { isSluiceError } from '../core/errors.ts';
import type { ArmTarget } from './arm-view.ts';
import type { ArmsContext } from './arms-context.ts';
import { listSlices, podsInSlices } from './endpoints.ts';
import { referenceTo, workload } from './workload.ts';

/**
 * How many of an arm's ready pods its Service leads to, read from the API server at this moment: what a watch has brought may be
 * from before an outage.
 *
 * @throws SluiceError where the API server does not answer
 */
export async function reachOf(
  { client, namespace }: Pick<ArmsContext, 'client' | 'namespace'>,
  target: ArmTarget,
  signal: AbortSignal,
): Promise<ArmReach> {
  const reference = referenceTo(target, namespace);
  const [found, objects, slices] = await Promise.all([
    client.find(reference, signal),
    client.list(resources.pod, namespace, { labelSelector: target.pods }, signal),
    target.service === undefined ? undefined : slicesOrWhy(client, namespace, target.service, signal),
  ]);
  const ready = objects.map((object) => readObject(object, pod)).filter(isReady);
  const pods = { desired: found ? readObject(found, workload).spec.replicas : 0, ready: ready.length };
  if (target.service === undefined || slices === undefined)
    return { ...pods, unseen: `no Service is known that leads to the pods of ${describe(reference)}` };
  if ('unseen' in slices) return { ...pods, ...slices };
  const service = describe({ type: resources.service, namespace, name: target.service });
  return { ...pods, service, reachable: podsInSlices(slices.found, ready).length };
}

async function slicesOrWhy(
  client: ArmsContext['client'],
  namespace: string,
  service: string,
  signal: AbortSignal,
): Promise<{ readonly found: KubernetesObject[] } | { readonly unseen: string }> {
  try {
    return { found: await listSlices(client, namespace, service, signal) };
  } catch (error) {
    if (!isSluiceError(error, 'forbidden')) throw error;
    return { unseen: `the EndpointSlices of Service ${namespace}/${service} may not be read. ${error.next}` };
  }
}
