import * as z from 'zod';
import { readObject } from '../../../cluster/read-object.ts';
import { resources } from '../../../cluster/resources.ts';
import type { KubernetesObject } from '../../../cluster/schema.ts';
import { jsonSchema } from '../../../core/json.ts';
import type { Readable } from '../../../routes/objects/readable.ts';
import { aboutOf, type HttpRule, httpRules } from './rules.ts';

const ruleWithFault = z.looseObject({
  fault: z.looseObject({ delay: jsonSchema.optional(), abort: jsonSchema.optional() }).optional(),
});

/**
 * Other rules with faults of this kind, which the proxies count together with the drill's own.
 *
 * @param own rules of the object that have the drill's fault
 */
export async function otherFaults(
  object: KubernetesObject,
  kind: 'istio-delay' | 'istio-abort',
  readable: Readable,
  own: readonly HttpRule[],
): Promise<string[]> {
  const { namespace = '', uid } = object.metadata;
  const all = (await readable.list(resources.virtualService, namespace)) ?? [];
  const field = kind === 'istio-delay' ? 'delay' : 'abort';
  const ownPlaces = new Set(own.map(({ index }) => index));
  const isFaulted = (one: KubernetesObject) =>
    httpRules(one).some(
      ({ raw, index }) =>
        !(one === object && ownPlaces.has(index)) && ruleWithFault.safeParse(raw).data?.fault?.[field] !== undefined,
    );
  const others = [object, ...all.filter(({ metadata }) => metadata.uid !== uid)].filter(
    (one) => sharesProxies(object, one) && isFaulted(one),
  );
  const unseen = readable.isWhole(resources.virtualService)
    ? []
    : ['VirtualServices of other namespaces, which may not be listed,'];
  return [...others.map(aboutOf), ...unseen].slice(0, 100);
}

const binding = z.looseObject({
  spec: z.looseObject({ hosts: z.array(z.string()).default([]), gateways: z.array(z.string()).default([]) }),
});

/** Whether the same proxies may apply both: they name the same gateway, or both the mesh. One without hosts is applied with another. */
function sharesProxies(a: KubernetesObject, b: KubernetesObject): boolean {
  const [ofA, ofB] = [gatewaysOf(a), gatewaysOf(b)];
  return ofA === undefined || ofB === undefined || ofA.some((gateway) => ofB.includes(gateway));
}

function gatewaysOf(object: KubernetesObject): string[] | undefined {
  const { hosts, gateways } = readObject(object, binding).spec;
  if (hosts.length === 0) return undefined;
  if (gateways.length === 0) return ['mesh'];
  const { namespace = '' } = object.metadata;
  return gateways.map((name) => (name === 'mesh' || name.includes('/') ? name : `${namespace}/${name}`));
}
