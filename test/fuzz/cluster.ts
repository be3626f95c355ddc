import { type Dispatcher, MockAgent } from 'undici';
import { createClient, type KubernetesClient } from '../../src/cluster/client.ts';

const server = 'http://cluster.example';

/** A client of an API server that answers every question with one object, or with a list of it. */
export function clientOf(): { readonly client: KubernetesClient; answer(object: unknown): void } {
  let object: unknown;
  const agent = new MockAgent();
  agent.disableNetConnect();
  const isList = (path: string) => /\/[a-z]+s(\?|$)/.test(path.replace(/\/namespaces\/[^/?]+/, ''));
  agent
    .get(server)
    .intercept({ path: () => true, method: () => true })
    .reply(200, ({ path }) => (isList(path) ? { kind: 'List', metadata: {}, items: [object] } : (object ?? {})))
    .persist();
  const dispatcher: Dispatcher = agent;
  const connection = {
    server,
    authorize: async () => ({ headers: {}, dispatcher }),
    renew: () => undefined,
    close: () => agent.close(),
  };
  return {
    // What is no answer is asked for again: once is enough here.
    client: createClient(connection, { attemptTimeout: 1_000, deadline: 20, startTime: 0 }),
    answer: (next) => {
      object = next;
    },
  };
}
