import type { JsonRecord } from './api-server/objects.ts';

/** How requests are split between the arms. */
export type RouterKind = 'istio' | 'istio-hosts' | 'gateway-api' | 'nginx' | 'traefik' | 'replicas';

export interface ShopOptions {
  readonly router: RouterKind;
  /** `both`: a canary workload exists already; `one`: only the stable one, and nothing names a canary. */
  readonly arms: 'both' | 'one';
  readonly workload: 'Deployment' | 'StatefulSet';
  readonly replicas: { readonly stable: number; readonly canary: number };
}

export const namespace = 'shop';

export const stableImage = 'registry.example/checkout:1.0.0';
export const canaryImage = 'registry.example/checkout:1.1.0';

/** The `Host` header that reaches the shop. */
export function shopHost(router: RouterKind): string {
  return router === 'replicas' ? 'checkout.shop' : 'checkout.example';
}

/**
 * The objects of the demo shop in namespace `shop`: workloads `checkout` (label `version: v1`) and `checkout-canary` (`v2`),
 * their Services, and the route `checkout` with all its weight on the stable arm.
 */
export function shopManifests(options: ShopOptions): JsonRecord[] {
  const { router, arms, replicas, workload } = options;
  const both = arms === 'both';
  const bySubset = router === 'istio' || router === 'replicas' || !both;
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    service('checkout', bySubset ? { app: 'checkout' } : { app: 'checkout', version: 'v1' }),
    workloadManifest(workload, 'checkout', 'v1', stableImage, replicas.stable),
  ];
  if (both) {
    objects.push(service('checkout-canary', { app: 'checkout', version: 'v2' }));
    objects.push(workloadManifest(workload, 'checkout-canary', 'v2', canaryImage, replicas.canary));
  }
  return [...objects, ...routes(router, both)];
}

function object(
  apiVersion: string,
  kind: string,
  name: string,
  content: JsonRecord,
  metadata: JsonRecord = {},
): JsonRecord {
  return { apiVersion, kind, metadata: { name, namespace, ...metadata }, ...content };
}

function service(name: string, selector: JsonRecord): JsonRecord {
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  return object('v1', 'Service', name, { spec: { selector, ports } });
}

function workloadManifest(kind: string, name: string, version: string, image: string, replicas: number): JsonRecord {
  const labels = { app: 'checkout', version };
  const annotations = { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' };
  const container = { name: 'checkout', image, ports: [{ name: 'http', containerPort: 8080 }] };
  const template = { metadata: { labels, annotations }, spec: { containers: [container] } };
  const own = kind === 'StatefulSet' ? { serviceName: name } : {};
  return object(
    'apps/v1',
    kind,
    name,
    { spec: { ...own, replicas, selector: { matchLabels: labels }, template } },
    { labels },
  );
}

function routes(router: RouterKind, both: boolean): JsonRecord[] {
  const host = shopHost(router);
  const arms = both ? (['checkout', 'checkout-canary'] as const) : (['checkout'] as const);
  const weights = arms.map((name) => ({ name, weight: name === 'checkout' ? 100 : 0 }));
  switch (router) {
    case 'istio':
    case 'istio-hosts': {
      const subsets = arms.map((name) => (name === 'checkout' ? 'stable' : 'canary'));
      const route = weights.map(({ name, weight }, index) => ({
        destination: router === 'istio' ? { host: 'checkout', subset: subsets[index] } : { host: name },
        weight,
      }));
      const virtualService = object('networking.istio.io/v1', 'VirtualService', 'checkout', {
        spec: { hosts: [host], http: [{ name: 'primary', retries: { attempts: 0 }, timeout: '15s', route }] },
      });
      const rule = object('networking.istio.io/v1', 'DestinationRule', 'checkout', {
        spec: {
          host: 'checkout',
          subsets: subsets.map((name) => ({ name, labels: { version: name === 'stable' ? 'v1' : 'v2' } })),
        },
      });
      return router === 'istio' ? [rule, virtualService] : [virtualService];
    }
    case 'gateway-api': {
      const rules = [{ backendRefs: weights.map((arm) => ({ ...arm, port: 80 })) }];
      const gateway = { gatewayClassName: 'embedded', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] };
      return [
        object('gateway.networking.k8s.io/v1', 'Gateway', 'public', { spec: gateway }),
        object('gateway.networking.k8s.io/v1', 'HTTPRoute', 'checkout', {
          spec: { parentRefs: [{ name: 'public' }], hostnames: [host], rules },
        }),
      ];
    }
    case 'nginx': {
      const canary = { 'nginx.ingress.kubernetes.io/canary': 'true', 'nginx.ingress.kubernetes.io/canary-weight': '0' };
      return [
        {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'IngressClass',
          metadata: { name: 'nginx' },
          spec: { controller: 'k8s.io/ingress-nginx' },
        },
        ...arms.map((name) => ingress(name, host, name === 'checkout' ? {} : { annotations: canary })),
      ];
    }
    case 'traefik': {
      const services = weights.map((arm) => ({ ...arm, port: 80 }));
      const target = [{ name: 'checkout', kind: 'TraefikService' }];
      return [
        object('traefik.io/v1alpha1', 'TraefikService', 'checkout', { spec: { weighted: { services } } }),
        object('traefik.io/v1alpha1', 'IngressRoute', 'checkout', {
          spec: { entryPoints: ['web'], routes: [{ kind: 'Rule', match: `Host(\`${host}\`)`, services: target }] },
        }),
      ];
    }
    case 'replicas':
      return [];
  }
}

function ingress(name: string, host: string, metadata: JsonRecord): JsonRecord {
  const backend = { service: { name, port: { number: 80 } } };
  const rules = [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }];
  return object('networking.k8s.io/v1', 'Ingress', name, { spec: { ingressClassName: 'nginx', rules } }, metadata);
}
