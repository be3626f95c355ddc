import fc from 'fast-check';
import { creationState, pullFailure, startState } from '../../../src/apply/pod-states.ts';
import { progressOf } from '../../../src/apply/progress.ts';
import { explain, saidIn } from '../../../src/apply/refusals.ts';
import { proxyPath } from '../../../src/cluster/addresses.ts';
import { ApiError } from '../../../src/cluster/errors.ts';
import { lastManager, refuseGitOps } from '../../../src/cluster/gitops.ts';
import { loadConfig } from '../../../src/cluster/kubeconfig.ts';
import { managersOf } from '../../../src/cluster/managed-fields.ts';
import { resources } from '../../../src/cluster/resources.ts';
import { kubernetesObject } from '../../../src/cluster/schema.ts';
import { isRecord } from '../../../src/core/json.ts';
import { waitingCommand } from '../../../src/ledger/commands.ts';
import { createLedger } from '../../../src/ledger/ledger.ts';
import { listRecords } from '../../../src/ledger/record.ts';
import { createReadable } from '../../../src/routes/objects/readable.ts';
import { findSenders } from '../../../src/routes/survey/senders.ts';
import { createRouter, type RouterOptions } from '../../../src/routes/weights/index.ts';
import { clusterSecrets } from '../../../src/runner/secrets.ts';
import { derivedArms, existingArms } from '../../../src/workloads/arms/arms.ts';
import { createContext } from '../../../src/workloads/arms-context.ts';
import { parseConfigManifests } from '../../../src/workloads/config-copies.ts';
import { rollbackWorkload } from '../../../src/workloads/rollback/target.ts';
import { parseWorkloadInput } from '../../../src/workloads/workload.ts';
import { answeringClient, clientOf, clusterOf } from '../cluster.ts';
import { nearly, nearlyJson, nearlyJsonText } from '../generators.ts';
import { clock, createClock, namespace, ofText, type Reader, signal, unlessNamed } from '../reader.ts';
import {
  httpRoute,
  ingress,
  kubeconfig,
  pod,
  record,
  shop,
  statuses,
  traefikService,
  virtualService,
} from '../samples.ts';

/** The objects that a router reads, one of them with changes. */
function router(options: RouterOptions, sample: object): Reader {
  const { client, answer } = clientOf();
  return {
    name: `route of ${options.kind}`,
    share: 0.5,
    cases: nearlyJson(sample),
    async read(value) {
      answer(value);
      const found = createRouter(options, client, { clock });
      const snapshot = await found.inspect(signal);
      found.preview(snapshot, 25);
    },
  };
}

const cluster = clientOf();
const records: Reader = {
  name: 'record of a rollout',
  share: 0.5,
  cases: nearlyJson(record),
  async read(value) {
    cluster.answer(value);
    const ledger = createLedger({
      client: cluster.client,
      namespace,
      rollout: 'checkout',
      holder: { identity: 'run', description: 'alice' },
      clock,
      version: '1.0.0',
      nonce: () => 'nonce',
    });
    await listRecords(cluster.client, namespace, signal);
    await ledger.load(signal);
  },
};

const surroundings = clientOf();
const senders: Reader = {
  name: 'objects beside a route',
  share: 0.1,
  cases: nearlyJson(virtualService, httpRoute, ingress, traefikService, shop.services),
  async read(value) {
    surroundings.answer(value);
    const sought = { namespace, name: 'checkout' };
    await findSenders(createReadable(surroundings.client, signal), sought, []);
  },
};

const shopCluster = clusterOf();
const workloads: Reader = {
  name: 'workloads and what belongs to them',
  share: 0.03,
  cases: nearlyJson(shop),
  async read(value) {
    shopCluster.answer(value);
    const { client } = shopCluster;
    const stop = new AbortController();
    const options = { client, namespace, clock: createClock(), rollout: 'checkout', drain: 0, lifetime: stop.signal };
    const workload = { kind: 'Deployment' as const, name: 'checkout' };
    const release = {
      workload,
      images: new Map([['', 'shop:2']]),
      config: [],
      joinService: false,
      istio: {},
      minReplicas: 1,
      gitops: 'refuse' as const,
    };
    try {
      await unlessNamed(() => derivedArms(options, release).inspect(signal));
      const existing = {
        stable: workload,
        canary: workload,
        joinService: false,
        returns: true,
        gitops: 'refuse' as const,
      };
      await unlessNamed(() => existingArms(options, existing).inspect(signal));
      const context = createContext(options);
      const target = { ...workload, service: undefined, gitops: 'refuse' as const, pods: 'app=checkout' };
      await unlessNamed(() => rollbackWorkload(context, target).look(signal));
      await unlessNamed(() => context.view(target).look(signal));
    } finally {
      stop.abort();
    }
  },
};

const api = answeringClient();
const answers: Reader = {
  name: 'answer of the API server',
  share: 0.3,
  cases: fc.record({
    status: fc.constantFrom(200, 201, 204, 302, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503),
    body: fc.oneof(
      nearlyJsonText(
        { kind: 'List', metadata: { resourceVersion: '1' }, items: [shop.deployments] },
        shop.deployments,
        {
          kind: 'Status',
          message: 'deployments.apps is forbidden: User "x" cannot get resource "deployments"',
          reason: 'Forbidden',
        },
        { kind: 'APIResourceList', resources: [{ name: 'deployments', kind: 'Deployment', namespaced: true }] },
        { preferredVersion: { groupVersion: 'policy/v1' }, versions: [] },
        { status: { allowed: true } },
      ),
      nearly('<html>503</html>', '404 page not found\n'),
    ),
  }),
  async read(value) {
    if (!isRecord(value)) return;
    api.answer(() => ({ status: Number(value.status), body: String(value.body) }));
    const { client } = api;
    const deployment = { type: resources.deployment, namespace, name: 'checkout' };
    const asked = [
      () => client.find(deployment, signal),
      () => client.list(resources.deployment, namespace, {}, signal),
      () => client.kindsIn('apps/v1', signal),
      () => client.versionsOf('policy', signal),
      () => client.log({ ...deployment, type: resources.pod }, { container: 'a', previous: false, lines: 5 }, signal),
      () => client.patchJson(deployment, [{ op: 'remove', path: '/x' }], signal),
      () => client.proxy({ ...deployment, type: resources.service }, { port: '80', path: '/metrics' }, signal),
      () => client.missingVerbs({ apiGroup: '', resource: 'pods', verbs: ['get'], namespace }, signal),
    ];
    await asked[String(value.body).length % asked.length]?.();
  },
};

const watched = answeringClient();
const watches: Reader = {
  name: 'lines of a watch',
  share: 0.3,
  cases: nearly(
    `${JSON.stringify({ type: 'ADDED', object: shop.pods })}\n${JSON.stringify({ type: 'BOOKMARK', object: shop.pods })}\n`,
    '{"type":"ERROR","object":{"code":410}}\n',
  ),
  async read(value) {
    const stop = new AbortController();
    let lists = 0;
    watched.answer((path) => {
      if (path.includes('watch=true')) return { status: 200, body: String(value) };
      lists += 1;
      // What comes after the watch is not looked at any more.
      if (lists > 1) stop.abort();
      return { status: 200, body: { kind: 'List', metadata: { resourceVersion: '1' }, items: [] } };
    });
    const timer = setTimeout(() => stop.abort(), 5);
    try {
      for await (const event of watched.client.reflect(resources.pod, namespace, {}, stop.signal)) {
        if (event.type !== 'LISTED') stop.abort();
      }
    } finally {
      clearTimeout(timer);
    }
  },
};

const objects: Reader = {
  name: 'state of an object',
  cases: nearlyJson(...statuses, shop.deployments, pod),
  read(value) {
    const object = kubernetesObject.safeParse(value).data;
    if (!object) return;
    progressOf(object, 1);
    waitingCommand(object);
    managersOf(object, ['spec', 'replicas']);
    lastManager(object, ['spec', 'replicas']);
    const reference = { type: resources.deployment, namespace, name: 'checkout' };
    const spec = ['spec', 'replicas'];
    refuseGitOps(object, reference, {
      path: spec,
      appliedWith: spec,
      pointers: ['/spec/replicas'],
      jq: ['.spec.replicas'],
      advice: () => 'x',
    });
  },
};

const refusals: Reader = {
  name: 'refusal of an apply',
  cases: nearlyJsonText({
    kind: 'Status',
    message:
      'failed to create typed patch object (shop/checkout; apps/v1, Kind=Deployment): .spec.x: expected string, got &value.valueUnstructured{Value:1}',
    details: {
      causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "helm" using apps/v1', field: '.spec' }],
    },
  }),
  read(body) {
    const response = { status: 409, headers: {}, body: String(body) };
    const error = new ApiError('conflict', response, 'Conflict', { about: 'a', problem: String(body), next: 'b' });
    explain(error);
    saidIn(error);
  },
};

export const clusterReaders: readonly Reader[] = [
  ofText('kubeconfig', nearly(kubeconfig, Buffer.from(kubeconfig).toString('base64')), async (text) => {
    clusterSecrets({ kubeconfig: text });
    clusterSecrets({ kubeconfig: `\n${text}\n` });
    await unlessNamed(() => loadConfig({ kubeconfig: text, context: '', env: {} }));
    return loadConfig({ kubeconfig: `\n${text}\n`, context: '', env: {} });
  }),
  ofText(
    'configuration of a release',
    nearly(
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\nstringData: {k: v}\n',
    ),
    (text) => parseConfigManifests(text, namespace),
  ),
  ofText(
    'workload of the inputs',
    nearly('deployment/checkout', 'statefulset/db', 'app=checkout,tier in (a,b)'),
    (text) => parseWorkloadInput(text, 'workload'),
  ),
  ofText(
    'path and port of a pod',
    nearly('/metrics', '/a/../../b?x=1', '/%2e%2e/x', 'https:web:8443'),
    async (text) => {
      const target = { type: resources.pod, namespace, name: 'checkout-1' };
      await unlessNamed(() => proxyPath(target, '8080', text));
      return proxyPath({ ...target, name: text }, text, '/metrics');
    },
  ),
  ofText(
    'words of the kubelet',
    nearly('Failed to pull image "a": rpc error: code = NotFound desc = x', 'exceeded quota: small'),
    (message) => {
      startState({ reason: 'ErrImagePull', message });
      creationState(message);
      return pullFailure(message);
    },
  ),
  answers,
  watches,
  objects,
  refusals,
  workloads,
  senders,
  router(
    {
      kind: 'istio',
      namespace,
      name: 'checkout',
      stable: { host: 'checkout', subset: 'v1' },
      canary: { host: 'checkout', subset: 'v2' },
    },
    virtualService,
  ),
  router(
    {
      kind: 'gateway-api',
      route: 'HTTPRoute',
      namespace,
      name: 'checkout',
      stable: { name: 'checkout' },
      canary: { name: 'checkout-canary' },
    },
    httpRoute,
  ),
  router(
    {
      kind: 'nginx',
      namespace,
      name: 'checkout',
      canaryIngress: 'checkout-canary',
      stable: 'checkout',
      canary: 'checkout-canary',
    },
    ingress,
  ),
  router(
    { kind: 'traefik', namespace, name: 'checkout', stable: { name: 'checkout' }, canary: { name: 'checkout-canary' } },
    traefikService,
  ),
  records,
];
