import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import type { Pod } from '../cluster/pods.ts';
import { readObject } from '../cluster/read-object.ts';
import { resources } from '../cluster/resources.ts';
import type { KubernetesObject } from '../cluster/schema.ts';

const endpoint = z.looseObject({
  addresses: z.array(z.string()).nullish(),
  conditions: z.looseObject({ ready: z.boolean().nullish(), terminating: z.boolean().nullish() }).nullish(),
  targetRef: z
    .looseObject({ kind: z.string().optional(), name: z.string().optional(), uid: z.string().optional() })
    .nullish(),
});
type Endpoint = z.infer<typeof endpoint>;

const endpointSlice = z.looseObject({ endpoints: z.array(endpoint).nullish() });

/** Which EndpointSlices are of a Service: those of its controller, mirrored Endpoints and those written by hand alike. */
export function slicesOf(service: string) {
  return { labelSelector: `kubernetes.io/service-name=${service}` };
}

/** The EndpointSlices of a Service as they are now. */
export function listSlices(
  client: Pick<KubernetesClient, 'list'>,
  namespace: string,
  service: string,
  signal: AbortSignal,
): Promise<KubernetesObject[]> {
  return client.list(resources.endpointSlice, namespace, slicesOf(service), signal);
}

/**
 * The endpoints that get requests. Unset `ready` means ready.
 * https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
 */
export function readyEndpoints(slices: readonly KubernetesObject[]): Endpoint[] {
  return slices
    .flatMap((slice) => readObject(slice, endpointSlice).endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false && conditions?.terminating !== true);
}

/**
 * Those of the pods that get requests by these EndpointSlices. An endpoint that names no pod, as people write it, is that of the
 * pod with its address.
 */
export function podsInSlices(slices: readonly KubernetesObject[], pods: readonly Pod[]): Pod[] {
  const ready = readyEndpoints(slices);
  const named = new Map(ready.flatMap(({ targetRef }) => (targetRef?.name ? [[targetRef.name, targetRef.uid]] : [])));
  const addresses = new Set(ready.flatMap(({ targetRef, addresses: own }) => (targetRef?.name ? [] : (own ?? []))));
  return pods.filter(({ metadata: { name, uid }, status }) => {
    // A StatefulSet gives the next pod the name of the one before, which a slice may still list.
    if (named.has(name)) return [undefined, uid].includes(named.get(name));
    return [status.podIP, ...status.podIPs.map(({ ip }) => ip)].some((ip) => ip !== undefined && addresses.has(ip));
  });
}
