import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'undici';
import * as z from 'zod';
import { certificateFile } from '../../../lab/cluster/config.ts';
import { labAgent } from '../../../lab/cluster/host.ts';
import { type Api, applyManifests, connect } from '../../../lab/cluster/kubernetes.ts';
import { endpoints } from '../../../lab/cluster/layout.ts';
import { actionFolder, type Run, runAction } from '../../../lab/embedded/runner.ts';
import { LAB } from '../../../lab/programs/commands.ts';
import { waitUntil } from '../../../lab/programs/wait.ts';
import { documentedRules, type Rule } from './documented-roles.ts';

/** What a shop is made of: a manifest of the lab. */
type Shape = 'one-workload' | 'two-versions';

export interface ShopOptions {
  /** One workload, whose canary is made by the release; or two versions that run already. */
  readonly shape?: Shape;
  /** What the release may do: a headline of the README's Roles, or rules. */
  readonly rights?: string | readonly Rule[];
}

export type Shop = Awaited<ReturnType<typeof makeShop>>;

/** Inputs that release an image to a shop of one workload, by what moves the traffic. */
export const routes = {
  istio: { route: 'virtualservice/checkout' },
  'gateway-api': { route: 'httproute/checkout' },
  replicas: { router: 'replicas' },
} as const;
export type RouterKind = keyof typeof routes;

/** The README's Role for each of them. */
export const rightsFor: Readonly<Record<RouterKind, string>> = {
  istio: 'Istio, metrics from the pods',
  'gateway-api': 'Gateway API, Prometheus at a URL',
  replicas: 'Pod counts (no mesh), metrics from the pods',
};

/** Where requests are counted. */
export const meters = {
  pods: { meter: 'pods' },
  prometheus: { prometheus: endpoints.prometheus, metrics: 'http' },
  envoy: { prometheus: endpoints.prometheus, metrics: 'envoy' },
} as const;

/** A plan that takes seconds at a hundred requests a second. */
const brief = { steps: '10 for 3s, 50 for 3s, 100', 'min-requests': '20', drain: '3s', timeout: '3m' } as const;

const never = new AbortController().signal;

/**
 * A shop on the cluster, in a namespace of its own, with hosts of its own on the shared gateway, and with a service account
 * that has the rights which the README asks for and no others: every release here runs with those.
 */
export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  const shop = await makeShop(options);
  try {
    await shop.opened();
    return shop;
  } catch (error) {
    await shop.close();
    throw error;
  }
}

async function makeShop({ shape = 'one-workload', rights = rightsFor.istio }: ShopOptions) {
  const api = await connect();
  const namespace = `shop-${randomBytes(3).toString('hex')}`;
  const hosts = { istio: `${namespace}.istio.example`, 'gateway-api': `${namespace}.gateway-api.example` } as const;
  const path = {
    virtualService: `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/checkout`,
    httpRoute: `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes/checkout`,
    deployments: `/apis/apps/v1/namespaces/${namespace}/deployments`,
    pods: `/api/v1/namespaces/${namespace}/pods`,
    endpointSlices: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
    record: `/api/v1/namespaces/${namespace}/configmaps/sluice-checkout`,
    meshCertificate: `/api/v1/namespaces/${namespace}/configmaps/istio-ca-root-cert`,
  } as const;

  /** Waits for a condition in the cluster. */
  const until = (what: string, condition: () => Promise<boolean>, timeout = 60_000) =>
    waitUntil(condition, { what: `${what} in ${namespace}`, timeout, signal: never });

  const pods = async (labels = 'app') =>
    podList.parse(await api.get(`${path.pods}?labelSelector=${encodeURIComponent(labels)}`)).items;

  async function isSettled(): Promise<boolean> {
    const deployments = deploymentList.parse(await api.get(path.deployments)).items;
    const wanted = deployments.reduce((sum, { spec }) => sum + spec.replicas, 0);
    return deployments.every(isAvailable) && (await pods()).length === wanted;
  }

  /** Turns a knob of the demo service in a pod. */
  const turn = (pod: string, knob: string) => api.post(`${path.pods}/${pod}:8080/proxy/knobs?${knob}`);

  /** The versions that answer, asked through the gateway. */
  async function versions(host: string): Promise<Set<string>> {
    const options = { dispatcher: labAgent, headers: { host }, signal: AbortSignal.timeout(2_000) };
    const answers = await Promise.all(Array.from({ length: 20 }, () => request(endpoints.gateway, options)));
    await Promise.all(answers.map(({ body }) => body.dump()));
    return new Set(answers.map(({ headers }) => `${headers['x-version'] ?? '-'}`));
  }

  /** Resolves when Prometheus has seen the shop's requests grow. */
  const scraped = () =>
    until('requests counted by Prometheus', async () => {
      const query = encodeURIComponent(`http_requests_total{namespace="${namespace}"}[1m]`);
      const { body } = await request(`${endpoints.prometheus}/api/v1/query?query=${query}`, { dispatcher: labAgent });
      const { result } = prometheusAnswer.parse(await body.json()).data;
      return result.some(({ values }) => values.length >= 2);
    });

  await applyManifests(api, [`${shape}.yaml`], never, { namespace, host: namespace });
  const rules = typeof rights === 'string' ? await documentedRules(rights) : rights;
  const kubeconfig = await createAccount(api, namespace, 'sluice', rules);

  return {
    api,
    namespace,
    hosts,
    path,
    until,
    pods,
    /** Resolves when what is asked for runs, and nothing else any more. */
    settled: () => until('what is asked for', isSettled),
    /** Resolves when the gateway serves it, and istiod has put into it what it puts into every namespace. */
    async opened(): Promise<void> {
      await until('the shop', isSettled);
      await until("istiod's certificate", async () => (await api.get(path.meshCertificate)) !== undefined);
      for (const host of Object.values(hosts)) {
        await until(`${host} served by v1`, async () => [...(await versions(host))].join() === 'v1');
      }
    },
    scraped,
    versions,
    /** A kubeconfig of the service account, as text. */
    kubeconfig,
    /** The route as people wrote it, and all else in the namespace that is not Kubernetes' own. */
    inventory: () => inventory(api, namespace),
    /** An object as people wrote it: without its status, and what every write changes (resourceVersion, generation, managed fields). */
    async asWritten(objectPath: string): Promise<string> {
      const {
        metadata,
        status: _status,
        ...rest
      } = z.looseObject({ metadata: z.looseObject({}) }).parse(await api.get(objectPath));
      const { resourceVersion: _, managedFields: __, generation: ___, ...kept } = metadata;
      return JSON.stringify({ ...rest, metadata: kept });
    },
    /** The canary's weight in the VirtualService. */
    async weight(): Promise<number> {
      const { http } = virtualService.parse(await api.get(path.virtualService)).spec;
      return Math.max(...http.flatMap(({ route }) => route.slice(1).map(({ weight }) => weight)), 0);
    },
    /** Fraction of its requests that a version answers with an error from now on. */
    async fails(labels: string, rate: number): Promise<void> {
      for (const { metadata } of await pods(labels)) await turn(metadata.name, `error-rate=${rate}`);
    },
    /** Names of the ready pods with the label `app=<service>` that no EndpointSlice of the Service lists. */
    async unlisted(service: string): Promise<string[]> {
      const ofService = encodeURIComponent(`kubernetes.io/service-name=${service}`);
      const slices = sliceList.parse(await api.get(`${path.endpointSlices}?labelSelector=${ofService}`)).items;
      const listed = new Set(slices.flatMap((slice) => slice.endpoints ?? []).map(({ targetRef }) => targetRef?.name));
      const ready = (await pods(`app=${service}`)).filter(({ status }) => isReadiness(status, 'True'));
      return ready.map(({ metadata }) => metadata.name).filter((name) => !listed.has(name));
    },
    /** From now on a pod says that it is ready, or that it is not; resolves when Kubernetes believes it. */
    async readies(pod: string, ready: boolean): Promise<void> {
      await turn(pod, `ready=${ready}`);
      await until(`${pod} ${ready ? '' : 'not '}ready`, async () => {
        const { status } = podType.parse(await api.get(`${path.pods}/${pod}`));
        return isReadiness(status, ready ? 'True' : 'False');
      });
    },
    /** The phase and verdict that the record of the rollout shows; undefined where there is none. */
    async record(): Promise<{ phase: string; verdict?: string | undefined } | undefined> {
      const found = await api.get(path.record).catch(() => undefined);
      return found === undefined ? undefined : recordOf(found);
    },
    /** Starts the built action as a runner would. An input that is given as empty is left out. */
    start: (inputs: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}): Promise<Run> =>
      runAction({ action: actionFolder('canary'), inputs: { kubeconfig, namespace, ...brief, ...inputs }, env }),
    close: () => api.delete(`/api/v1/namespaces/${namespace}`),
  };
}

/** Gives a shop to a test and takes it away after it. */
export async function inShop(options: ShopOptions, tell: (shop: Shop) => Promise<void>): Promise<void> {
  const shop = await openShop(options);
  try {
    await tell(shop);
  } finally {
    await shop.close();
  }
}

/** A kubeconfig that reaches the API server at another address: whoever listens there passes on what it says. */
export function reachedAt(kubeconfig: string, server: string): string {
  const { clusters, ...rest } = clusterList.parse(JSON.parse(kubeconfig));
  const moved = clusters.map(({ name, cluster }) => ({
    name,
    cluster: server.startsWith('https:')
      ? // One of the names in the API server's certificate.
        { ...cluster, server, 'tls-server-name': 'kubernetes' }
      : { server, 'insecure-skip-tls-verify': true },
  }));
  return JSON.stringify({ ...rest, clusters: moved });
}

/** Inputs that release an image of the lab's registry to a shop of one workload. */
export async function releaseOf(tag: string, router: RouterKind = 'istio'): Promise<Record<string, string>> {
  const image = await digestImage(tag);
  // The README's Role for the Gateway API reads no pods' metrics.
  const meter = router === 'gateway-api' ? meters.prometheus : meters.pods;
  return { workload: 'deployment/checkout', service: 'checkout', image, ...meter, ...routes[router] };
}

/** `10.10.0.2:5000/demo-service@sha256:…` of a tag of the lab's registry. */
export async function digestImage(tag: string): Promise<string> {
  const response = await request(`http://${endpoints.registry}/v2/demo-service/manifests/${tag}`, {
    dispatcher: labAgent,
    headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
  });
  const manifest = Buffer.from(await response.body.arrayBuffer());
  if (response.statusCode !== 200) throw new Error(`The lab's registry has no demo-service:${tag}.`);
  return `${endpoints.registry}/demo-service@sha256:${createHash('sha256').update(manifest).digest('hex')}`;
}

/** A service account with these rights in the namespace, as a kubeconfig in one text. */
export async function createAccount(
  api: Api,
  namespace: string,
  name: string,
  rules: readonly Rule[],
): Promise<string> {
  const metadata = { name, namespace };
  const roles = 'rbac.authorization.k8s.io';
  await api.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  await api.apply({ apiVersion: `${roles}/v1`, kind: 'Role', metadata, rules });
  await api.apply({
    apiVersion: `${roles}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: roles, kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  });
  const answer = await api.post(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 7_200 },
  });
  const { token } = tokenRequest.parse(JSON.parse(answer)).status;
  const authority = (await readFile(certificateFile)).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': LAB,
    contexts: [{ name: LAB, context: { cluster: LAB, user: name, namespace } }],
    clusters: [{ name: LAB, cluster: { server: endpoints.apiserver, 'certificate-authority-data': authority } }],
    users: [{ name, user: { token } }],
  });
}

/** Collections in which a release might leave or touch something. */
const collections = [
  'api/v1/NS/configmaps',
  'api/v1/NS/services',
  'api/v1/NS/secrets',
  'apis/apps/v1/NS/deployments',
  'apis/autoscaling/v2/NS/horizontalpodautoscalers',
  'apis/policy/v1/NS/poddisruptionbudgets',
  'apis/networking.istio.io/v1/NS/virtualservices',
  'apis/networking.istio.io/v1/NS/destinationrules',
  'apis/gateway.networking.k8s.io/v1/NS/httproutes',
];

/** What each object of the namespace asks for, by its path; without the record and lease of a rollout. */
async function inventory(api: Api, namespace: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const collection of collections) {
    const root = `/${collection.replace('NS', `namespaces/${namespace}`)}`;
    for (const { metadata, status: _, ...content } of objectList.parse(await api.get(root)).items) {
      const { name, labels, annotations } = metadata;
      if (name === 'sluice-checkout') continue;
      // Kubernetes' own mark on a Deployment counts its revisions.
      const { 'deployment.kubernetes.io/revision': _revision, ...kept } = annotations;
      found[`${root}/${name}`] = JSON.stringify({ labels, annotations: kept, ...content });
    }
  }
  return found;
}

function isAvailable({ metadata, spec, status }: z.infer<typeof deployment>): boolean {
  return (
    status.observedGeneration === metadata.generation &&
    status.updatedReplicas === spec.replicas &&
    status.availableReplicas === spec.replicas
  );
}

function recordOf(configMap: unknown) {
  const { data } = z.object({ data: z.object({ record: z.string() }) }).parse(configMap);
  return z.object({ phase: z.string(), verdict: z.string().optional() }).parse(JSON.parse(data.record));
}

const text = z.record(z.string(), z.string()).default({});
const objectList = z.object({
  items: z.array(
    z.looseObject({
      metadata: z.object({ name: z.string(), labels: text, annotations: text }),
      status: z.unknown().optional(),
    }),
  ),
});
const podType = z.object({
  metadata: z.object({ name: z.string(), labels: text }),
  spec: z.object({ containers: z.array(z.object({ image: z.string() })) }),
  status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) }),
});
const isReadiness = ({ conditions }: z.infer<typeof podType>['status'], wanted: 'True' | 'False') =>
  conditions.some(({ type, status }) => type === 'Ready' && status === wanted);
const podList = z.object({ items: z.array(podType) });
const endpoint = z.object({ targetRef: z.object({ name: z.string() }).optional() });
const sliceList = z.object({ items: z.array(z.object({ endpoints: z.array(endpoint).nullish() })) });
const deployment = z.object({
  metadata: z.object({ name: z.string(), generation: z.number() }),
  spec: z.object({ replicas: z.number() }),
  status: z.object({
    observedGeneration: z.number().optional(),
    updatedReplicas: z.number().default(0),
    availableReplicas: z.number().default(0),
  }),
});
const deploymentList = z.object({ items: z.array(deployment) });
const virtualService = z.object({
  spec: z.object({ http: z.array(z.object({ route: z.array(z.object({ weight: z.number().default(0) })) })) }),
});
const prometheusAnswer = z.object({
  data: z.object({ result: z.array(z.object({ values: z.array(z.unknown()) })) }),
});
const clusterList = z.looseObject({
  clusters: z.array(z.object({ name: z.string(), cluster: z.looseObject({ server: z.string() }) })),
});
const tokenRequest = z.object({ status: z.object({ token: z.string() }) });
