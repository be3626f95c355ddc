import type { IncomingMessage } from 'node:http';
import type { Storage } from '../api-server/storage.ts';
import { gatewayApiRoutes } from './gateway-api.ts';
import { istioRoutes } from './istio.ts';
import { nginxRoutes } from './nginx.ts';
import { serviceRoutes } from './services.ts';
import { traefikRoutes } from './traefik.ts';

/** The destination of a share of a route's requests. */
export interface Destination {
  /** Relative to the other destinations of the route. */
  readonly weight: number;
  readonly namespace: string;
  readonly service: string;
  readonly port: number | undefined;
  /** Only pods with these labels. */
  readonly subset?: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
}

/** What is injected into a route's requests; each share is from 0 to 1, and independent of the other. */
export interface RouteFault {
  readonly delay?: { readonly share: number; readonly milliseconds: number };
  readonly abort?: { readonly share: number; readonly status: number; readonly grpcStatus?: string };
}

export interface Route {
  readonly kind: 'istio' | 'gateway-api' | 'nginx' | 'traefik' | 'service';
  /** `VirtualService shop/checkout` */
  readonly object: string;
  /** Name of the object. */
  readonly name: string;
  /** `checkout.example`, `*.example`, `*` */
  readonly hosts: readonly string[];
  readonly matches: (request: IncomingMessage) => boolean;
  readonly destinations: readonly Destination[];
  readonly fault?: RouteFault;
  /** Overrides the weights for some requests. */
  readonly choose?: (request: IncomingMessage) => Destination | undefined;
}

/** All routes that the stored objects describe; the first match wins. Plain Services come last. */
export function compileRoutes(storage: Storage): Route[] {
  return [istioRoutes, gatewayApiRoutes, nginxRoutes, traefikRoutes, serviceRoutes].flatMap((compile) =>
    compile(storage),
  );
}

export function findRoute(routes: readonly Route[], request: IncomingMessage): Route | undefined {
  const [host = ''] = (request.headers.host ?? '').split(':');
  return routes.find((route) => route.hosts.some((pattern) => matchesHost(pattern, host)) && route.matches(request));
}

function matchesHost(pattern: string, host: string): boolean {
  return pattern === '*' || pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)));
}

/** One destination at random by weight; undefined if all weights are zero. */
export function pick(destinations: readonly Destination[], random: () => number): Destination | undefined {
  const total = destinations.reduce((sum, { weight }) => sum + weight, 0);
  let left = random() * total;
  return destinations.find(({ weight }) => {
    left -= weight;
    return weight > 0 && left < 0;
  });
}

/** The path of a request without its query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?')[0] ?? '/';
}

/** Path prefixes match whole elements: `/shop` is a prefix of `/shop/cart` and not of `/shopping`. */
export function hasPathPrefix(path: string, prefix: string): boolean {
  const trimmed = prefix.replace(/\/$/, '');
  return path === trimmed || path.startsWith(`${trimmed}/`);
}

/** The host names of a Service, from anywhere or from its own namespace. */
export function serviceHosts(name: string, namespace: string): string[] {
  return [name, `${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`];
}

/** `checkout`, `checkout.shop` and `checkout.shop.svc.cluster.local` as seen from a namespace. */
export function parseServiceHost(host: string, from: string): { service: string; namespace: string } {
  const [service = '', namespace = from] = host.split('.');
  return { service, namespace };
}
