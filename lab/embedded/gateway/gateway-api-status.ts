import { recordOf, timestamp } from '../api-server/objects.ts';
import type { Registry } from '../api-server/registry.ts';
import { grpcRoutes, httpRoutes, services } from '../api-server/resources.ts';
import type { Storage } from '../api-server/storage.ts';
import { routeView } from './gateway-api.ts';

const controllerName = 'embedded-lab/gateway';

/** Writes the generation that the gateway now follows to the status of every HTTPRoute and GRPCRoute. */
export function reportRoutes(storage: Storage, registry: Registry, now: number): void {
  for (const resource of [httpRoutes, grpcRoutes]) {
    for (const object of storage.list(resource)) {
      const { name, namespace = '', generation } = object.metadata;
      const { parentRefs, rules } = routeView.parse(object).spec;
      const resolved = rules
        .flatMap(({ backendRefs }) => backendRefs)
        .every((backend) => storage.get(services, backend.namespace ?? namespace, backend.name) !== undefined);
      const { parents } = recordOf(object.status);
      const before = (Array.isArray(parents) ? parents : []).flatMap((parent) => recordOf(parent).conditions ?? []);
      const condition = (type: string, holds: boolean, reason: string) => {
        const status = holds ? 'True' : 'False';
        const same = before.map(recordOf).find((known) => known.type === type && known.status === status);
        const lastTransitionTime = same?.lastTransitionTime ?? timestamp(now);
        return { type, status, reason, message: '', observedGeneration: generation, lastTransitionTime };
      };
      const conditions = [
        condition('Accepted', true, 'Accepted'),
        condition('ResolvedRefs', resolved, resolved ? 'ResolvedRefs' : 'BackendNotFound'),
      ];
      const status = { parents: parentRefs.map((parentRef) => ({ parentRef, controllerName, conditions })) };
      registry.modify({ resource, namespace, name }, (current) => ({ ...current, status }), {
        manager: 'embedded-gateway',
        subresource: 'status',
      });
    }
  }
}
