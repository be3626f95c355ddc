import type { Router } from '../../canary/ports.ts';
import type { KubernetesClient } from '../../cluster/client.ts';
import { createGatewayApiRouter, type GatewayApiOptions } from './gateway-api.ts';
import { createIstioRouter, type IstioOptions } from './istio.ts';
import { createNginxRouter, type NginxOptions } from './nginx.ts';
import { createReplicasRouter, type ReplicasOptions } from './replicas.ts';
import { createTraefikRouter, type TraefikOptions } from './traefik.ts';
import type { RouterDependencies } from './weighted-route.ts';

export type { Router } from '../../canary/ports.ts';
export type { GatewayApiOptions } from './gateway-api.ts';
export type { IstioDestination, IstioOptions } from './istio.ts';
export type { ServiceReference } from './services.ts';
export type { TraefikOptions } from './traefik.ts';

/** The kind of a route, and which of its destinations are the arms. */
export type RouterOptions = IstioOptions | GatewayApiOptions | NginxOptions | TraefikOptions | ReplicasOptions;

/**
 * The router for these options. Does not read or write anything yet.
 *
 * @throws SluiceError `invalid-input` if both arms are the same destination
 */
export function createRouter(
  options: RouterOptions,
  client: KubernetesClient,
  dependencies: Omit<RouterDependencies, 'client'>,
): Router {
  const all = { client, ...dependencies };
  switch (options.kind) {
    case 'istio':
      return createIstioRouter(options, all);
    case 'gateway-api':
      return createGatewayApiRouter(options, all);
    case 'nginx':
      return createNginxRouter(options, all);
    case 'traefik':
      return createTraefikRouter(options, all);
    case 'replicas':
      return createReplicasRouter(options, all);
  }
}
