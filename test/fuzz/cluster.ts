import { type Dispatcher, MockAgent } from 'undici';
import { createClient, type KubernetesClient } from '../../src/cluster/client.ts';
import { isRecord } from '../../src/core/json.ts';

const server = 'http://cluster.example';

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A client of an API server that answers every question by one function. Bodies that are no texts are sent as JSON. */
export function answeringClient(): {
  readonly client: KubernetesClient;
  answer(next: (path: string, method: string) => Answer): void;
} {
  let respond: (path: string, method: string) => Answer = () => ({ status: 404, body: '' });
  const agent = new MockAgent();
  agent.disableNetConnect();
  agent
    .get(server)
    .intercept({ path: () => true, method: () => true })
    .reply(({ path, method }) => {
      const { status, body } = respond(path, method);
      return { statusCode: status, data: typeof body === 'string' ? body : JSON.stringify(body ?? null) };
    })
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
    client: createClient(connection, { attemptTimeout: 1_000, deadline: 5, startTime: 0 }),
    answer: (next) => {
      respond = next;
    },
  };
}

const isList = (path: string) => /\/[a-z]+s(\?|$)/.test(path.replace(/\/namespaces\/[^/?]+/, ''));

/** A client of an API server that answers every question with one object, or with a list of it. */
export function clientOf(): { readonly client: KubernetesClient; answer(object: unknown): void } {
  const { client, answer } = answeringClient();
  return {
    client,
    answer: (object) =>
      answer((path) => ({
        status: 200,
        body: isList(path) ? { kind: 'List', metadata: {}, items: [object] } : (object ?? {}),
      })),
  };
}

/** The kinds that the API server of `clusterOf` serves, for discovery. */
const served = [
  ['Deployment', 'deployments'],
  ['StatefulSet', 'statefulsets'],
  ['ReplicaSet', 'replicasets'],
  ['Service', 'services'],
  ['ConfigMap', 'configmaps'],
  ['Pod', 'pods'],
  ['HorizontalPodAutoscaler', 'horizontalpodautoscalers'],
  ['PodDisruptionBudget', 'poddisruptionbudgets'],
  ['NetworkPolicy', 'networkpolicies'],
  ['DestinationRule', 'destinationrules'],
  ['Lease', 'leases'],
] as const;

/** A client of an API server that has several objects, found by the plural of their kind. What is written is answered as written. */
export function clusterOf(): { readonly client: KubernetesClient; answer(objects: unknown): void } {
  const { client, answer } = answeringClient();
  return {
    client,
    answer: (given) => {
      const objects = isRecord(given) ? given : {};
      answer((path, method) => {
        if (path.includes('selfsubjectaccessreviews')) return { status: 201, body: { ...review } };
        const [, plural = '', name] = /\/(?:namespaces\/[^/?]+\/)?([a-z]+)(?:\/([^/?]+))?(?:\?.*)?$/.exec(path) ?? [];
        const resources = served.map(([kind, of]) => ({ kind, name: of, namespaced: true }));
        if (/^\/apis?\/[^?]*v\d\w*$/.test(path)) {
          return { status: 200, body: { kind: 'APIResourceList', resources } };
        }
        const known = plural in objects;
        if (name === undefined && method === 'GET') {
          return { status: 200, body: { kind: 'List', metadata: {}, items: known ? [objects[plural]] : [] } };
        }
        return known
          ? { status: 200, body: objects[plural] }
          : { status: 404, body: { kind: 'Status', message: 'not found', reason: 'NotFound' } };
      });
    },
  };
}

const review = {
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SelfSubjectAccessReview',
  metadata: {},
  status: { allowed: true },
};
