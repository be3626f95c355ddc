import type { EmbeddedCluster } from './embedded-cluster.ts';

/** A workload like a team's own: Deployment `checkout` with a Service. */
export function putShop(cluster: EmbeddedCluster, namespace: string, change: ShopChange = {}): void {
  const { image = 'registry.example/checkout:1', replicas = 3, podSpec = {}, labels = { app: 'checkout' } } = change;
  const {
    name = 'checkout',
    serviceSelector = labels,
    metadata = {},
    template = {},
    kind = 'Deployment',
    spec = {},
  } = change;
  put(cluster, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  put(cluster, {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace, ...metadata },
    spec: {
      replicas,
      ...(kind === 'StatefulSet' && { serviceName: name }),
      ...spec,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, ...template },
        spec: { containers: [{ name: 'app', image, ports: [{ containerPort: 8080 }] }], ...podSpec },
      },
    },
  });
  put(cluster, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, labels: { team: 'shop' } },
    spec: { selector: serviceSelector, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  });
}

export interface ShopChange {
  readonly name?: string;
  readonly kind?: 'Deployment' | 'StatefulSet';
  readonly image?: string;
  readonly replicas?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly serviceSelector?: Readonly<Record<string, string>>;
  readonly metadata?: object;
  readonly template?: object;
  readonly podSpec?: object;
  readonly spec?: object;
}

export function put(cluster: EmbeddedCluster, manifest: Parameters<EmbeddedCluster['api']['put']>[0]): void {
  cluster.api.put(manifest);
}

export function putAutoscaler(cluster: EmbeddedCluster, namespace: string, target: string, spec: object): void {
  put(cluster, {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: target, namespace },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target }, ...spec },
  });
}
