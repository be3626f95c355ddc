import { services } from '../api-server/resources.ts';
import type { Storage } from '../api-server/storage.ts';
import { type Route, serviceHosts } from './routes.ts';

/** Every Service under its own names, like kube-proxy: all ready pods equally. */
export function serviceRoutes(storage: Storage): Route[] {
  return storage.list(services).map((object) => {
    const { name, namespace = '' } = object.metadata;
    return {
      kind: 'service',
      object: `Service ${namespace}/${name}`,
      name,
      hosts: serviceHosts(name, namespace),
      matches: () => true,
      destinations: [{ weight: 1, namespace, service: name, port: undefined }],
    };
  });
}
