import { input } from '../../runner/input-schema.ts';
import { choice, list, route, service, text } from '../../runner/input-types.ts';

/** The kinds of routes, and the router for each. */
export const routersByKind = {
  virtualservice: 'istio',
  httproute: 'gateway-api',
  grpcroute: 'gateway-api',
  ingress: 'nginx',
  traefikservice: 'traefik',
} as const;

/** The inputs about the router and its route. */
export const routeInputs = {
  router: input(choice('istio', 'gateway-api', 'nginx', 'traefik', 'replicas'), {
    group: 'route',
    description:
      'What moves the traffic. Derived from the kind of `route`; required for `replicas`, which has no route and approximates the weight by numbers of pods.',
    example: 'istio',
  }),
  route: input(route('virtualservice', 'httproute', 'grpcroute', 'ingress', 'traefikservice'), {
    group: 'route',
    description: 'The object that holds the weights. Only weights change, and the canary’s destination.',
    example: 'virtualservice/checkout',
  }),
  'route-rules': input(list, {
    group: 'route',
    description: 'Names or places (`http[0]`) of the rules to shift. Without it, every rule that names the stable arm.',
    example: 'primary',
  }),
  'stable-service': input(service, {
    group: 'route',
    description: 'Service of the stable arm, where each arm has its own.',
    example: 'checkout-v1',
  }),
  'canary-service': input(service, {
    group: 'route',
    description: 'Service of the canary, where each arm has its own.',
    example: 'checkout-v2',
  }),
  'stable-subset': input(text, {
    group: 'route',
    description:
      'Istio: subset of the stable arm in the DestinationRule of `service`. With `workload`, where the route names one.',
    example: 'v1',
  }),
  'canary-subset': input(text, {
    group: 'route',
    description: 'Istio: subset of the canary in the DestinationRule of `service`.',
    example: 'v2',
  }),
  'canary-ingress': input(route('ingress'), {
    group: 'route',
    description:
      'NGINX: the Ingress with the canary annotations. Without it, one named like `route` with `-canary` behind; made for the time of the rollout where it does not exist.',
    example: 'ingress/checkout-canary',
  }),
  gitops: input(choice('refuse', 'ignore-rule-present'), {
    group: 'route',
    description:
      'When Argo CD or Flux manages the weights: `refuse`, with the ignore rule to add; `ignore-rule-present` once it is there.',
    default: 'refuse',
    example: 'ignore-rule-present',
  }),
};
