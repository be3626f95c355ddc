import * as z from 'zod';
import type { Surroundings } from '../../canary/ports.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe, resources } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { SluiceError } from '../../core/errors.ts';
import { canonicalHost } from '../objects/istio-hosts.ts';
import type { Readable } from '../objects/readable.ts';

const binding = z.looseObject({
  spec: z
    .looseObject({
      hosts: z.array(z.string()).default([]),
      gateways: z.array(z.string()).default([]),
      exportTo: z.array(z.string()).default([]),
    })
    .prefault({}),
});

/** The name for all sidecars, to which a VirtualService without gateways is bound. */
const MESH = 'mesh';

/**
 * Checks what a VirtualService is bound to: its gateways must exist, and no older VirtualService may have its hosts in the
 * mesh, where Istio uses only one (https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services).
 *
 * @throws SluiceError `unsupported` for one without requests
 */
export async function surveyVirtualService(object: KubernetesObject, readable: Readable): Promise<Surroundings> {
  const { namespace = '', name } = object.metadata;
  const about = describe({ type: resources.virtualService, namespace, name });
  const { gateways, hosts } = bindingOf(object);
  // A VirtualService without hosts gets requests only from another one that delegates to it.
  if (hosts.length === 0) return { warnings: [], notes: [] };
  const missing = await missingGateways(gateways, namespace, readable);
  if (missing.length > 0 && missing.length === gateways.length)
    throw new SluiceError('unsupported', {
      about,
      problem: `gets no requests: ${missing.join(', ')} does not exist, and it names no other gateway.`,
      next: 'Name a Gateway that exists, as NAMESPACE/NAME, or create it.',
    });
  refuseOlder(about, object, (await readable.list(resources.virtualService, namespace)) ?? []);
  const edge = `it is bound to ${gateways.join(', ')} alone, so calls inside the mesh do not follow its weights`;
  return {
    warnings: missing.map((gateway) => `${about} names ${gateway}, which does not exist: no request comes through it.`),
    notes: gateways.includes(MESH) ? [] : [edge],
  };
}

function bindingOf(object: KubernetesObject): Readonly<Record<'gateways' | 'hosts' | 'exportTo', readonly string[]>> {
  const { gateways, hosts, exportTo } = readObject(object, binding).spec;
  return { gateways: gateways.length === 0 ? [MESH] : gateways, hosts, exportTo };
}

/** `Gateway shop/public` for each that does not exist. */
async function missingGateways(names: readonly string[], namespace: string, readable: Readable): Promise<string[]> {
  const found = await Promise.all(
    names.map(async (named) => {
      if (named === MESH) return [];
      const [itsNamespace = namespace, name = ''] = named.includes('/') ? named.split('/') : [namespace, named];
      const reference = { type: resources.istioGateway, namespace: itsNamespace, name };
      return (await readable.find(reference)) === 'missing' ? [describe(reference)] : [];
    }),
  );
  return found.flat();
}

function refuseOlder(about: string, object: KubernetesObject, all: readonly KubernetesObject[]): void {
  const own = bindingOf(object);
  if (!own.gateways.includes(MESH)) return;
  const { namespace = '' } = object.metadata;
  const ownHosts = new Set(own.hosts.map((host) => canonicalHost(host, namespace)));
  for (const other of all) {
    const { metadata } = other;
    if (metadata.uid === object.metadata.uid) continue;
    const { gateways, hosts, exportTo } = bindingOf(other);
    // A VirtualService of another namespace may be exported to that namespace alone.
    const isSeen = metadata.namespace === namespace || exportTo.length === 0 || exportTo.includes('*');
    const shared = hosts.find((host) => ownHosts.has(canonicalHost(host, metadata.namespace ?? '')));
    if (shared === undefined || !isSeen || !gateways.includes(MESH)) continue;
    if (Date.parse(metadata.creationTimestamp ?? '') >= Date.parse(object.metadata.creationTimestamp ?? '')) continue;
    const older = describe({
      type: resources.virtualService,
      namespace: metadata.namespace ?? '',
      name: metadata.name,
    });
    throw new SluiceError('unsupported', {
      about,
      problem: `has host ${shared} in the mesh, which the older ${older} has as well: Istio takes one of them alone.`,
      next: 'Put the routes of the host into one VirtualService, or name the other one as the route.',
    });
  }
}
