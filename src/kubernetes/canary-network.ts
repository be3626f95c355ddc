import * as z from 'zod';
import { canaryName } from './canary-workload.ts';
import { type KubernetesObject, kubernetesObject, type Manifest } from './client.ts';
import { copiedMetadata } from './own-objects.ts';
import type { Labels } from './selectors.ts';

export const service = z.looseObject({
  ...kubernetesObject.shape,
  spec: z
    .looseObject({
      type: z.string().optional(),
      clusterIP: z.string().optional(),
      selector: z.record(z.string(), z.string()).nullish(),
      ports: z.array(z.looseObject({ nodePort: z.number().optional() })).optional(),
    })
    .prefault({}),
});
export type Service = z.infer<typeof service>;

/** Fields that a copy of a Service shares with it; the others are addresses and what belongs to a load balancer. */
const sharedServiceFields = [
  'sessionAffinity',
  'sessionAffinityConfig',
  'publishNotReadyAddresses',
  'internalTrafficPolicy',
  'trafficDistribution',
  'ipFamilies',
  'ipFamilyPolicy',
] as const;

/** The canary's own Service: the stable one's ports, the canary's pods, reachable inside the cluster only. */
export function canaryService(stable: Service, labels: Labels, namespace: string, rollout: string): Manifest {
  const { spec } = stable;
  const shared = sharedServiceFields.flatMap((field) => (spec[field] === undefined ? [] : [[field, spec[field]]]));
  const headless = spec.clusterIP === 'None';
  return {
    apiVersion: stable.apiVersion,
    kind: stable.kind,
    metadata: { name: canaryName(stable.metadata.name), namespace, ...copiedMetadata(stable, rollout) },
    spec: {
      ...Object.fromEntries(shared),
      type: 'ClusterIP',
      ...(headless && { clusterIP: 'None' }),
      selector: labels,
      ports: (spec.ports ?? []).map(({ nodePort: _, ...port }) => port),
    },
  };
}

const trafficPolicy = z.looseObject({});

export const destinationRule = z.looseObject({
  ...kubernetesObject.shape,
  spec: z.looseObject({
    host: z.string(),
    trafficPolicy: trafficPolicy.optional(),
    subsets: z.array(z.looseObject({ name: z.string(), trafficPolicy: trafficPolicy.optional() })).optional(),
  }),
});
export type DestinationRule = z.infer<typeof destinationRule>;

/** Whether a DestinationRule of the same namespace is about a Service, by its short or a qualified name. */
export function isAbout({ spec }: DestinationRule, serviceName: string, namespace: string): boolean {
  const [name, ...rest] = spec.host.split('.');
  const domain = rest.join('.');
  return name === serviceName && (domain === '' || domain === namespace || domain.startsWith(`${namespace}.svc`));
}

/**
 * The DestinationRule of the canary's host: connection pools, TLS and outlier detection as for the stable arm. A subset's
 * settings replace those of the host one by one, as Istio itself merges them.
 *
 * @param subset the subset that the route sends stable requests to
 */
export function canaryDestinationRule(
  stable: DestinationRule,
  subset: string | undefined,
  host: string,
  namespace: string,
  rollout: string,
): Manifest {
  const { subsets, ...spec } = stable.spec;
  const ofSubset = subsets?.find(({ name }) => name === subset)?.trafficPolicy;
  const policy = { ...spec.trafficPolicy, ...ofSubset };
  return {
    apiVersion: stable.apiVersion,
    kind: stable.kind,
    metadata: { name: canaryName(stable.metadata.name), namespace, ...copiedMetadata(stable, rollout) },
    spec: { ...spec, host, ...(Object.keys(policy).length > 0 && { trafficPolicy: policy }) },
  };
}

/** `checkout-canary.shop.svc.cluster.local` */
export function hostOf({ metadata }: Manifest | KubernetesObject, namespace: string): string {
  return `${metadata.name}.${namespace}.svc.cluster.local`;
}
