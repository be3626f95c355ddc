import * as z from 'zod';
import type { KubernetesClient } from '../../../cluster/client.ts';
import { permissionTo } from '../../../cluster/permissions.ts';
import { readObject } from '../../../cluster/read-object.ts';
import { describe, resources } from '../../../cluster/resources.ts';
import type { KubernetesObject } from '../../../cluster/schema.ts';
import { selectorText } from '../../../cluster/selectors.ts';
import { reasonOf } from '../../../core/errors.ts';
import { inParallel } from '../../../core/parallel.ts';
import type { Permission } from '../../../core/permission.ts';
import { excerpt } from '../../../core/text.ts';
import { parseExposition } from '../../../meters/pods/exposition.ts';
import { type MeteredPod, meteredPod } from '../../../meters/pods/metrics-endpoint.ts';
import { NAME } from '../../../meters/series/selector.ts';
import type { IstioFaultSettings, ProxyCounters } from './mark.ts';

/** A proxy that may apply a route: a pod of a gateway, or one with a sidecar. */
export interface Proxy {
  readonly uid: string;
  /** `Pod istio-system/gateway-1` */
  readonly about: string;
  readonly pod: MeteredPod;
}

export interface FoundProxies {
  readonly proxies: readonly Proxy[];
  /** Why these may not be all proxies that apply the route; undefined if they are. */
  readonly incomplete: string | undefined;
}

const binding = z.looseObject({ spec: z.looseObject({ gateways: z.array(z.string()).default([]) }) });
const gatewayShape = z.looseObject({
  spec: z.looseObject({ selector: z.record(z.string(), z.string()).default({}) }),
});
const podShape = z.looseObject({
  spec: z.looseObject({
    containers: z.array(z.looseObject({ name: z.string() })).default([]),
    initContainers: z.array(z.looseObject({ name: z.string() })).default([]),
  }),
});

const MESH = 'mesh';
/** Where Istio's own proxies show Envoy's counters: https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio */
const ISTIO_PORT = '15090';
const PATH = '/stats/prometheus';
/** Envoy is asked only for the needed counters: all of them can be many megabytes. */
const needed = `${PATH}?filter=${encodeURIComponent('fault\\.(aborts|delays)_injected$|upstream_rq_(total|xx)$|istio_requests_total')}`;
/** The most proxies that are asked. */
const MOST = 50;

/** Reads which proxies apply a VirtualService, as far as the rights allow. */
export async function findProxies(
  client: KubernetesClient,
  object: KubernetesObject,
  settings: Pick<IstioFaultSettings, 'namespace' | 'proxies'>,
  signal: AbortSignal,
): Promise<FoundProxies> {
  const { namespace, proxies: named } = settings;
  if (named !== undefined) {
    const pods = await client.list(resources.pod, named.namespace, { labelSelector: named.selector }, signal);
    return limited(pods.flatMap(asProxy), undefined);
  }
  const gateways = readObject(object, binding).spec.gateways;
  const all = gateways.length === 0 ? [MESH] : gateways;
  const found = await Promise.all(
    all.map((gateway) =>
      gateway === MESH ? sidecarsIn(client, namespace, signal) : podsOfGateway(client, gateway, namespace, signal),
    ),
  );
  const unique = new Map(found.flatMap(({ proxies }) => proxies).map((proxy) => [proxy.uid, proxy]));
  return limited([...unique.values()], found.find(({ incomplete }) => incomplete !== undefined)?.incomplete);
}

function limited(proxies: readonly Proxy[], incomplete: string | undefined): FoundProxies {
  const cut = proxies.length > MOST ? `only ${MOST} of ${proxies.length} proxies are asked` : undefined;
  return { proxies: proxies.slice(0, MOST), incomplete: incomplete ?? cut };
}

async function sidecarsIn(client: KubernetesClient, namespace: string, signal: AbortSignal): Promise<FoundProxies> {
  const incomplete = `the route is bound to the mesh, where callers of other namespaces than ${namespace} may apply it`;
  if (!(await mayList(client, namespace, signal))) return { proxies: [], incomplete };
  const pods = await client.list(resources.pod, namespace, {}, signal);
  return { proxies: pods.filter(hasSidecar).flatMap(asProxy), incomplete };
}

async function podsOfGateway(
  client: KubernetesClient,
  named: string,
  from: string,
  signal: AbortSignal,
): Promise<FoundProxies> {
  const [namespace = from, name = ''] = named.includes('/') ? named.split('/') : [from, named];
  const reference = { type: resources.istioGateway, namespace, name };
  const unknown = (why: string) => ({ proxies: [], incomplete: `${describe(reference)} ${why}` });
  const missing = await client.missingVerbs(permissionTo(['get'], resources.istioGateway, namespace), signal);
  if (missing.length > 0) return unknown('may not be read');
  const object = await client.find(reference, signal);
  if (object === undefined) return unknown('does not exist');
  const { selector } = readObject(object, gatewayShape).spec;
  // Without a selector the Gateway is that of every proxy.
  if (Object.keys(selector).length === 0) return unknown('selects no pods');
  const labelSelector = selectorText({ matchLabels: selector });
  // The pods of a Gateway may be in any namespace.
  const everywhere = await mayList(client, '', signal);
  if (!everywhere && !(await mayList(client, namespace, signal))) return unknown('has pods that may not be listed');
  const pods = await client.list(resources.pod, everywhere ? undefined : namespace, { labelSelector }, signal);
  const incomplete = everywhere ? undefined : `pods of ${describe(reference)} may be in other namespaces`;
  return { proxies: pods.flatMap(asProxy), incomplete };
}

async function mayList(client: KubernetesClient, namespace: string, signal: AbortSignal): Promise<boolean> {
  return (await client.missingVerbs(permissionTo(['list'], resources.pod, namespace), signal)).length === 0;
}

function hasSidecar(object: KubernetesObject): boolean {
  const pod = podShape.safeParse(object).data;
  return [...(pod?.spec.containers ?? []), ...(pod?.spec.initContainers ?? [])].some(
    ({ name }) => name === 'istio-proxy',
  );
}

/** A running pod with a proxy. The annotations of a pod with a sidecar are about its application. */
function asProxy(object: KubernetesObject): Proxy[] {
  const isIstio = hasSidecar(object);
  const found = meteredPod(object, isIstio ? { port: ISTIO_PORT, path: needed } : {}, needed);
  if (found === undefined) return [];
  const { metadata } = object;
  const about = describe({ type: resources.pod, namespace: metadata.namespace ?? '', name: metadata.name });
  const assumed = { scheme: 'http' as const, port: ISTIO_PORT, path: needed };
  const endpoint = typeof found.endpoint === 'string' ? assumed : found.endpoint;
  return [{ uid: metadata.uid ?? about, about, pod: { ...found, endpoint: withFilter(endpoint) } }];
}

function withFilter<E extends { readonly path: string }>(endpoint: E): E {
  return endpoint.path === PATH ? { ...endpoint, path: needed } : endpoint;
}

/** What one proxy has counted, or why it did not tell. */
export type ProxyReading = ProxyCounters | { readonly uid: string; readonly problem: string };

/**
 * Reads from each proxy how many faults it has injected, in all its routes, and how many requests it has sent to these hosts.
 *
 * @param hosts in canonical form: `checkout.shop.svc`
 */
export function readProxies(
  client: KubernetesClient,
  proxies: readonly Proxy[],
  about: { readonly kind: 'istio-delay' | 'istio-abort'; readonly hosts: readonly string[] },
  signal: AbortSignal,
): Promise<ProxyReading[]> {
  return inParallel(proxies, async ({ uid, about: itsName, pod }): Promise<ProxyReading> => {
    try {
      const { endpoint, namespace, name } = pod;
      if (typeof endpoint === 'string') return { uid, problem: `${itsName} ${endpoint}` };
      const target = { type: resources.pod, namespace, name: endpoint.scheme === 'https' ? `https:${name}` : name };
      const text = await client.proxy(target, { port: endpoint.port, path: endpoint.path, once: true }, signal);
      return { uid, ...countersIn(text, about) };
    } catch (error) {
      signal.throwIfAborted();
      return { uid, problem: `${itsName} did not answer: ${excerpt(reasonOf(error), 200)}` };
    }
  });
}

const FAULTS = { 'istio-abort': 'envoy_http_fault_aborts_injected', 'istio-delay': 'envoy_http_fault_delays_injected' };
/** Requests by cluster, `outbound|80||checkout.shop.svc.cluster.local`; Istio's own proxies export the last alone by default. */
const REQUESTS = ['envoy_cluster_upstream_rq_total', 'envoy_cluster_upstream_rq_xx', 'istio_requests_total'];

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/fault_filter#statistics */
function countersIn(
  text: string,
  { kind, hosts }: { readonly kind: keyof typeof FAULTS; readonly hosts: readonly string[] },
): Pick<ProxyCounters, 'faults' | 'requests'> {
  const samples = parseExposition(text, (name) => name === FAULTS[kind] || REQUESTS.includes(name));
  const of = (wanted: string) => samples.filter(({ labels }) => labels[NAME] === wanted);
  const total = (list: typeof samples) => list.reduce((sum, { value }) => sum + value, 0);
  const faults = of(FAULTS[kind]);
  const leads = (labels: Readonly<Record<string, string>>) => {
    const place = labels.cluster_name ?? labels.envoy_cluster_name ?? `|${labels.destination_service ?? ''}`;
    const reported = labels.reporter ?? 'source';
    return reported === 'source' && hosts.some((host) => `${place}.`.includes(`|${host}.`));
  };
  const counted = REQUESTS.flatMap((name) => {
    const those = of(name).filter(({ labels }) => leads(labels));
    return those.length === 0 ? [] : [total(those)];
  });
  const whole = (value: number) => (Number.isFinite(value) ? value : null);
  return {
    faults: faults.length === 0 ? null : whole(total(faults)),
    requests: counted.length === 0 ? null : whole(Math.max(...counted)),
  };
}

/** The rights that reading the proxies takes; without them, whether the fault was felt is told by requests alone. */
export function proxyPermissions({ proxies }: Pick<IstioFaultSettings, 'proxies'>): Permission[] {
  const namespace = proxies?.namespace ?? '';
  const permissions = [
    permissionTo(['list'], resources.pod, namespace),
    { ...permissionTo(['get'], resources.pod, namespace), subresource: 'proxy' },
    ...(proxies === undefined ? [permissionTo(['get'], resources.istioGateway, namespace)] : []),
  ];
  return permissions.map((permission) => ({ ...permission, optional: true }));
}
