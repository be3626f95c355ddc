import { Agent, request } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { type KubeObject, recordOf } from '../../../lab/embedded/api-server/objects.ts';
import { deployments, httpRoutes, ingresses, virtualServices } from '../../../lab/embedded/api-server/resources.ts';
import { pick } from '../../../lab/embedded/gateway/routes.ts';
import { type Lab, type LabOptions, startLab } from '../../../lab/embedded/index.ts';
import { randomFor } from '../../../lab/embedded/random.ts';

let lab: Lab;
const dispatcher = new Agent();
afterEach(async () => {
  await lab?.stop();
});

async function start(options: LabOptions): Promise<void> {
  lab = await startLab({ stable: { latency: 0 }, canary: { latency: 0 }, ...options });
  await lab.until(() => lab.api.storage.list(deployments, 'shop').every(isRolledOut));
}

function isRolledOut({ metadata, spec, status }: KubeObject): boolean {
  const { observedGeneration, updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = recordOf(status);
  const wanted = recordOf(spec).replicas;
  const counts = [updatedReplicas, replicas, availableReplicas];
  return observedGeneration === metadata.generation && counts.every((count) => count === wanted);
}

async function ask(headers: Record<string, string> = {}, path = '/'): Promise<{ status: number; version: string }> {
  const answer = await request(`${lab.gateway.url}${path}`, { headers: { host: lab.host, ...headers }, dispatcher });
  await answer.body.dump();
  return { status: answer.statusCode, version: String(answer.headers['x-version'] ?? '') };
}

/** How many of so many requests the canary answered. */
async function canaryOf(requests: number): Promise<number> {
  let canary = 0;
  const one = async () => {
    const { status, version } = await ask();
    expect(status).toBe(200);
    if (version === '1.1.0') canary += 1;
  };
  for (let sent = 0; sent < requests; sent += 50) await Promise.all(Array.from({ length: 50 }, one));
  return canary;
}

/** So far from its mean a binomial count is about once in 16,000 draws. */
function expectShare(count: number, trials: number, share: number): void {
  const bound = 4 * Math.sqrt(trials * share * (1 - share));
  expect(Math.abs(count - trials * share)).toBeLessThanOrEqual(bound);
}

function edit(
  apiVersion: string,
  kind: string,
  name: string,
  spec: object,
  annotations: Record<string, string> = {},
): void {
  lab.api.put({ apiVersion, kind, metadata: { name, namespace: 'shop', annotations }, spec });
}

function splitVirtualService(canary: number): void {
  const [object] = lab.api.storage.list(virtualServices, 'shop');
  const { hosts } = recordOf(object?.spec);
  const route = [
    { destination: { host: 'checkout', subset: 'stable' }, weight: 100 - canary },
    { destination: { host: 'checkout', subset: 'canary' }, weight: canary },
  ];
  edit('networking.istio.io/v1', 'VirtualService', 'checkout', { hosts, http: [{ route }] });
}

/** Gives the canary this weight. */
const shift: Record<'istio' | 'istio-hosts' | 'gateway-api' | 'nginx' | 'traefik', (weight: number) => void> = {
  istio: splitVirtualService,
  'istio-hosts': (canary) => {
    const route = [
      { destination: { host: 'checkout' }, weight: 100 - canary },
      { destination: { host: 'checkout-canary.shop.svc.cluster.local' }, weight: canary },
    ];
    edit('networking.istio.io/v1', 'VirtualService', 'checkout', { hosts: ['checkout.example'], http: [{ route }] });
  },
  'gateway-api': (canary) => {
    const backendRefs = [
      { name: 'checkout', port: 80, weight: 100 - canary },
      { name: 'checkout-canary', port: 80, weight: canary },
    ];
    edit('gateway.networking.k8s.io/v1', 'HTTPRoute', 'checkout', {
      parentRefs: [{ name: 'public' }],
      hostnames: ['checkout.example'],
      rules: [{ backendRefs }],
    });
  },
  nginx: (canary) => {
    const prefix = 'nginx.ingress.kubernetes.io';
    const found = lab.api.registry.get({ resource: ingresses, namespace: 'shop', name: 'checkout-canary' });
    edit('networking.k8s.io/v1', 'Ingress', 'checkout-canary', recordOf(found.spec), {
      [`${prefix}/canary`]: 'true',
      [`${prefix}/canary-weight`]: String(canary),
    });
  },
  traefik: (canary) => {
    const services = [
      { name: 'checkout', port: 80, weight: 100 - canary },
      { name: 'checkout-canary', port: 80, weight: canary },
    ];
    edit('traefik.io/v1alpha1', 'TraefikService', 'checkout', { weighted: { services } });
  },
};

describe('weights', () => {
  test('a picked destination is the weighted one', () => {
    const destinations = [30, 0, 70].map((weight, index) => ({
      weight,
      namespace: 'shop',
      service: String(index),
      port: undefined,
    }));
    const random = randomFor(1, 'pick');
    const picks = Array.from({ length: 10_000 }, () => pick(destinations, random)?.service);
    expectShare(picks.filter((service) => service === '0').length, 10_000, 0.3);
    expect(picks).not.toContain('1');
    expect(pick(destinations.slice(1, 2), random)).toBeUndefined();
  });

  test.each(['istio', 'istio-hosts', 'gateway-api', 'nginx', 'traefik'] as const)(
    'are followed for %s',
    async (router) => {
      await start({ router });
      expect(await canaryOf(50)).toBe(0);
      shift[router](30);
      expect(lab.canaryWeight()).toBe(30);
      expectShare(await canaryOf(500), 500, 0.3);
      shift[router](100);
      expect(await canaryOf(50)).toBe(50);
    },
  );

  test('without a route a Service gives every ready pod its turn', async () => {
    await start({ router: 'replicas', replicas: { stable: 3, canary: 1 } });
    await expect.poll(() => canaryOf(50).then((canary) => canary / 50), { timeout: 5_000 }).toBeCloseTo(0.25, 1);
  });

  test('take effect after the lag, and never with an infinite one', async () => {
    await start({ router: 'istio', lag: 50 });
    const followed = new Promise<void>((resolve) => lab.gateway.onFollow(resolve));
    shift.istio(100);
    expect(lab.canaryWeight()).toBe(0);
    await followed;
    expect(lab.canaryWeight()).toBe(100);
    lab.gateway.setLag(Number.POSITIVE_INFINITY);
    shift.istio(10);
    expect(lab.canaryWeight()).toBe(100);
    lab.gateway.setLag(0);
    expect(lab.canaryWeight()).toBe(10);
  });
});

describe('requests', () => {
  test('none is lost while weights move and all pods are replaced', async () => {
    await start({ router: 'istio', rate: 300, controllers: { drain: 30, readyAfter: 5 } });
    const weights = [10, 50, 100, 40, 0];
    const restart = (name: string, at: string) =>
      lab.api.registry.patch(
        { resource: deployments, namespace: 'shop', name },
        'merge',
        { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': at } } } } },
        { manager: 'kubectl-rollout' },
      );
    for (const weight of weights) {
      shift.istio(weight);
      const before = lab.load.log.length;
      restart('checkout', String(weight));
      restart('checkout-canary', String(weight));
      await lab.until(() => lab.api.storage.list(deployments, 'shop').every(isRolledOut));
      await expect.poll(() => lab.load.log.length).toBeGreaterThan(before + 50);
    }
    await lab.load.stop();
    expect(lab.load.log.filter(({ status }) => status !== 200)).toEqual([]);
    expect(new Set(lab.load.log.map(({ pod }) => pod)).size).toBeGreaterThan(8);
  });

  test('find no healthy upstream where an arm has no ready pod', async () => {
    await start({ router: 'istio', replicas: { stable: 1, canary: 0 } });
    shift.istio(100);
    expect(await ask()).toMatchObject({ status: 503 });
  });

  test.each([
    ['istio', /istio_requests_total\{.*response_code="0",response_flags="DC"\} 1/],
    ['nginx', /nginx_ingress_controller_requests\{.*status="499"\} 1/],
    ['traefik', /traefik_service_requests_total\{.*code="499".*\} 1/],
  ] as const)('that their client gives up are counted as %s does', async (router, counted) => {
    await start({ router, stable: { latency: 20_000 } });
    const signal = AbortSignal.timeout(100);
    await expect(request(lab.gateway.url, { headers: { host: lab.host }, signal })).rejects.toThrow();
    const metrics = async () => (await request(`http://127.0.0.1:${lab.gateway.metricsPort}/metrics`)).body.text();
    await expect.poll(metrics).toMatch(counted);
  });

  test('of an unknown host find no route', async () => {
    await start({});
    expect(await ask({ host: 'unknown.example' })).toMatchObject({ status: 404 });
  });

  test('are matched by header, path and method before weights count', async () => {
    await start({ router: 'istio' });
    const canary = [{ destination: { host: 'checkout', subset: 'canary' } }];
    const match = [{ headers: { 'x-tester': { exact: 'yes' } } }, { uri: { prefix: '/preview' } }];
    const stable = [{ destination: { host: 'checkout', subset: 'stable' } }];
    edit('networking.istio.io/v1', 'VirtualService', 'checkout', {
      hosts: [lab.host],
      http: [{ match, route: canary }, { route: stable }],
    });
    expect((await ask({ 'x-tester': 'yes' })).version).toBe('1.1.0');
    expect((await ask({}, '/preview/1')).version).toBe('1.1.0');
    expect((await ask()).version).toBe('1.0.0');
  });
});

describe('what it tells', () => {
  test('the status of an HTTPRoute says which generation is followed, and whether its backends exist', async () => {
    await start({ router: 'gateway-api' });
    const conditions = () => {
      const route = lab.api.registry.get({ resource: httpRoutes, namespace: 'shop', name: 'checkout' });
      return { generation: route.metadata.generation, status: route.status };
    };
    shift['gateway-api'](20);
    await expect.poll(conditions).toMatchObject({
      generation: 2,
      status: {
        parents: [
          {
            parentRef: { name: 'public' },
            conditions: [
              { type: 'Accepted', status: 'True', observedGeneration: 2 },
              { type: 'ResolvedRefs', status: 'True', observedGeneration: 2 },
            ],
          },
        ],
      },
    });
  });

  test.each([
    ['istio', 'istio_requests_total', 'reporter="source",destination_workload="checkout-canary"'],
    [
      'istio',
      'envoy_cluster_upstream_rq_xx',
      'envoy_cluster_name="outbound|80|canary|checkout.shop.svc.cluster.local"',
    ],
    [
      'nginx',
      'nginx_ingress_controller_requests',
      'ingress="checkout",service="checkout",canary="shop-checkout-canary-80"',
    ],
    ['traefik', 'traefik_service_requests_total', 'service="shop-checkout-canary-80@kubernetescrd",code="200"'],
  ] as const)('counts by arm as %s does: %s', async (router, metric, labels) => {
    await start({ router });
    shift[router](100);
    await ask();
    const path = '/api/v1/namespaces/ingress/pods/gateway-0:15090/proxy/stats/prometheus';
    const answer = await request(`${lab.api.url}${path}`, {
      headers: { authorization: 'Bearer embedded-admin-token' },
    });
    const lines = (await answer.body.text()).split('\n');
    expect(lines.filter((line) => line.startsWith(`${metric}{`) && line.includes(labels))).toEqual([
      expect.stringMatching(/ 1$/),
    ]);
  });
});

test('a lab that has stopped leaves nothing behind', async () => {
  const before = process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length;
  const other = await startLab({ rate: 50 });
  await other.stop();
  await expect
    .poll(() => process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length)
    .toBeLessThanOrEqual(before + 1);
});
