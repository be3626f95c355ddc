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

const template = {
  metadata: { labels: { app: 'checkout' }, annotations: { 'prometheus.io/port': '8080' } },
  spec: {
    containers: [
      {
        name: 'app',
        image: 'shop:1',
        ports: [{ name: 'http', containerPort: 8080 }],
        env: [
          { name: 'A', value: 'x' },
          { name: 'B', valueFrom: { secretKeyRef: { name: 'db', key: 'p' } } },
        ],
        livenessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 10 },
      },
    ],
    volumes: [
      { name: 'c', configMap: { name: 'shop' } },
      { name: 'd', persistentVolumeClaim: { claimName: 'd' } },
    ],
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'x' }] } },
    topologySpreadConstraints: [{ maxSkew: 1, labelSelector: { matchLabels: { app: 'checkout' } } }],
  },
};

const owner = [{ kind: 'Deployment', name: 'checkout', uid: 'u', controller: true }];

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    ...metadata,
    managedFields: [{ manager: 'helm', operation: 'Update', fieldsV1: { 'f:spec': { 'f:replicas': {} } } }],
  },
  spec: { replicas: 2, selector: { matchLabels: { app: 'checkout' } }, template, strategy: { type: 'RollingUpdate' } },
  status: {
    replicas: 2,
    readyReplicas: 2,
    updatedReplicas: 2,
    availableReplicas: 2,
    observedGeneration: 2,
    conditions: [{ type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message: '' }],
  },
};

export const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    ...metadata,
    name: 'checkout-1',
    labels: { app: 'checkout', 'pod-template-hash': 'h' },
    annotations: { 'prometheus.io/path': '/metrics', 'prometheus.io/port': '8080', 'prometheus.io/scheme': 'http' },
    creationTimestamp: '2026-01-01T00:00:00Z',
    ownerReferences: [{ kind: 'ReplicaSet', name: 'checkout-h', uid: 'r', controller: true }],
  },
  spec: template.spec,
  status: {
    phase: 'Running',
    startTime: '2026-01-01T00:00:00Z',
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    containerStatuses: [
      {
        name: 'app',
        ready: true,
        restartCount: 1,
        imageID: `docker.io/shop@sha256:${'a'.repeat(64)}`,
        state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
        lastState: { terminated: { reason: 'OOMKilled', exitCode: 137, message: 'x' } },
      },
    ],
  },
};

/** A workload with all that the arms of a rollout look at, by the plural of each kind. */
export const shop = {
  deployments: deployment,
  replicasets: {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      ...metadata,
      name: 'checkout-h',
      labels: { 'pod-template-hash': 'h' },
      annotations: { 'deployment.kubernetes.io/revision': '3' },
      ownerReferences: owner,
    },
    spec: { replicas: 2, selector: { matchLabels: { app: 'checkout' } }, template },
  },
  pods: pod,
  services: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { type: 'ClusterIP', selector: { app: 'checkout' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    status: { loadBalancer: {} },
  },
  endpointslices: {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata,
    endpoints: [{ conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'checkout-1' } }],
  },
  horizontalpodautoscalers: {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata,
    spec: { scaleTargetRef: { kind: 'Deployment', name: 'checkout' }, minReplicas: 2, maxReplicas: 4 },
  },
  poddisruptionbudgets: {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata,
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'checkout' } } },
  },
  networkpolicies: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata,
    spec: { podSelector: { matchLabels: { app: 'checkout' } }, ingress: [{ from: [{ podSelector: {} }] }] },
  },
  destinationrules: {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata,
    spec: { host: 'checkout', trafficPolicy: {}, subsets: [{ name: 'v1', labels: { version: 'v1' } }] },
  },
  persistentvolumeclaims: {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata,
    spec: { accessModes: ['ReadWriteMany'] },
  },
  leases: {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata,
    spec: { holderIdentity: 'checkout-1_x', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:00.000000Z' },
  },
  events: {
    apiVersion: 'v1',
    kind: 'Event',
    metadata,
    type: 'Warning',
    reason: 'FailedCreate',
    message: 'exceeded quota: small',
    involvedObject: { kind: 'ReplicaSet', name: 'checkout-h' },
    lastTimestamp: '2026-01-01T00:00:00Z',
  },
};

/** Objects of the kinds whose state a deploy waits for. */
export const statuses = [
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata,
    spec: { replicas: 2, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } },
    status: { observedGeneration: 2, replicas: 2, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata,
    spec: { updateStrategy: { type: 'OnDelete' } },
    status: { observedGeneration: 2, desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberAvailable: 1 },
  },
  {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata,
    spec: { completions: 1, parallelism: 1, backoffLimit: 1 },
    status: { active: 1, failed: 1, conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] },
  },
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec: {}, status: { phase: 'Pending' } },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { type: 'LoadBalancer', clusterIP: '10.0.0.1' },
    status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
  },
  {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata,
    spec: {},
    status: { conditions: [{ type: 'Established', status: 'True' }] },
  },
  {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata,
    status: { observedGeneration: 2, conditions: [{ type: 'Ready', status: 'False', reason: 'x', message: 'y' }] },
  },
];
