/** The server's knowledge of one kind. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** From a CustomResourceDefinition: no strategic merge patch, all lists atomic, updates need a resourceVersion. */
  readonly custom: boolean;
  /** Has `metadata.generation`, which every change outside `metadata` and `status` raises. */
  readonly generation: boolean;
  readonly status: boolean;
  readonly scale: boolean;
  /** A PUT without `metadata.resourceVersion` overwrites. */
  readonly unconditionalUpdate: boolean;
  /** A PUT of an object that does not exist creates it. */
  readonly createOnUpdate: boolean;
  /** Field selectors beyond `metadata.name` and `metadata.namespace`. */
  readonly selectableFields: readonly string[];
}

type Traits = Partial<Omit<Resource, 'group' | 'version' | 'plural' | 'kind'>>;

function builtIn(apiVersion: string, plural: string, kind: string, traits: Traits = {}): Resource {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  return {
    group,
    version,
    plural,
    kind,
    namespaced: true,
    custom: false,
    generation: false,
    status: false,
    scale: false,
    unconditionalUpdate: true,
    createOnUpdate: false,
    selectableFields: [],
    ...traits,
  };
}

function custom(apiVersion: string, plural: string, kind: string, traits: Traits = {}): Resource {
  const always = { custom: true, generation: true, unconditionalUpdate: false };
  return builtIn(apiVersion, plural, kind, { ...always, status: true, ...traits });
}

const workload: Traits = { generation: true, status: true, scale: true };

export const pods = builtIn('v1', 'pods', 'Pod', {
  generation: true,
  status: true,
  selectableFields: ['spec.nodeName', 'spec.restartPolicy', 'status.phase', 'status.podIP'],
});
export const services = builtIn('v1', 'services', 'Service', { status: true, createOnUpdate: true });
export const configMaps = builtIn('v1', 'configmaps', 'ConfigMap');
export const events = builtIn('v1', 'events', 'Event', {
  createOnUpdate: true,
  selectableFields: [
    'involvedObject.kind',
    'involvedObject.name',
    'involvedObject.namespace',
    'involvedObject.uid',
    'reason',
    'type',
  ],
});
export const namespaces = builtIn('v1', 'namespaces', 'Namespace', {
  namespaced: false,
  status: true,
  selectableFields: ['status.phase'],
});
export const deployments = builtIn('apps/v1', 'deployments', 'Deployment', workload);
export const statefulSets = builtIn('apps/v1', 'statefulsets', 'StatefulSet', workload);
export const replicaSets = builtIn('apps/v1', 'replicasets', 'ReplicaSet', {
  ...workload,
  selectableFields: ['status.replicas'],
});
export const controllerRevisions = builtIn('apps/v1', 'controllerrevisions', 'ControllerRevision');
export const endpointSlices = builtIn('discovery.k8s.io/v1', 'endpointslices', 'EndpointSlice', { generation: true });
export const horizontalPodAutoscalers = builtIn(
  'autoscaling/v2',
  'horizontalpodautoscalers',
  'HorizontalPodAutoscaler',
  { status: true },
);
export const ingresses = builtIn('networking.k8s.io/v1', 'ingresses', 'Ingress', { generation: true, status: true });
const ingressClasses = builtIn('networking.k8s.io/v1', 'ingressclasses', 'IngressClass', {
  namespaced: false,
  generation: true,
});
export const virtualServices = custom('networking.istio.io/v1', 'virtualservices', 'VirtualService');
export const destinationRules = custom('networking.istio.io/v1', 'destinationrules', 'DestinationRule');
export const httpRoutes = custom('gateway.networking.k8s.io/v1', 'httproutes', 'HTTPRoute');
export const grpcRoutes = custom('gateway.networking.k8s.io/v1', 'grpcroutes', 'GRPCRoute');
export const traefikServices = custom('traefik.io/v1alpha1', 'traefikservices', 'TraefikService', { status: false });
export const ingressRoutes = custom('traefik.io/v1alpha1', 'ingressroutes', 'IngressRoute', { status: false });

/** Kinds that select pods and are only stored: nothing in the lab acts on them. */
const selecting: readonly Resource[] = [
  builtIn('networking.k8s.io/v1', 'networkpolicies', 'NetworkPolicy', { generation: true }),
  custom('cilium.io/v2', 'ciliumnetworkpolicies', 'CiliumNetworkPolicy'),
  custom('crd.projectcalico.org/v1', 'networkpolicies', 'NetworkPolicy'),
  custom('security.istio.io/v1', 'authorizationpolicies', 'AuthorizationPolicy'),
  custom('security.istio.io/v1', 'peerauthentications', 'PeerAuthentication'),
  custom('security.istio.io/v1', 'requestauthentications', 'RequestAuthentication'),
  custom('policy.linkerd.io/v1beta3', 'servers', 'Server'),
  custom('networking.istio.io/v1', 'sidecars', 'Sidecar'),
  custom('networking.istio.io/v1alpha3', 'envoyfilters', 'EnvoyFilter'),
  custom('telemetry.istio.io/v1', 'telemetries', 'Telemetry'),
  custom('extensions.istio.io/v1alpha1', 'wasmplugins', 'WasmPlugin'),
  custom('monitoring.coreos.com/v1', 'podmonitors', 'PodMonitor'),
  custom('monitoring.coreos.com/v1', 'servicemonitors', 'ServiceMonitor'),
  custom('monitoring.googleapis.com/v1', 'podmonitorings', 'PodMonitoring'),
  custom('operator.victoriametrics.com/v1beta1', 'vmpodscrapes', 'VMPodScrape'),
  custom('operator.victoriametrics.com/v1beta1', 'vmservicescrapes', 'VMServiceScrape'),
  custom('autoscaling.k8s.io/v1', 'verticalpodautoscalers', 'VerticalPodAutoscaler'),
];

/** Of Chaos Mesh and Litmus: stored, and nothing in the lab acts on them. Tests play what their controllers do. */
const chaos: readonly Resource[] = [
  ...['PodChaos', 'NetworkChaos', 'HTTPChaos', 'StressChaos', 'IOChaos', 'TimeChaos', 'DNSChaos'].map((kind) =>
    custom('chaos-mesh.org/v1alpha1', kind.toLowerCase(), kind, { status: false }),
  ),
  custom('chaos-mesh.org/v1alpha1', 'schedules', 'Schedule', { status: false }),
  custom('chaos-mesh.org/v1alpha1', 'workflows', 'Workflow'),
  custom('chaos-mesh.org/v1alpha1', 'workflownodes', 'WorkflowNode'),
  ...['PodNetworkChaos', 'PodHttpChaos', 'PodIOChaos'].map((kind) =>
    custom('chaos-mesh.org/v1alpha1', kind.toLowerCase(), kind),
  ),
  custom('litmuschaos.io/v1alpha1', 'chaosengines', 'ChaosEngine', { status: false }),
  custom('litmuschaos.io/v1alpha1', 'chaosresults', 'ChaosResult', { status: false }),
];

/** A kind of somebody's own, whose plural follows from no rule. */
const mice = custom('field.example/v1', 'mice', 'Mouse');

/** Kinds that are stored. */
export const storedResources: readonly Resource[] = [
  pods,
  services,
  builtIn('v1', 'endpoints', 'Endpoints', { createOnUpdate: true }),
  configMaps,
  builtIn('v1', 'secrets', 'Secret', { selectableFields: ['type'] }),
  events,
  namespaces,
  deployments,
  statefulSets,
  replicaSets,
  controllerRevisions,
  endpointSlices,
  builtIn('coordination.k8s.io/v1', 'leases', 'Lease', { unconditionalUpdate: false, createOnUpdate: true }),
  horizontalPodAutoscalers,
  builtIn('policy/v1', 'poddisruptionbudgets', 'PodDisruptionBudget', {
    generation: true,
    status: true,
    unconditionalUpdate: false,
  }),
  ingresses,
  ingressClasses,
  virtualServices,
  destinationRules,
  httpRoutes,
  grpcRoutes,
  custom('gateway.networking.k8s.io/v1', 'gateways', 'Gateway'),
  custom('networking.istio.io/v1', 'gateways', 'Gateway'),
  traefikServices,
  ingressRoutes,
  builtIn('v1', 'persistentvolumeclaims', 'PersistentVolumeClaim', { status: true }),
  ...selecting,
  ...chaos,
  mice,
];

/** Kinds that are answered and never stored. */
export const reviewResources: readonly Resource[] = [
  builtIn('authorization.k8s.io/v1', 'selfsubjectaccessreviews', 'SelfSubjectAccessReview', { namespaced: false }),
  builtIn('authorization.k8s.io/v1', 'selfsubjectrulesreviews', 'SelfSubjectRulesReview', { namespaced: false }),
  builtIn('authentication.k8s.io/v1', 'selfsubjectreviews', 'SelfSubjectReview', { namespaced: false }),
];

const served = [...storedResources, ...reviewResources];

/** `apps/v1`; `v1` for the core group. */
export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** `deployments.apps`: the name of a resource in the server's messages. */
export function qualifiedName(resource: Resource): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

export function findResource(apiVersion: string, plural: string): Resource | undefined {
  return served.find((resource) => resource.plural === plural && apiVersionOf(resource) === apiVersion);
}

export function findKind(apiVersion: string, kind: string): Resource | undefined {
  return served.find((resource) => resource.kind === kind && apiVersionOf(resource) === apiVersion);
}

/** Group versions with their resources, as in discovery. */
export function groupVersions(): Map<string, Resource[]> {
  return Map.groupBy(served, apiVersionOf);
}
