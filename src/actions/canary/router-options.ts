import type { Arm } from '../../judge/readings.ts';
import type { IstioDestination, RouterOptions, ServiceReference } from '../../routes/weights/index.ts';
import type { ServiceInput } from '../../runner/input-types.ts';
import type { ArmTarget } from '../../workloads/arm-view.ts';
import { canaryName } from '../../workloads/canary-workload.ts';
import { routerOf } from './contradictions.ts';
import type { CanaryInputs } from './inputs.ts';

/** The workloads that the inputs name, as found in the cluster. */
export type Workloads = Readonly<Record<Arm, Pick<ArmTarget, 'kind' | 'name' | 'pods'>>>;

/** Where the release takes place. */
export interface Place {
  readonly namespace: string;
  readonly workloads: Workloads;
}

/** The inputs that say what moves the traffic, and between which Services. */
export type RouteInputs = Pick<
  CanaryInputs,
  | 'workload'
  | 'router'
  | 'route'
  | 'route-rules'
  | 'service'
  | 'stable-service'
  | 'canary-service'
  | 'stable-subset'
  | 'canary-subset'
  | 'canary-ingress'
  | 'gitops'
>;

/** The router's options. */
export function routerOptions(inputs: RouteInputs, { namespace, workloads }: Place): RouterOptions {
  const { gitops, route } = inputs;
  const common = { namespace, name: route?.name ?? '', gitops, canaryIsCreated: inputs.workload !== undefined };
  const rules = inputs['route-rules'];
  const weighted = { ...common, ...(rules && { rules }) };
  const services = servicesOf(inputs);
  switch (routerOf(inputs)) {
    // The inputs have passed the contradiction checks, so the kind of the router is known here.
    case undefined:
    case 'istio':
      return { kind: 'istio', ...weighted, ...istioDestinations(inputs, services) };
    case 'gateway-api': {
      const kind = route?.kind === 'grpcroute' ? 'GRPCRoute' : 'HTTPRoute';
      return { kind: 'gateway-api', ...weighted, route: kind, ...references(services) };
    }
    case 'nginx': {
      const canaryIngress = inputs['canary-ingress']?.name ?? canaryName(common.name);
      return { kind: 'nginx', ...common, canaryIngress, stable: services.stable.name, canary: services.canary.name };
    }
    case 'traefik':
      return { kind: 'traefik', ...common, ...references(services) };
    case 'replicas': {
      const { name: _, ...rest } = common;
      return { kind: 'replicas', ...rest, service: services.stable.name, ...workloads };
    }
  }
}

type Services = Readonly<Record<Arm, ServiceInput>>;

/** The Services of both arms: one for each, a shared one, or the one that Sluice creates for the canary. */
export function servicesOf(inputs: RouteInputs): Services {
  const shared = inputs.service ?? { name: '' };
  if (routerOf(inputs) === 'replicas') return { stable: shared, canary: shared };
  if (inputs.workload) return { stable: shared, canary: { ...shared, name: canaryName(shared.name) } };
  return { stable: inputs['stable-service'] ?? shared, canary: inputs['canary-service'] ?? shared };
}

function istioDestinations(inputs: RouteInputs, services: Services): Record<Arm, IstioDestination> {
  const destination = ({ name, namespace, port }: ServiceInput, subset: string | undefined): IstioDestination => ({
    host: namespace === undefined ? name : `${name}.${namespace}.svc.cluster.local`,
    ...(port !== undefined && { port: Number(port) }),
    ...(subset !== undefined && { subset }),
  });
  return {
    stable: destination(services.stable, inputs['stable-subset']),
    canary: destination(services.canary, inputs['canary-subset']),
  };
}

function references({ stable, canary }: Services): Record<Arm, ServiceReference> {
  const reference = ({ port, ...rest }: ServiceInput): ServiceReference => ({
    ...rest,
    ...(port !== undefined && { port: /^\d+$/.test(port) ? Number(port) : port }),
  });
  return { stable: reference(stable), canary: reference(canary) };
}
