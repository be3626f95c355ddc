import { inAddress } from '../core/text.ts';

/** A kind of object, with what its URL needs. Sluice knows the kinds that it uses, so it sends no discovery requests. */
export interface ResourceType {
  /** `apps/v1`; `v1` for the core group. */
  readonly apiVersion: string;
  readonly kind: string;
  /** The plural in the URL. */
  readonly plural: string;
}

export const resources = {
  pod: { apiVersion: 'v1', kind: 'Pod', plural: 'pods' },
  service: { apiVersion: 'v1', kind: 'Service', plural: 'services' },
  configMap: { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' },
  secret: { apiVersion: 'v1', kind: 'Secret', plural: 'secrets' },
  persistentVolumeClaim: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims' },
  event: { apiVersion: 'v1', kind: 'Event', plural: 'events' },
  namespace: { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces' },
  node: { apiVersion: 'v1', kind: 'Node', plural: 'nodes' },
  deployment: { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' },
  statefulSet: { apiVersion: 'apps/v1', kind: 'StatefulSet', plural: 'statefulsets' },
  controllerRevision: { apiVersion: 'apps/v1', kind: 'ControllerRevision', plural: 'controllerrevisions' },
  replicaSet: { apiVersion: 'apps/v1', kind: 'ReplicaSet', plural: 'replicasets' },
  endpointSlice: { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', plural: 'endpointslices' },
  daemonSet: { apiVersion: 'apps/v1', kind: 'DaemonSet', plural: 'daemonsets' },
  job: { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' },
  lease: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases' },
  horizontalPodAutoscaler: {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
  },
  podDisruptionBudget: { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets' },
  ingress: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', plural: 'ingresses' },
  ingressClass: { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', plural: 'ingressclasses' },
  istioGateway: { apiVersion: 'networking.istio.io/v1', kind: 'Gateway', plural: 'gateways' },
  virtualService: { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', plural: 'virtualservices' },
  destinationRule: { apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', plural: 'destinationrules' },
  httpRoute: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', plural: 'httproutes' },
  grpcRoute: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'GRPCRoute', plural: 'grpcroutes' },
  tlsRoute: { apiVersion: 'gateway.networking.k8s.io/v1alpha2', kind: 'TLSRoute', plural: 'tlsroutes' },
  tcpRoute: { apiVersion: 'gateway.networking.k8s.io/v1alpha2', kind: 'TCPRoute', plural: 'tcproutes' },
  openShiftRoute: { apiVersion: 'route.openshift.io/v1', kind: 'Route', plural: 'routes' },
  ingressRoute: { apiVersion: 'traefik.io/v1alpha1', kind: 'IngressRoute', plural: 'ingressroutes' },
  ingressRouteTcp: { apiVersion: 'traefik.io/v1alpha1', kind: 'IngressRouteTCP', plural: 'ingressroutetcps' },
  traefikService: { apiVersion: 'traefik.io/v1alpha1', kind: 'TraefikService', plural: 'traefikservices' },
  selfSubjectReview: {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'SelfSubjectReview',
    plural: 'selfsubjectreviews',
  },
  selfSubjectAccessReview: {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    plural: 'selfsubjectaccessreviews',
  },
} as const satisfies Record<string, ResourceType>;

/** One named object. */
export interface ObjectReference {
  readonly type: ResourceType;
  /** Empty for a kind without a namespace. */
  readonly namespace: string;
  readonly name: string;
}

/** `VirtualService shop/checkout`, `Namespace shop`: the name of an object in logs, errors and reports. */
export function describe({ type, namespace, name }: ObjectReference): string {
  return namespace === '' ? `${type.kind} ${name}` : `${type.kind} ${namespace}/${name}`;
}

/** The API group of a type as RBAC rules name it; empty for the core group. */
export function apiGroup(type: ResourceType): string {
  return type.apiVersion.includes('/') ? (type.apiVersion.split('/')[0] ?? '') : '';
}

/** The URL path of a version of a group. */
export function versionPath(apiVersion: string): string {
  const version = apiVersion.split('/').map(inAddress).join('/');
  return apiVersion.includes('/') ? `/apis/${version}` : `/api/${version}`;
}

/** The URL path of a collection, or of one object in it. Without a namespace: all namespaces, or a kind that has none. */
export function resourcePath(type: ResourceType, namespace: string | undefined, name?: string): string {
  const root = versionPath(type.apiVersion);
  const scope = !namespace ? '' : `/namespaces/${inAddress(namespace)}`;
  return `${root}${scope}/${inAddress(type.plural)}${name === undefined ? '' : `/${inAddress(name)}`}`;
}
