import { Agent } from 'undici';
import { createClient, type KubernetesClient } from '../../src/cluster/client.ts';

/** A client of an API server at an address, with the token of the lab's administrator. @param deadline milliseconds for a request */
export function apiClient(server: string, deadline = 10_000): KubernetesClient {
  const dispatcher = new Agent();
  const connection = {
    server,
    authorize: async () => ({ headers: { authorization: 'Bearer embedded-admin-token' }, dispatcher }),
    renew: () => undefined,
    close: () => dispatcher.close(),
  };
  return createClient(connection, { attemptTimeout: deadline, deadline, startTime: 0 });
}
