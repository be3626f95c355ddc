import * as z from 'zod';
import { describe, resources } from '../cluster/resources.ts';
import { type KubernetesObject, kubernetesObject, type Manifest } from '../cluster/schema.ts';
import type { Labels } from '../cluster/selectors.ts';
import { SluiceError } from '../core/errors.ts';
import { canaryName } from './canary-workload.ts';
import { copiedMetadata } from './copied-metadata.ts';

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

/** Fields that a copy of a Service has in common with it. The others are addresses or belong to a load balancer. */
const sharedServiceFields = [
  'sessionAffinity',
  'sessionAffinityConfig',
  'publishNotReadyAddresses',
  'internalTrafficPolicy',
  'trafficDistribution',
  'ipFamilies',
  'ipFamilyPolicy',
] as const;

/**
 * The canary's own Service: the stable one's ports, the canary's pods, reachable only inside the cluster.
 *
 * @param place `selecting`: labels that monitors select Services by
 */
export function canaryService(
  stable: Service,
  labels: Labels,
  place: { readonly namespace: string; readonly rollout: string; readonly selecting?: ReadonlySet<string> },
) {
  const { namespace, rollout, selecting = new Set() } = place;
  const { spec } = stable;
  const shared = sharedServiceFields.flatMap((field) => (spec[field] === undefined ? [] : [[field, spec[field]]]));
  const headless = spec.clusterIP === 'None';
  const name = canaryName(stable.metadata.name);
  if (name.length > LONGEST_SERVICE) throw tooLong(stable, namespace);
  return {
    apiVersion: stable.apiVersion,
    kind: stable.kind,
    metadata: {
      name,
      namespace,
      ...copiedMetadata(stable, rollout, { selecting, pods: labels }),
    },
    spec: {
      ...Object.fromEntries(shared),
      type: 'ClusterIP',
      ...(headless && { clusterIP: 'None' }),
      selector: labels,
      ports: (spec.ports ?? []).map(({ nodePort: _, ...port }) => port),
    },
  };
}

/** A Service's name is a DNS label. */
const LONGEST_SERVICE = 63;

function tooLong({ metadata: { name } }: Service, namespace: string): SluiceError {
  return new SluiceError('unsupported', {
    about: describe({ type: resources.service, namespace, name }),
    problem: `has a name of ${name.length} characters, and ${canaryName(name)} would have more than the ${LONGEST_SERVICE} that a Service may have.`,
    next: `Add a Service with a shorter name for the route, or run two workloads of your own with a Service each.`,
  });
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

/** Whether a DestinationRule in the Service's namespace applies to it, by its short or a qualified name. */
export function isAbout({ spec }: DestinationRule, serviceName: string, namespace: string): boolean {
  const [name, ...rest] = spec.host.split('.');
  const domain = rest.join('.');
  return name === serviceName && (domain === '' || domain === namespace || domain.startsWith(`${namespace}.svc`));
}

/**
 * The DestinationRule of the canary's host, with the connection pools, TLS and outlier detection of the stable arm. A subset's
 * settings replace those of the host one by one, as in Istio.
 *
 * @param canary the subset that the route sends stable requests to, and the host of the canary
 */
export function canaryDestinationRule(
  stable: DestinationRule,
  { subset, host }: { readonly subset: string | undefined; readonly host: string },
  { namespace, rollout }: { readonly namespace: string; readonly rollout: string },
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
