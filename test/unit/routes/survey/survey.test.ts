import { afterAll, describe, expect, test } from 'vitest';
import { startApiServer } from '../../../../lab/embedded/api-server/index.ts';
import type { KubeObject } from '../../../../lab/embedded/api-server/objects.ts';
import { findKind } from '../../../../lab/embedded/api-server/resources.ts';
import { createClient } from '../../../../src/cluster/client.ts';
import { loadConfig } from '../../../../src/cluster/kubeconfig.ts';
import { type ResourceType, resourcePath, resources } from '../../../../src/cluster/resources.ts';
import { connect } from '../../../../src/cluster/transport.ts';
import type { Clock } from '../../../../src/core/clock.ts';
import { isSluiceError } from '../../../../src/core/errors.ts';
import type { Readable } from '../../../../src/routes/objects/readable.ts';
import { surveyVirtualService } from '../../../../src/routes/survey/virtual-service-binding.ts';
import { createRouter, type RouterOptions } from '../../../../src/routes/weights/index.ts';

/** What routers see beside their route, against the embedded API server without any controller. */
const api = await startApiServer();
afterAll(() => api.stop());
const signal = AbortSignal.timeout(60_000);
const admin = clientOf('admin');

function clientOf(user: string) {
  return createClient(connect(loadConfig({ kubeconfig: api.kubeconfig({ user }), context: '', env: {} }), {}));
}

/** A clock that passes at once what is slept; meanwhile something may happen. */
function quickClock(meanwhile: () => Promise<unknown> = async () => undefined): Clock {
  let now = Date.now();
  return {
    now: () => now,
    async sleep(milliseconds) {
      now += milliseconds;
      await meanwhile();
    },
  };
}

type Elsewhere<Options> = Options extends RouterOptions ? Omit<Options, 'namespace'> : never;

interface Content {
  readonly spec?: object;
  readonly [field: string]: unknown;
}

let count = 0;
/** A namespace that no other test uses, with the Services of both arms, and a way to make further objects in it. */
async function place() {
  count += 1;
  const namespace = `shop-${count}`;
  api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const create = async (
    type: ResourceType,
    name: string,
    { metadata = {}, ...content }: Content & { metadata?: object },
  ) =>
    admin.create(
      type,
      { apiVersion: type.apiVersion, kind: type.kind, metadata: { name, namespace, ...metadata }, ...content },
      signal,
    );
  for (const name of ['checkout', 'checkout-canary']) await create(resources.service, name, service({ app: name }));
  const survey = (options: Elsewhere<RouterOptions>, clock = quickClock(), client = admin) => {
    const router = createRouter({ ...options, namespace }, client, { clock });
    return router.survey?.({ router: '', object: '', weight: 0, data: null }, signal);
  };
  return { namespace, create, survey };
}

const service = (selector: Readonly<Record<string, string>>, type = 'ClusterIP') => ({
  spec: { selector, type, ports: [{ port: 80 }] },
});
const ingressSpec = (host: string, name = 'checkout', port = 80, ingressClassName: string | undefined = 'nginx') => ({
  spec: {
    ...(ingressClassName !== undefined && { ingressClassName }),
    rules: [
      {
        host,
        http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name, port: { number: port } } } }] },
      },
    ],
  },
});
const nginx = {
  kind: 'nginx',
  name: 'checkout',
  canaryIngress: 'checkout-canary',
  stable: 'checkout',
  canary: 'checkout-canary',
} as const;
const arms = { stable: { name: 'checkout' }, canary: { name: 'checkout-canary' } };
const gateway = { kind: 'gateway-api', route: 'HTTPRoute', name: 'checkout', ...arms } as const;
const istio = {
  kind: 'istio',
  name: 'checkout',
  stable: { host: 'checkout' },
  canary: { host: 'checkout-canary' },
} as const;
const traefik = { kind: 'traefik', name: 'checkout', ...arms } as const;

async function refusal(promise: Promise<unknown> | undefined) {
  const error: unknown = await promise?.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!isSluiceError(error)) throw new Error('no refusal that names something', { cause: error });
  return error;
}

async function makeClass(name: string, controller: string, annotations: Readonly<Record<string, string>> = {}) {
  const type = resources.ingressClass;
  const manifest = {
    apiVersion: type.apiVersion,
    kind: type.kind,
    metadata: { name, annotations },
    spec: { controller },
  };
  await admin.create(type, manifest, signal);
}
await makeClass('nginx', 'k8s.io/ingress-nginx');

describe('the controller of an Ingress', () => {
  test.each([
    ['edge-internal', 'k8s.io/internal-ingress-nginx'],
    ['aks', 'webapprouting.kubernetes.azure.com/nginx'],
    ['higress', 'higress.io/higress-controller'],
  ])('may be ingress-nginx by another name: %s', async (name, controller) => {
    await makeClass(name, controller);
    const { create, survey } = await place();
    await create(resources.ingress, 'checkout', ingressSpec('shop.example', 'checkout', 80, name));
    expect(await survey(nginx)).toEqual({ warnings: [], notes: [] });
  });

  test.each([
    ['alb-public', 'ingress.k8s.aws/alb', /AWS Load Balancer Controller/, /httproute/],
    ['gce-edge', 'k8s.io/ingress-gce', /GKE Ingress/, /httproute/],
    ['kong-edge', 'ingress-controllers.konghq.com/kong', /Kong/, /httproute/],
    ['traefik-edge', 'traefik.io/ingress-controller', /Traefik/, /traefikservice/],
    ['public', 'haproxy.org/ingress-controller', /HAProxy/, /httproute|replicas/],
    ['public-2', 'haproxy-ingress.github.io/controller', /HAProxy/, /httproute|replicas/],
    // The class of NGINX Inc.'s controller is called nginx as well.
    ['nginx-f5', 'nginx.org/ingress-controller', /NGINX Inc/, /httproute|replicas/],
    ['agic', 'azure/application-gateway', /Azure Application Gateway/, /httproute/],
  ])('is another one: %s', async (name, controller, title, instead) => {
    await makeClass(name, controller);
    const { create, survey, namespace } = await place();
    await create(resources.ingress, 'checkout', ingressSpec('shop.example', 'checkout', 80, name));
    const error = await refusal(survey(nginx));
    expect(error).toMatchObject({ code: 'unsupported', about: `Ingress ${namespace}/checkout` });
    expect(error.problem).toMatch(title);
    expect(error.next).toMatch(instead);
  });

  test.each([
    ['alb', /AWS Load Balancer/],
    ['gce-internal', /GKE/],
    ['kong', /Kong/],
    ['haproxy', /HAProxy/],
  ])('is told by the old annotation, whose class needs no object: %s', async (name, title) => {
    const { create, survey } = await place();
    const metadata = { annotations: { 'kubernetes.io/ingress.class': name } };
    // The annotation counts and not the field.
    await create(resources.ingress, 'checkout', { ...ingressSpec('shop.example'), metadata });
    expect((await refusal(survey(nginx))).problem).toMatch(title);
  });

  test('has to be one that exists', async () => {
    const { create, survey } = await place();
    await create(resources.ingress, 'checkout', ingressSpec('shop.example', 'checkout', 80, 'ngnix'));
    const error = await refusal(survey(nginx));
    expect(error.problem).toContain('names IngressClass ngnix, which does not exist');
    expect(error.next).toContain('nginx');
  });

  test('is that of the default class where the Ingress names none', async () => {
    const { create, survey } = await place();
    const { spec } = ingressSpec('shop.example');
    await create(resources.ingress, 'checkout', { spec: { rules: spec.rules } });
    expect((await refusal(survey(nginx))).problem).toContain('names no class, no IngressClass is the default one');
    await makeClass('standard', 'ingress.k8s.aws/alb', { 'ingressclass.kubernetes.io/is-default-class': 'true' });
    expect((await refusal(survey(nginx))).problem).toContain('AWS Load Balancer Controller');
  });

  test('that may not be read is judged by its name, and told where that says nothing', async () => {
    const { create, survey, namespace } = await place();
    const rules = [
      { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: ['get', 'list'], namespaces: [namespace] },
    ];
    api.setUser({ name: 'narrow', token: 'narrow-token', rules });
    const narrow = clientOf('narrow');
    await create(resources.ingress, 'checkout', ingressSpec('shop.example', 'checkout', 80, 'edge'));
    const seen = await survey(nginx, quickClock(), narrow);
    expect(seen?.notes[0]).toBe(
      `which controller takes the class edge of Ingress ${namespace}/checkout could not be seen`,
    );
    expect(seen?.notes[1]).toMatch(
      /was not looked at in .*HTTPRoutes.*Services.*VirtualServices, which these credentials/,
    );
    expect(api.audit.filter(({ user, status }) => user === 'narrow' && status === 403)).toEqual([]);
  });
});

describe('what else sends requests to the stable Service', () => {
  test('is told by name, and shifted as well where ingress-nginx has one upstream for it', async () => {
    const { create, survey, namespace } = await place();
    await create(resources.ingress, 'checkout', ingressSpec('shop.example'));
    await create(resources.ingress, 'checkout-partners', ingressSpec('partners.example'));
    await create(resources.ingress, 'cart', ingressSpec('cart.example', 'cart'));
    await create(resources.ingress, 'checkout-admin', ingressSpec('admin.example', 'checkout', 9_000));
    const seen = await survey(nginx);
    expect(seen?.warnings).toHaveLength(2);
    expect(seen?.warnings[0]).toBe(
      `Ingress ${namespace}/checkout-partners (partners.example) leads to the same port of Service ${namespace}/checkout: ingress-nginx knows one upstream for a Service and port, so its requests are shifted as well, and are counted with the others.`,
    );
    expect(seen?.warnings[1]).toMatch(
      /Besides Ingress .*\/checkout, .* gets requests from: Ingress .*\/checkout-admin\./,
    );
  });

  test.each([
    ['an Ingress', resources.ingress, ingressSpec('old.example')],
    [
      'another HTTPRoute',
      resources.httpRoute,
      { spec: { rules: [{ backendRefs: [{ name: 'checkout', port: 80 }] }] } },
    ],
    [
      'an HTTPRoute that mirrors',
      resources.httpRoute,
      {
        spec: {
          rules: [
            {
              filters: [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'checkout', port: 80 } } }],
              backendRefs: [{ name: 'search', port: 80 }],
            },
          ],
        },
      },
    ],
    [
      'a VirtualService',
      resources.virtualService,
      {
        spec: {
          hosts: ['old.example'],
          gateways: ['edge'],
          http: [{ route: [{ destination: { host: 'checkout' } }] }],
        },
      },
    ],
    [
      'an IngressRoute',
      resources.ingressRoute,
      { spec: { routes: [{ match: 'Host(`old.example`)', services: [{ name: 'checkout', port: 80 }] }] } },
    ],
    ['a load balancer', resources.service, service({ app: 'checkout' }, 'LoadBalancer')],
    ['ports of the nodes', resources.service, service({ app: 'checkout' }, 'NodePort')],
  ])('is told: %s', async (_, type, content) => {
    const { create, survey, namespace } = await place();
    await create(resources.virtualService, 'checkout', {
      spec: { hosts: ['checkout'], http: [{ route: [{ destination: { host: 'checkout' } }] }] },
    });
    expect(await survey(istio)).toEqual({ warnings: [], notes: [] });
    await create(type, 'legacy', content);
    const seen = await survey(istio);
    expect(seen?.warnings).toHaveLength(1);
    expect(seen?.warnings[0]).toContain(`gets requests from: ${type.kind} ${namespace}/legacy`);
    expect(seen?.warnings[0]).toContain('do not follow the weight');
  });

  test('is seen in other namespaces too', async () => {
    const { create, survey, namespace } = await place();
    const other = await place();
    await create(resources.virtualService, 'checkout', {
      spec: { hosts: ['checkout'], http: [{ route: [{ destination: { host: 'checkout' } }] }] },
    });
    const destination = { host: `checkout.${namespace}.svc.cluster.local` };
    await other.create(resources.virtualService, 'edge', {
      spec: { hosts: ['a.example'], http: [{ route: [{ destination }] }] },
    });
    expect((await survey(istio))?.warnings[0]).toContain(`VirtualService ${other.namespace}/edge`);
  });
});

describe('an HTTPRoute', () => {
  const conditions = (generation: number, given: Readonly<Record<string, string>>) =>
    Object.entries(given).map(([type, status]) => ({
      type,
      status,
      reason: status === 'True' ? type : 'NotAllowedByListeners',
      message: 'said so',
      observedGeneration: generation,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }));
  const parents = (generation: number, given: Readonly<Record<string, string>>) => [
    { parentRef: { name: 'public' }, controllerName: 'example.com/gateway', conditions: conditions(generation, given) },
  ];
  async function made(spec: object, status?: object) {
    const here = await place();
    const rules = [{ backendRefs: [{ name: 'checkout', port: 80 }] }];
    await here.create(resources.httpRoute, 'checkout', { spec: { rules, ...spec } });
    const report = async (value: object) => {
      const { namespace } = here;
      const resource = findKind(resources.httpRoute.apiVersion, 'HTTPRoute');
      if (!resource) throw new Error('the lab has no HTTPRoute');
      const withStatus = (current: KubeObject) => ({ ...current, status: { ...value } });
      const as = { manager: 'gateway', subresource: 'status' } as const;
      api.registry.modify({ resource, namespace, name: 'checkout' }, withStatus, as);
    };
    if (status) await report(status);
    return { ...here, report };
  }
  const fine = { Accepted: 'True', ResolvedRefs: 'True' };

  test.each([
    ['has no parents', {}, undefined, /has no parentRefs, so no Gateway sends it requests/],
    ['is reported by nobody', { parentRefs: [{ name: 'public' }] }, undefined, /none of its parents reports on it/],
    [
      'is accepted by nobody',
      { parentRefs: [{ name: 'public' }] },
      { parents: parents(1, { Accepted: 'False', ResolvedRefs: 'True' }) },
      /Gateway .*\/public of example\.com\/gateway has still to say Accepted \(NotAllowedByListeners: said so\)/,
    ],
    [
      'leads to what is not there',
      { parentRefs: [{ name: 'public' }] },
      { parents: parents(1, { Accepted: 'True', ResolvedRefs: 'False' }) },
      /has still to say ResolvedRefs/,
    ],
    [
      'was reported in an older state only',
      { parentRefs: [{ name: 'public' }] },
      { parents: parents(0, fine) },
      /has still to report Accepted for generation 1/,
    ],
  ])('that %s is refused before the first write', async (_, spec, status, problem) => {
    const { survey, namespace } = await made(spec, status);
    const error = await refusal(survey(gateway));
    expect(error).toMatchObject({ code: 'unsupported', about: `HTTPRoute ${namespace}/checkout` });
    expect(error.problem).toMatch(problem);
  });

  test('that was applied a moment ago is waited for', async () => {
    const { survey, report } = await made({ parentRefs: [{ name: 'public' }] });
    let looks = 0;
    const clock = quickClock(async () => {
      looks += 1;
      if (looks === 3) await report({ parents: parents(1, fine) });
    });
    expect(await survey(gateway, clock)).toEqual({ warnings: [], notes: [] });
    expect(looks).toBe(3);
  });

  test('may lack the Service of a canary that is made later', async () => {
    const status = { parents: parents(1, { Accepted: 'True', ResolvedRefs: 'False' }) };
    const { survey } = await made({ parentRefs: [{ name: 'public' }] }, status);
    expect(await survey({ ...gateway, canaryIsCreated: true })).toEqual({ warnings: [], notes: [] });
  });
});

describe('a VirtualService', () => {
  const route = [{ route: [{ destination: { host: 'checkout' } }] }];

  test('whose gateways don’t exist is refused, and told where one of them does', async () => {
    const { create, survey, namespace } = await place();
    await create(resources.virtualService, 'checkout', {
      spec: { hosts: ['shop.example'], gateways: ['edge', 'infra/public'], http: route },
    });
    expect((await refusal(survey(istio))).problem).toBe(
      `gets no requests: Gateway ${namespace}/edge, Gateway infra/public does not exist, and it names no other gateway.`,
    );
    await create(resources.istioGateway, 'edge', { spec: { selector: { istio: 'ingressgateway' } } });
    const seen = await survey(istio);
    expect(seen?.warnings[0]).toContain('names Gateway infra/public, which does not exist');
    expect(seen?.notes[0]).toContain('calls inside the mesh do not follow its weights');
  });

  const bound = (name: string, created: string, spec: object) => ({
    apiVersion: resources.virtualService.apiVersion,
    kind: 'VirtualService',
    metadata: { name, namespace: 'shop', uid: name, creationTimestamp: `${created}T00:00:00Z` },
    spec: { http: route, ...spec },
  });
  const among = (...all: ReturnType<typeof bound>[]): Readable => ({
    list: async () => all,
    find: async () => 'missing',
    isWhole: () => true,
    unread: () => [],
  });
  const own = bound('checkout', '2026-01-01', { hosts: ['checkout'] });

  test('whose host an older one has in the mesh is refused', async () => {
    const older = bound('older', '2025-01-01', { hosts: ['checkout.shop.svc.cluster.local'] });
    const error = await refusal(surveyVirtualService(own, among(own, older)));
    expect(error.problem).toContain('which the older VirtualService shop/older has as well: Istio takes one of them');
  });

  test.each([
    ['a younger one', bound('younger', '2026-02-01', { hosts: ['checkout'] })],
    ['one for another host', bound('older', '2025-01-01', { hosts: ['cart'] })],
    ['one of a gateway alone', bound('older', '2025-01-01', { hosts: ['checkout'], gateways: ['edge'] })],
  ])('stands beside %s', async (_, other) => {
    expect(await surveyVirtualService(own, among(own, other))).toEqual({ warnings: [], notes: [] });
  });
});

describe('a TraefikService', () => {
  const weighted = { spec: { weighted: { services: [{ name: 'checkout', port: 80 }] } } };

  test('that nothing refers to is refused', async () => {
    const { create, survey } = await place();
    await create(resources.traefikService, 'checkout', weighted);
    expect((await refusal(survey(traefik))).problem).toBe('gets no requests: no IngressRoute refers to it.');
  });

  test.each([
    [
      'an IngressRoute',
      resources.ingressRoute,
      { spec: { routes: [{ match: 'PathPrefix(`/`)', services: [{ name: 'checkout', kind: 'TraefikService' }] }] } },
    ],
    [
      'an HTTPRoute',
      resources.httpRoute,
      { spec: { rules: [{ backendRefs: [{ name: 'checkout', kind: 'TraefikService', group: 'traefik.io' }] }] } },
    ],
    [
      'another TraefikService',
      resources.traefikService,
      { spec: { weighted: { services: [{ name: 'checkout', kind: 'TraefikService' }] } } },
    ],
  ])('may be referred to by %s', async (_, type, content) => {
    const { create, survey } = await place();
    await create(resources.traefikService, 'checkout', weighted);
    await create(type, 'public', content);
    expect(await survey(traefik)).toEqual({ warnings: [], notes: [] });
  });
});

test('every kind that is looked for has a path of its own', () => {
  const paths = Object.values(resources).map((type) => resourcePath(type, undefined));
  expect(new Set(paths).size).toBe(paths.length);
});
