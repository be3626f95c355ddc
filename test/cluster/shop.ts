import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { request } from 'undici';
import * as z from 'zod';
import { labAgent } from '../../lab/cluster/host.ts';
import { applyManifests, connect } from '../../lab/cluster/kubernetes.ts';
import { endpoints, kubeconfigPath, logDir } from '../../lab/cluster/layout.ts';
import { load, type Sent } from '../../lab/cluster/load.ts';
import { waitUntil } from '../../lab/cluster/wait.ts';
import { actionFolder, type Ended, type Run, runAction } from '../../lab/embedded/runner.ts';

/** What the demo's objects are in the API server. */
export const paths = {
  stable: '/apis/apps/v1/namespaces/shop/deployments/checkout-stable',
  canary: '/apis/apps/v1/namespaces/shop/deployments/checkout-canary',
  virtualService: '/apis/networking.istio.io/v1/namespaces/shop/virtualservices/checkout',
  destinationRule: '/apis/networking.istio.io/v1/namespaces/shop/destinationrules/checkout',
  httpRoute: '/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/checkout',
  prometheus: '/apis/apps/v1/namespaces/monitoring/deployments/prometheus',
} as const;

export const hosts = { istio: 'checkout.istio.example', gatewayApi: 'checkout.gateway-api.example' } as const;

/** Two versions that run already, as the lab has them. */
export const existing = {
  istio: {
    stable: 'deployment/checkout-stable',
    canary: 'deployment/checkout-canary',
    service: 'checkout',
    route: 'virtualservice/checkout',
    'stable-subset': 'stable',
    'canary-subset': 'canary',
  },
  gatewayApi: {
    stable: 'deployment/checkout-stable',
    canary: 'deployment/checkout-canary',
    route: 'httproute/checkout',
    'stable-service': 'checkout-stable',
    'canary-service': 'checkout-canary',
  },
  replicas: {
    stable: 'deployment/checkout-stable',
    canary: 'deployment/checkout-canary',
    service: 'checkout',
    router: 'replicas',
  },
} as const;

/** A canary that is made of the stable workload, on a route that names only that one. */
export const derived = {
  workload: 'deployment/checkout-stable',
  service: 'checkout',
  route: 'virtualservice/checkout',
  'stable-subset': 'stable',
} as const;

/** Where requests are counted. */
export const meters = {
  pods: { meter: 'pods' },
  prometheus: { meter: 'prometheus', prometheus: 'k8s://monitoring/prometheus:9090', metrics: 'http' },
  envoy: { meter: 'prometheus', prometheus: 'k8s://monitoring/prometheus:9090', metrics: 'envoy' },
  gateway: { meter: 'pods', metrics: 'envoy', 'metrics-from': 'istio-system/istio=ingressgateway' },
} as const;

/** A plan that takes seconds, at the rate of `loadRate`. */
const brief = { steps: '10 for 5s, 50 for 5s, 100', 'min-requests': '20', drain: '3s', timeout: '3m' } as const;

/** Requests per second. */
export const loadRate = 100;

export type Shop = Awaited<ReturnType<typeof openShop>>;

/** The shop of the lab that is up, as it was at the lab's start. */
export async function openShop() {
  const api = await connect();
  const never = new AbortController().signal;

  /** Waits for a condition in the cluster. */
  const until = (what: string, condition: () => Promise<boolean>, timeout = 90_000) =>
    waitUntil(condition, { what, timeout, signal: never });

  const podsOf = async (labels: string) =>
    podList.parse(await api.get(`/api/v1/namespaces/shop/pods?labelSelector=${encodeURIComponent(labels)}`)).items;

  /** What is asked for runs, and nothing else any more. */
  async function settled(): Promise<boolean> {
    const deployments = deploymentList.parse(await api.get('/apis/apps/v1/namespaces/shop/deployments')).items;
    const pods = await podsOf('app');
    const wanted = deployments.reduce((sum, { spec }) => sum + spec.replicas, 0);
    return (
      deployments.every(
        ({ metadata, spec, status }) =>
          status.observedGeneration === metadata.generation &&
          status.updatedReplicas === spec.replicas &&
          status.availableReplicas === spec.replicas,
      ) && pods.length === wanted
    );
  }

  /** Takes away what releases have left, and gives the shop back its stable version. */
  async function reset(): Promise<void> {
    for (const collection of ownCollections)
      await api.delete(`${collection}?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dsluice`);
    await applyManifests(api, ['prometheus.yaml', 'demo.yaml'], never);
    await until('the shop as it was at first', settled);
    for (const { metadata } of await podsOf('app')) await turn(metadata.name, 'error-rate=0&latency=0s');
    for (const host of Object.values(hosts)) {
      await until(`${host} served by v1`, async () => {
        const options = { dispatcher: labAgent, headers: { host }, signal: AbortSignal.timeout(2_000) };
        const answers = await Promise.all(Array.from({ length: 10 }, () => request(endpoints.gateway, options)));
        await Promise.all(answers.map(({ body }) => body.dump()));
        return answers.every(({ headers }) => headers['x-version'] === 'v1');
      });
    }
  }

  const turn = (pod: string, knobs: string) => api.post(`/api/v1/namespaces/shop/pods/${pod}:8080/proxy/knobs?${knobs}`);

  return {
    api,
    until,
    reset,
    settled,
    /** The pods with these labels. */
    podsOf,
    /** Fraction of its requests that a version answers with an error. */
    async fails(version: 'v1' | 'v2', rate: number): Promise<void> {
      for (const { metadata } of await podsOf(`version=${version}`)) await turn(metadata.name, `error-rate=${rate}`);
    },
    /** Leaves the stable version alone, on a route that names no other. */
    async onlyStable(): Promise<void> {
      await api.delete(paths.canary);
      const route = [{ destination: { host: 'checkout', subset: 'stable' } }];
      await api.merge(paths.virtualService, { spec: { http: [{ name: 'primary', route }] } });
      await api.merge(paths.destinationRule, { spec: { subsets: [{ name: 'stable', labels: { version: 'v1' } }] } });
      await until('the stable version alone', settled);
    },
    /** The whole of an object that people write, as text. */
    spec: async (path: string) => JSON.stringify(z.object({ spec: z.unknown() }).parse(await api.get(path)).spec),
    /** The canary's weight in the VirtualService. */
    async weight(): Promise<number> {
      const { http } = virtualService.parse(await api.get(paths.virtualService)).spec;
      return Math.max(...http.flatMap(({ route }) => route.slice(1).map(({ weight }) => weight)), 0);
    },
    /** The digest that a tag of the lab's registry names. */
    image: digestImage,
    /** Starts the built action. */
    start: (inputs: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) =>
      runAction({
        action: actionFolder('canary'),
        inputs: { kubeconfig: kubeconfigPath, namespace: 'shop', ...brief, ...inputs },
        env,
      }),
  };
}

/** What a client of the shop saw during a release. */
export interface Seen {
  readonly ended: Ended;
  readonly sent: readonly Sent[];
  readonly run: Run;
  readonly endedAt: number;
}

/** Requests from before the release's start until a while after its end. */
export async function underLoad(
  host: string,
  release: () => Promise<Run>,
  meanwhile: (run: Run) => Promise<Run | void> = async () => undefined,
): Promise<Seen> {
  const stop = new AbortController();
  const sending = load({ host, rate: loadRate, duration: 3_600_000, signal: stop.signal });
  let run: Run | undefined;
  try {
    run = await release();
    const next = await meanwhile(run);
    run = next ?? run;
    const ended = await run.ended;
    const endedAt = Date.now();
    await new Promise((resolve) => setTimeout(resolve, AFTER));
    stop.abort();
    return { ended, sent: await sending, run, endedAt };
  } finally {
    stop.abort();
    await sending;
    run?.main.kill('SIGKILL');
    await run?.clean();
  }
}

/** Milliseconds of requests after the end of a release. */
const AFTER = 1_500;

/** What matters of the log of requests. */
export function figures({ sent, ended, endedAt }: Seen) {
  const canary = sent.filter(({ version }) => version === 'v2');
  const began = Math.min(...canary.map(({ at }) => at));
  const last = Math.max(...canary.map(({ at }) => at));
  const versions = new Set(sent.filter(({ at }) => at > endedAt).map(({ version }) => version));
  return {
    requests: sent.length,
    /** Requests that the new version answered, and what of it was an error. */
    canary: canary.length,
    canaryBad: canary.filter(({ status }) => status >= 500).length,
    /** Seconds from the first request that the new version answered to the last one. */
    seconds: canary.length === 0 ? 0 : (last - began) / 1_000,
    /** Without an answer, or with one that no version has given. */
    lost: sent.filter(({ version }) => version !== 'v1' && version !== 'v2').length,
    /** Who answered after the end. */
    after: [...versions],
    verdict: ended.outputs.verdict,
    reason: ended.outputs.reason,
  };
}

/** Keeps what was seen for people to read, and says it in a line. */
export async function keep(name: string, seen: Seen): Promise<void> {
  const dir = join(logDir, 'releases');
  await mkdir(dir, { recursive: true });
  const file = join(dir, name.replaceAll(/\W+/g, '-'));
  await writeFile(`${file}.log`, seen.ended.log);
  await writeFile(`${file}.requests.json`, seen.sent.map((one) => `${JSON.stringify(one)}\n`).join(''));
  process.stdout.write(`${name}: ${JSON.stringify(figures(seen))}\n`);
}

const podList = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });
const deploymentList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ generation: z.number() }),
      spec: z.object({ replicas: z.number() }),
      status: z.object({
        observedGeneration: z.number().optional(),
        updatedReplicas: z.number().default(0),
        availableReplicas: z.number().default(0),
      }),
    }),
  ),
});
const virtualService = z.object({
  spec: z.object({ http: z.array(z.object({ route: z.array(z.object({ weight: z.number().default(0) })) })) }),
});

/** Where releases put objects of their own. */
const ownCollections = [
  '/apis/apps/v1/namespaces/shop/deployments',
  '/api/v1/namespaces/shop/configmaps',
  '/apis/coordination.k8s.io/v1/namespaces/shop/leases',
];

/** `10.10.0.2:5000/demo-service@sha256:…` of a tag. */
async function digestImage(tag: string): Promise<string> {
  const repository = `${endpoints.registry}/demo-service`;
  const response = await request(`http://${endpoints.registry}/v2/demo-service/manifests/${tag}`, {
    dispatcher: labAgent,
    headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
  });
  const manifest = Buffer.from(await response.body.arrayBuffer());
  return `${repository}@sha256:${createHash('sha256').update(manifest).digest('hex')}`;
}
