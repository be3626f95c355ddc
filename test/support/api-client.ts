import { Agent } from 'undici';
import { createClient, type KubernetesClient } from '../../src/cluster/client.ts';

/** A client of an API server at an address, without credentials, that gives up soon. */
export function apiClient(server: string): KubernetesClient {
  const dispatcher = new Agent();
  const connection = {
    server,
    authorize: async () => ({ headers: {}, dispatcher }),
    renew: () => undefined,
    close: () => dispatcher.close(),
  };
  return createClient(connection, { attemptTimeout: 200, deadline: 200, startTime: 0 });
}
