/** What the cluster has, small and right; cases are made of these. */

const metadata = {
  name: 'checkout',
  namespace: 'shop',
  uid: 'u',
  generation: 2,
  resourceVersion: '7',
  labels: {},
  annotations: {},
};

export const virtualService = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata,
  spec: {
    hosts: ['checkout'],
    gateways: ['shop/gw', 'mesh'],
    http: [
      {
        name: 'main',
        match: [{ uri: { prefix: '/' } }],
        route: [
          { destination: { host: 'checkout', subset: 'v1' }, weight: 100 },
          { destination: { host: 'checkout', subset: 'v2' }, weight: 0 },
        ],
      },
    ],
    subsets: [{ name: 'v1' }, { name: 'v2' }],
    host: 'checkout',
  },
  status: { observedGeneration: 2, validationMessages: [], conditions: [{ type: 'Reconciled', status: 'True' }] },
};

export const httpRoute = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata,
  spec: {
    parentRefs: [{ name: 'gw' }],
    hostnames: ['a.example'],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/' } }],
        backendRefs: [
          { name: 'checkout', port: 80, weight: 100 },
          { name: 'checkout-canary', port: 80, weight: 0 },
        ],
      },
    ],
  },
  status: {
    parents: [
      {
        parentRef: { name: 'gw' },
        controllerName: 'a.example/c',
        conditions: [{ type: 'Accepted', status: 'True', observedGeneration: 2, reason: 'Accepted', message: '' }],
      },
    ],
  },
};

export const ingress = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: {
    ...metadata,
    annotations: { 'nginx.ingress.kubernetes.io/canary': 'true', 'nginx.ingress.kubernetes.io/canary-weight': '0' },
  },
  spec: {
    ingressClassName: 'nginx',
    controller: 'k8s.io/ingress-nginx',
    rules: [
      {
        host: 'a.example',
        http: {
          paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'checkout', port: { number: 80 } } } }],
        },
      },
    ],
  },
};

export const traefikService = {
  apiVersion: 'traefik.io/v1alpha1',
  kind: 'TraefikService',
  metadata,
  spec: {
    weighted: {
      services: [
        { name: 'checkout', port: 80, weight: 100 },
        { name: 'checkout-canary', port: 80, weight: 0 },
      ],
    },
  },
};

export const kubeconfig = `apiVersion: v1
kind: Config
current-context: a
clusters:
  - name: c
    cluster: {server: "https://10.0.0.1:6443", insecure-skip-tls-verify: true, proxy-url: "http://proxy:1", tls-server-name: x}
contexts:
  - name: a
    context: {cluster: c, user: u, namespace: shop}
users:
  - name: u
    user: {token: abc, as: b, as-groups: [d], exec: {command: aws, args: [x], apiVersion: client.authentication.k8s.io/v1}}
`;

export const record = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    ...metadata,
    name: 'sluice-checkout',
    labels: { 'app.kubernetes.io/managed-by': 'sluice', 'sluice.dev/rollout': 'checkout' },
    annotations: { 'sluice.dev/command': 'abort', 'sluice.dev/why': 'because' },
  },
  data: {
    record: JSON.stringify({
      schema: 1,
      id: 'x',
      fingerprint: 'y',
      phase: 'shifting',
      step: 0,
      weight: { from: 0, to: 5 },
      route: { router: 'istio', object: 'VirtualService shop/checkout', weight: 0, data: {} },
      arms: {
        stable: 'Deployment shop/checkout',
        canary: 'Deployment shop/checkout-canary',
        revision: 'sha256:x',
        data: {},
      },
      startedAt: 1,
      startedBy: 'alice',
    }),
    history: '[]',
  },
};
