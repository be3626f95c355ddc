import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../api-server/objects.ts';
import { suffix } from '../api-server/registry.ts';
import { endpointSlices, pods, services } from '../api-server/resources.ts';
import { type Cluster, controlledBy, keyOf, manager, ownerReference, type Reconciler } from './cluster.ts';
import { isReady, isTerminating, podView, serviceView } from './views.ts';

/** One EndpointSlice for each Service with a selector. Its ports are those of the pods; an annotation has the lab's real ones. */
export function endpointSliceController(cluster: Cluster, random: () => number): Reconciler {
  const { storage, registry } = cluster;

  function reconcile(service: KubeObject): undefined {
    const { selector, ports } = serviceView.parse(service).spec;
    const { name, namespace = '' } = service.metadata;
    if (selector === undefined) return;
    const wanted = Object.entries(selector);
    const content = {
      addressType: 'IPv4',
      endpoints: storage
        .list(pods, namespace)
        .filter((pod) => wanted.every(([key, value]) => pod.metadata.labels?.[key] === value))
        .flatMap(endpointOf),
      ports: ports.map(({ name: port = '', targetPort }) => ({ name: port, port: targetPort, protocol: 'TCP' })),
    };
    const [slice] = controlledBy(cluster, endpointSlices, service);
    if (slice === undefined) {
      const labels = {
        'kubernetes.io/service-name': name,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      };
      const metadata = {
        name: `${name}-${suffix(random)}`,
        labels,
        ownerReferences: [ownerReference(services, service)],
      };
      registry.create(endpointSlices, namespace, { metadata, ...content }, { manager });
    } else if (
      !isDeepStrictEqual(slice.endpoints, content.endpoints) ||
      !isDeepStrictEqual(slice.ports, content.ports)
    ) {
      registry.modify(keyOf(endpointSlices, slice), (current) => ({ ...current, ...content }), { manager });
    }
  }

  return { resource: services, reconcile };
}

function endpointOf(pod: KubeObject) {
  const { status, spec } = podView.parse(pod);
  if (status.podIP === undefined) return [];
  const serving = isReady(pod);
  const terminating = isTerminating(pod);
  const { name, namespace, uid } = pod.metadata;
  return [
    {
      addresses: [status.podIP],
      conditions: { ready: serving && !terminating, serving, terminating },
      nodeName: spec.nodeName,
      targetRef: { kind: 'Pod', name, namespace, uid },
    },
  ];
}
