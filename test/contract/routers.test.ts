import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { Router } from '../../src/canary/ports.ts';
import { createClient, type KubernetesClient } from '../../src/cluster/client.ts';
import { type ObjectReference, type ResourceType, resourcePath, resources } from '../../src/cluster/resources.ts';
import type { Clock } from '../../src/core/clock.ts';
import { isSluiceError } from '../../src/core/errors.ts';
import {
  createRouter,
  type GatewayApiOptions,
  type IstioOptions,
  type RouterOptions,
  type TraefikOptions,
} from '../../src/routes/weights/index.ts';
import { openTarget } from './target.ts';

/**
 * The routers against an API server: the embedded one, or the real one of SLUICE_CONTRACT_KUBECONFIG, where the tests of
 * kinds that it does not serve are left out.
 */
const target = await openTarget();
const { namespace } = target;
const client = createClient(target.connection);
const signal = AbortSignal.timeout(120_000);
afterAll(() => target.close());

const serves = async (type: ResourceType) => (await target.call('GET', resourcePath(type, namespace))).status === 200;
const servesIstio = await serves(resources.virtualService);
const servesGatewayApi = await serves(resources.httpRoute);
const servesTraefik = await serves(resources.traefikService);

/** Short real pauses: what is waited for is done by the server's own controllers, or by the test in `meanwhile`. */
function clockWith(meanwhile: () => Promise<void> = async () => undefined): Clock {
  return {
    now: Date.now,
    async sleep(_milliseconds, signal) {
      await meanwhile();
      await sleep(10, undefined, { signal });
    },
  };
}

function routerOf(options: RouterOptions, through: KubernetesClient = client, clock = clockWith()): Router {
  return createRouter(options, through, { clock });
}

let count = 0;
/** A name that no other test uses. */
function fresh(prefix: string): string {
  count += 1;
  return `${prefix}-${count}`;
}

async function create(
  type: ResourceType,
  name: string,
  content: object,
  metadata: object = {},
): Promise<ObjectReference> {
  const manifest = {
    apiVersion: type.apiVersion,
    kind: type.kind,
    metadata: { name, namespace, ...metadata },
    ...content,
  };
  const body = { contentType: 'application/json', body: manifest };
  await target.object('POST', `${resourcePath(type, namespace)}?fieldManager=kubectl-create`, body);
  return { type, namespace, name };
}

function createService(name: string): Promise<ObjectReference> {
  return create(resources.service, name, { spec: { selector: { app: name }, ports: [{ port: 80 }] } });
}

/** What somebody else does to an object, as `kubectl edit`. */
async function edit(reference: ObjectReference, operations: readonly object[], subresource = ''): Promise<void> {
  const path = `${resourcePath(reference.type, namespace, reference.name)}${subresource}?fieldManager=kubectl-edit`;
  await target.object('PATCH', path, { contentType: 'application/json-patch+json', body: operations });
}

/** The status of a server-side apply by somebody else, as Helm's. */
async function applied({ type, name }: ObjectReference, spec: unknown): Promise<number> {
  const path = `${resourcePath(type, namespace, name)}?fieldManager=helm`;
  const body = { apiVersion: type.apiVersion, kind: type.kind, metadata: { name, namespace }, spec };
  return (await target.call('PATCH', path, { contentType: 'application/apply-patch+yaml', body })).status;
}

const specOf = z.looseObject({ spec: z.looseObject({}) });

async function spec(reference: ObjectReference): Promise<unknown> {
  return specOf.parse(await client.get(reference, signal)).spec;
}

/** A client before whose next patch somebody else edits the object. */
function racing(reference: ObjectReference, operations: readonly object[]): KubernetesClient {
  let raced = false;
  return {
    ...client,
    async patchJson(...call) {
      if (!raced) await edit(reference, operations);
      raced = true;
      return client.patchJson(...call);
    },
  };
}

/** A client whose first patch reaches the server while its answer is lost, so that the patch is sent again. */
function losingAnswers(): KubernetesClient {
  let lost = false;
  return {
    ...client,
    async patchJson(...call) {
      const answer = await client.patchJson(...call);
      if (lost) return answer;
      lost = true;
      return client.patchJson(...call);
    },
  };
}

/** What a promise is refused with. */
async function refusal(promise: Promise<unknown>) {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!isSluiceError(error)) throw new Error('no refusal that names something', { cause: error });
  return error;
}

/** A route of one kind, made for a test, with its router and how its weights look. */
interface Fixture<Options> {
  readonly options: Options;
  readonly reference: ObjectReference;
  /** The stable and canary weights in the first managed rule; undefined for an arm that is not in it. */
  weights(): Promise<readonly (number | undefined)[]>;
  /** The pointer of the stable arm's weight. */
  readonly stableWeight: string;
}

const weightedEntry = z.looseObject({
  name: z.string().optional(),
  destination: z.looseObject({ subset: z.string().optional() }).optional(),
  weight: z.number().optional(),
});

function weightsIn(entries: readonly z.infer<typeof weightedEntry>[], stable: string, canary: string) {
  return [stable, canary].map(
    (arm) => entries.find(({ name, destination }) => (destination?.subset ?? name) === arm)?.weight,
  );
}

async function istioFixture(): Promise<Fixture<IstioOptions>> {
  const host = fresh('istio');
  await createService(host);
  await create(resources.destinationRule, host, { spec: { host, subsets: [{ name: 'v1' }, { name: 'v2' }] } });
  const route = [
    { destination: { host: `${host}.${namespace}.svc.cluster.local`, subset: 'v1' }, weight: 100 },
    { destination: { host, subset: 'v2' }, weight: 0 },
  ];
  const http = [
    { match: [{ uri: { prefix: '/old' } }], redirect: { uri: '/new' } },
    { name: 'primary', match: [{ uri: { prefix: '/' } }], route, timeout: '3s', retries: { attempts: 2 } },
  ];
  const reference = await create(resources.virtualService, host, { spec: { hosts: [host], http } });
  const schema = z.looseObject({
    http: z.array(z.looseObject({ name: z.string().optional(), route: z.array(weightedEntry).default([]) })),
  });
  return {
    options: { kind: 'istio', namespace, name: host, stable: { host, subset: 'v1' }, canary: { host, subset: 'v2' } },
    reference,
    async weights() {
      const { http } = schema.parse(await spec(reference));
      return weightsIn(http.find(({ name }) => name === 'primary')?.route ?? [], 'v1', 'v2');
    },
    stableWeight: '/spec/http/1/route/0/weight',
  };
}

async function gatewayApiFixture(): Promise<Fixture<GatewayApiOptions>> {
  const stable = fresh('gateway');
  const canary = `${stable}-canary`;
  await Promise.all([createService(stable), createService(canary)]);
  const filters = [{ type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['x-debug'] } }];
  const rules = [
    { matches: [{ path: { type: 'PathPrefix', value: '/' } }], filters, backendRefs: [{ name: stable, port: 80 }] },
  ];
  const reference = await create(resources.httpRoute, stable, { spec: { parentRefs: [{ name: 'public' }], rules } });
  const schema = z.looseObject({ rules: z.array(z.looseObject({ backendRefs: z.array(weightedEntry) })) });
  return {
    options: {
      kind: 'gateway-api',
      route: 'HTTPRoute',
      namespace,
      name: stable,
      stable: { name: stable },
      canary: { name: canary },
    },
    reference,
    async weights() {
      return weightsIn(schema.parse(await spec(reference)).rules.at(-1)?.backendRefs ?? [], stable, canary);
    },
    stableWeight: '/spec/rules/0/backendRefs/0/weight',
  };
}

async function traefikFixture(): Promise<Fixture<TraefikOptions>> {
  const stable = fresh('traefik');
  const canary = `${stable}-canary`;
  await Promise.all([createService(stable), createService(canary)]);
  const services = [{ name: stable, port: 80, weight: 100, responseForwarding: { flushInterval: '1ms' } }];
  const reference = await create(resources.traefikService, stable, { spec: { weighted: { services } } });
  const schema = z.looseObject({ weighted: z.looseObject({ services: z.array(weightedEntry) }) });
  return {
    options: { kind: 'traefik', namespace, name: stable, stable: { name: stable }, canary: { name: canary } },
    reference,
    async weights() {
      return weightsIn(schema.parse(await spec(reference)).weighted.services, stable, canary);
    },
    stableWeight: '/spec/weighted/services/0/weight',
  };
}

type AnyFixture = Fixture<IstioOptions | GatewayApiOptions | TraefikOptions>;
const weighted: { readonly name: string; readonly fixture: () => Promise<AnyFixture> }[] = [
  ...(servesIstio ? [{ name: 'istio', fixture: istioFixture }] : []),
  ...(servesGatewayApi ? [{ name: 'gateway-api', fixture: gatewayApiFixture }] : []),
  ...(servesTraefik ? [{ name: 'traefik', fixture: traefikFixture }] : []),
];

describe.each(weighted)('the $name router', ({ fixture }) => {
  let made: AnyFixture;
  let before: unknown;
  beforeAll(async () => {
    made = await fixture();
    before = await spec(made.reference);
  });

  test('shifts step by step and gives back what was found', async () => {
    const router = routerOf(made.options);
    const found = await router.inspect(signal);
    expect(found.weight).toBe(0);
    expect(await router.weight(found, signal)).toBe(0);
    for (const [from, to] of [[0, 5] as const, [5, 50] as const, [50, 100] as const]) {
      await router.shift(found, from, to, signal);
      expect(await made.weights()).toEqual([100 - to, to]);
      expect(await router.weight(found, signal)).toBe(to);
      expect((await router.confirm(found, to, signal)).evidence).toContain('read back');
    }
    await router.restore(found, [100, 50], signal);
    expect(await spec(made.reference)).toEqual(before);
    expect(await router.weight(found, signal)).toBe(0);
    expect((await router.confirm(found, 0, signal)).evidence).toContain('read back');
  });

  test('repeats a shift and a restore without a write', async () => {
    const router = routerOf(made.options);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 25, signal);
    const { resourceVersion } = (await client.get(made.reference, signal)).metadata;
    await router.shift(found, 0, 25, signal);
    expect((await client.get(made.reference, signal)).metadata.resourceVersion).toBe(resourceVersion);
    await router.restore(found, [25, 0], signal);
    await router.restore(found, [25, 0], signal);
    expect(await spec(made.reference)).toEqual(before);
  });

  test('takes up a shift that a dead process has or has not done', async () => {
    const router = routerOf(made.options);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 5, signal);
    const another = routerOf(made.options);
    await another.shift(structuredClone(found), 5, 25, signal);
    await another.restore(structuredClone(found), [50, 25], signal);
    expect(await spec(made.reference)).toEqual(before);
  });

  test('is done when the answer to its write was lost', async () => {
    const router = routerOf(made.options, losingAnswers());
    const found = await router.inspect(signal);
    await router.shift(found, 0, 25, signal);
    expect(await made.weights()).toEqual([75, 25]);
    await router.restore(found, [25], signal);
  });

  test('names who changed the weights, and leaves them', async () => {
    const router = routerOf(made.options);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 25, signal);
    await edit(made.reference, [{ op: 'replace', path: made.stableWeight, value: 60 }]);
    for (const act of [
      () => router.shift(found, 25, 50, signal),
      () => router.restore(found, [25], signal),
      () => router.confirm(found, 25, signal),
    ]) {
      const error = await refusal(act());
      expect(error.code).toBe('foreign-edit');
      expect(error.problem).toContain('field manager "kubectl-edit"');
      expect(error.problem).toMatch(/ 60, .* 25, where a canary weight of 25 %/);
      expect(await made.weights()).toEqual([60, 25]);
    }
    expect(await router.weight(found, signal)).toBeUndefined();
    await edit(made.reference, [{ op: 'replace', path: made.stableWeight, value: 75 }]);
    await router.restore(found, [25], signal);
    expect(await spec(made.reference)).toEqual(before);
  });

  test('loses a race for the weights to somebody else, and says so', async () => {
    const found = await routerOf(made.options).inspect(signal);
    await routerOf(made.options).shift(found, 0, 25, signal);
    const router = routerOf(
      made.options,
      racing(made.reference, [{ op: 'replace', path: made.stableWeight, value: 60 }]),
    );
    expect((await refusal(router.shift(found, 25, 50, signal))).code).toBe('foreign-edit');
    await edit(made.reference, [{ op: 'replace', path: made.stableWeight, value: 75 }]);
    await router.restore(found, [25], signal);
  });

  test('keeps others from applying the weights while it shifts, and no longer', async () => {
    const { options, reference } = await fixture();
    const router = routerOf(options);
    const asFound = await spec(reference);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 25, signal);
    const shifted = await spec(reference);
    expect(await applied(reference, asFound)).toBe(409);
    await router.restore(found, [25], signal);
    await router.relinquish(found, signal);
    await router.relinquish(found, signal);
    expect(await spec(reference)).toEqual(asFound);
    expect(await applied(reference, shifted)).toBe(200);
  });

  test('shows in a dry run what it would write', async () => {
    const router = routerOf(made.options);
    const found = await router.inspect(signal);
    const [write] = router.preview(found, 25);
    expect(write).toMatchObject({ object: router.object, action: 'update' });
    expect(JSON.stringify(write?.before)).not.toContain('"weight":25');
    expect(JSON.stringify(write?.after)).toContain('"weight":25');
    expect(await spec(made.reference)).toEqual(before);
  });

  test('refuses a route that does not exist, and lists those that do', async () => {
    const error = await refusal(routerOf({ ...made.options, name: 'chekcout' }).inspect(signal));
    expect(error).toMatchObject({ code: 'not-found', about: `${made.reference.type.kind} ${namespace}/chekcout` });
    expect(error.next).toContain(made.reference.name);
  });

  test('ends as a foreign edit when the route is deleted meanwhile', async () => {
    const gone = await fixture();
    const router = routerOf(gone.options);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 25, signal);
    await client.remove(gone.reference, signal);
    expect(await router.weight(found, signal)).toBeUndefined();
    expect(await refusal(router.restore(found, [25], signal))).toMatchObject({
      code: 'foreign-edit',
      problem: expect.stringContaining('was deleted'),
    });
  });
});

describe.runIf(servesIstio)('an Istio route', () => {
  test('is patched at its new place when somebody inserts a rule at the same moment', async () => {
    const { options, reference, weights } = await istioFixture();
    const found = await routerOf(options).inspect(signal);
    const inserted = {
      name: 'beta',
      match: [{ headers: { beta: { exact: '1' } } }],
      route: [{ destination: { host: reference.name, subset: 'v1' } }],
    };
    const router = routerOf(options, racing(reference, [{ op: 'add', path: '/spec/http/0', value: inserted }]));
    await router.shift(found, 0, 25, signal);
    expect(await weights()).toEqual([75, 25]);
    expect(await spec(reference)).toMatchObject({ http: [inserted, { redirect: {} }, { name: 'primary' }] });
    await router.restore(found, [25], signal);
    expect(await weights()).toEqual([100, 0]);
  });

  test('keeps what others change in it, also when it is restored', async () => {
    const { options, reference } = await istioFixture();
    const before = await spec(reference);
    const router = routerOf(options);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 25, signal);
    await edit(reference, [
      { op: 'replace', path: '/spec/http/1/timeout', value: '9s' },
      { op: 'add', path: '/spec/http/1/route/0/headers', value: { request: { set: { 'x-arm': 'stable' } } } },
      { op: 'add', path: '/metadata/labels', value: { team: 'shop' } },
    ]);
    await router.shift(found, 25, 50, signal);
    await router.restore(found, [50], signal);
    await edit(reference, [
      { op: 'replace', path: '/spec/http/1/timeout', value: '3s' },
      { op: 'remove', path: '/spec/http/1/route/0/headers' },
    ]);
    expect(await spec(reference)).toEqual(before);
    expect((await client.get(reference, signal)).metadata.labels).toEqual({ team: 'shop' });
  });

  async function twoRules() {
    const host = fresh('rules');
    await createService(host);
    await create(resources.destinationRule, host, { spec: { host, subsets: [{ name: 'v1' }, { name: 'v2' }] } });
    const stable = { destination: { host, subset: 'v1' } };
    const http = [
      { name: 'api', match: [{ uri: { prefix: '/api' } }], route: [stable] },
      { match: [{ headers: { beta: { exact: '1' } } }], route: [{ destination: { host, subset: 'v2' } }] },
      {
        name: 'rest',
        route: [
          { ...stable, weight: 90 },
          { destination: { host: 'legacy' }, weight: 10 },
        ],
      },
    ];
    const reference = await create(resources.virtualService, host, {
      spec: { hosts: [host], http, tcp: [{ route: [stable] }] },
    });
    const options = {
      kind: 'istio',
      namespace,
      name: host,
      stable: { host, subset: 'v1' },
      canary: { host, subset: 'v2' },
    } as const;
    return { reference, options, host };
  }

  test('shifts every rule that names the stable arm, http and tcp, and no other', async () => {
    const { reference, options, host } = await twoRules();
    const before = await spec(reference);
    const router = routerOf(options);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 25, signal);
    const arms = [
      { destination: { host, subset: 'v1' }, weight: 75 },
      { destination: { host, subset: 'v2' }, weight: 25 },
    ];
    expect(await spec(reference)).toMatchObject({
      http: [
        { name: 'api', route: arms },
        { route: [{ destination: { host, subset: 'v2' } }] },
        {
          name: 'rest',
          route: [
            { destination: { host, subset: 'v1' }, weight: 135 },
            { destination: { host: 'legacy' }, weight: 20 },
            { destination: { host, subset: 'v2' }, weight: 45 },
          ],
        },
      ],
      tcp: [{ route: arms }],
    });
    expect(await router.weight(found, signal)).toBe(25);
    await router.shift(found, 25, 50, signal);
    await router.restore(found, [50], signal);
    expect(await spec(reference)).toEqual(before);
  });

  test('shifts only the rules that are named, by name or place', async () => {
    const { reference, options, host } = await twoRules();
    const router = routerOf({ ...options, rules: ['api', 'tcp[0]'] });
    await router.shift(await router.inspect(signal), 0, 100, signal);
    expect(await spec(reference)).toMatchObject({
      http: [
        { route: [{ weight: 0 }, { weight: 100 }] },
        {},
        { route: [{ weight: 90 }, { destination: { host: 'legacy' } }] },
      ],
      tcp: [{ route: [{ destination: { host } }, { weight: 100 }] }],
    });
    const error = await refusal(routerOf({ ...options, rules: ['apo'] }).inspect(signal));
    expect(error.next).toContain('http[0] "api"');
    expect(error.next).toContain('tcp[0]');
  });

  test('restores the rules that it can before it refuses one that somebody changed', async () => {
    const { reference, options } = await twoRules();
    const router = routerOf(options);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 50, signal);
    await edit(reference, [{ op: 'replace', path: '/spec/http/0/route/0/weight', value: 1 }]);
    const error = await refusal(router.restore(found, [50], signal));
    expect(error.code).toBe('foreign-edit');
    expect(error.problem).toContain('http[0] "api"');
    expect(error.problem).not.toContain('rest');
    expect(await spec(reference)).toMatchObject({
      http: [{ route: [{ weight: 1 }, { weight: 50 }] }, {}, { route: [{ weight: 90 }, { weight: 10 }] }],
    });
  });

  test('is not shifted at all where somebody changed one of its rules', async () => {
    const { reference, options } = await twoRules();
    const router = routerOf(options);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 50, signal);
    await edit(reference, [{ op: 'replace', path: '/spec/http/0/route/0/weight', value: 1 }]);
    const edited = await spec(reference);
    expect((await refusal(router.shift(found, 50, 100, signal))).code).toBe('foreign-edit');
    expect(await spec(reference)).toEqual(edited);
  });

  test('reports a canary weight that is there already', async () => {
    const { options, reference } = await istioFixture();
    await edit(reference, [
      { op: 'replace', path: '/spec/http/1/route/0/weight', value: 80 },
      { op: 'replace', path: '/spec/http/1/route/1/weight', value: 20 },
    ]);
    expect((await routerOf(options).inspect(signal)).weight).toBe(20);
  });

  test('is refused without a rule for the stable arm, with what its rules lead to', async () => {
    const { options } = await istioFixture();
    const error = await refusal(
      routerOf({ ...options, stable: { host: 'other' }, canary: { host: 'x' } }).inspect(signal),
    );
    expect(error.code).toBe('not-found');
    expect(error.next).toMatch(/http\[1\] "primary" \(istio-\d+\..* v1 100, istio-\d+ v2 0\)/);
  });

  test('is refused where it leaves its routing to a delegate', async () => {
    const host = fresh('delegating');
    const http = [{ match: [{ uri: { prefix: '/' } }], delegate: { name: 'inner', namespace: 'other' } }];
    await create(resources.virtualService, host, { spec: { hosts: [host], http } });
    const arms = { stable: { host, subset: 'v1' }, canary: { host, subset: 'v2' } };
    const error = await refusal(routerOf({ kind: 'istio', namespace, name: host, ...arms }).inspect(signal));
    expect(error.problem).toContain('other/inner');
  });

  test('is refused with a subset that no DestinationRule has, with those that exist', async () => {
    const { options, reference } = await istioFixture();
    const canary = { host: reference.name, subset: 'v3' };
    const error = await refusal(
      routerOf({ ...options, stable: { host: reference.name, subset: 'v1' }, canary }).inspect(signal),
    );
    expect(error).toMatchObject({ code: 'not-found', about: expect.stringContaining('subset "v3"') });
    expect(error.next).toContain('v1, v2');
  });

  test('is refused with a Service that does not exist, unless the rollout makes it', async () => {
    const { reference } = await istioFixture();
    const host = reference.name;
    const options = { kind: 'istio', namespace, name: host, stable: { host }, canary: { host: 'nowhere' } } as const;
    const twice = { ...options, stable: { host, subset: 'v1' } };
    expect(await refusal(routerOf(twice).inspect(signal))).toMatchObject({
      code: 'not-found',
      about: `Service ${namespace}/nowhere`,
    });
    await routerOf({ ...twice, canaryIsCreated: true }).inspect(signal);
  });

  test('is refused with both arms twice in a rule, as nobody can say which is meant', async () => {
    const { reference } = await istioFixture();
    const host = reference.name;
    const options = { kind: 'istio', namespace, name: host, stable: { host }, canary: { host: 'other' } } as const;
    expect(await refusal(routerOf(options).inspect(signal))).toMatchObject({
      code: 'unsupported',
      problem: expect.stringContaining('names the stable arm more than once'),
    });
  });

  test('is refused where Argo CD applies it, with the rule to add, until the user says that it is there', async () => {
    const { options, reference } = await istioFixture();
    const path = `${resourcePath(reference.type, namespace, reference.name)}?fieldManager=argocd-controller`;
    const body = [{ op: 'replace', path: '/spec/http/1/timeout', value: '4s' }];
    await target.object('PATCH', path, { contentType: 'application/json-patch+json', body });
    const error = await refusal(routerOf(options).inspect(signal));
    expect(error.code).toBe('unsupported');
    expect(error.next).toContain('.spec.http[]?.route[]?.weight');
    await routerOf({ ...options, gitops: 'ignore-rule-present' }).inspect(signal);
  });

  test('is confirmed when istiod has observed it, where istiod reports', async () => {
    const { options, reference } = await istioFixture();
    const observe = async () => {
      const { generation } = (await client.get(reference, signal)).metadata;
      const status = { observedGeneration: generation, validationMessages: [], conditions: [] };
      await edit(reference, [{ op: 'add', path: '/status', value: status }], '/status');
    };
    await observe();
    const router = routerOf(options, client, clockWith(observe));
    const found = await router.inspect(signal);
    await router.shift(found, 0, 25, signal);
    expect((await router.confirm(found, 25, signal)).evidence).toMatch(/generation \d+ observed by istiod/);
  });

  test('is not confirmed while istiod complains of the new weights', async () => {
    const { options, reference } = await istioFixture();
    const old = { level: 'ERROR', type: { code: 'IST0101', name: 'ReferencedResourceNotFound' } };
    const report = async (messages: readonly object[]) => {
      const { generation } = (await client.get(reference, signal)).metadata;
      const status = { observedGeneration: String(generation), validationMessages: messages };
      await edit(reference, [{ op: 'add', path: '/status', value: status }], '/status');
    };
    await report([old]);
    const deadline = new AbortController();
    const complaint = { level: 'ERROR', type: { code: 'IST0134', name: 'ConflictingWeights' } };
    let looks = 0;
    const clock = clockWith(async () => {
      await report([old, complaint]);
      looks += 1;
      if (looks === 3) deadline.abort(new DOMException('too late', 'TimeoutError'));
    });
    const router = routerOf(options, client, clock);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 25, signal);
    const error = await refusal(router.confirm(found, 25, deadline.signal));
    expect(error.code).toBe('not-confirmed');
    expect(error.problem).toContain('it reports IST0134 ConflictingWeights.');
  });
});

describe.runIf(servesGatewayApi)('a Gateway API route', () => {
  function parent(name: string, generation: number, conditions: Record<string, string>) {
    return {
      parentRef: { name },
      controllerName: 'example.com/gateway',
      conditions: Object.entries(conditions).map(([type, status]) => ({
        type,
        status,
        reason: status === 'True' ? type : 'BackendNotFound',
        message: '',
        observedGeneration: generation,
        lastTransitionTime: '2026-01-01T00:00:00Z',
      })),
    };
  }
  const fine = { Accepted: 'True', ResolvedRefs: 'True' };

  test('is confirmed when every gateway that accepted it before accepts the new generation', async () => {
    const { options, reference } = await gatewayApiFixture();
    const report = async (...parents: (readonly [string, Record<string, string>])[]) => {
      const { generation = 0 } = (await client.get(reference, signal)).metadata;
      const status = { parents: parents.map(([name, conditions]) => parent(name, generation, conditions)) };
      await edit(reference, [{ op: 'add', path: '/status', value: status }], '/status');
    };
    const rejecting = { Accepted: 'False', ResolvedRefs: 'True' };
    await report(['public', fine], ['internal', fine], ['broken', rejecting]);
    let looks = 0;
    const clock = clockWith(async () => {
      looks += 1;
      await report(
        ['public', fine],
        ['internal', looks < 3 ? { ...fine, ResolvedRefs: 'False' } : fine],
        ['broken', rejecting],
      );
    });
    const router = routerOf(options, client, clock);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 25, signal);
    const { evidence } = await router.confirm(found, 25, signal);
    expect(looks).toBe(3);
    expect(evidence).toContain(`Gateway ${namespace}/public`);
    expect(evidence).not.toContain('broken');
  });

  test('copies the stable backend for the canary, with its filters', async () => {
    const { options, reference } = await gatewayApiFixture();
    const filters = [
      { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x-backend', value: 'a' }] } },
    ];
    await edit(reference, [{ op: 'add', path: '/spec/rules/0/backendRefs/0/filters', value: filters }]);
    const router = routerOf(options);
    await router.shift(await router.inspect(signal), 0, 25, signal);
    expect(await spec(reference)).toMatchObject({
      rules: [
        {
          backendRefs: [
            { name: reference.name, weight: 75 },
            { name: `${reference.name}-canary`, port: 80, filters, weight: 25 },
          ],
        },
      ],
    });
  });

  test('is refused where Flux applies it, with the lists to ignore as the canary is added to them', async () => {
    const { options, reference } = await gatewayApiFixture();
    const path = `${resourcePath(reference.type, namespace, reference.name)}?fieldManager=kustomize-controller`;
    const body = [{ op: 'add', path: '/spec/hostnames', value: ['shop.example'] }];
    await target.object('PATCH', path, { contentType: 'application/json-patch+json', body });
    const error = await refusal(routerOf(options).inspect(signal));
    expect(error.next).toContain('- /spec/rules/0/backendRefs');
  });

  test('of kind GRPCRoute is shifted as well', async () => {
    const stable = fresh('grpc');
    await Promise.all([createService(stable), createService(`${stable}-canary`)]);
    const rules = [
      { matches: [{ method: { service: 'shop.Checkout' } }], backendRefs: [{ name: stable, port: 80, weight: 2 }] },
    ];
    const reference = await create(resources.grpcRoute, stable, { spec: { parentRefs: [{ name: 'public' }], rules } });
    const arms = { stable: { name: stable }, canary: { name: `${stable}-canary` } };
    const router = routerOf({ kind: 'gateway-api', route: 'GRPCRoute', namespace, name: stable, ...arms });
    const found = await router.inspect(signal);
    expect(router.object).toBe(`GRPCRoute ${namespace}/${stable}`);
    await router.shift(found, 0, 25, signal);
    expect(await spec(reference)).toMatchObject({ rules: [{ backendRefs: [{ weight: 75 }, { weight: 25 }] }] });
  });
});

describe('the nginx router', () => {
  async function nginxFixture(canaryIngress?: object) {
    const stable = fresh('nginx');
    const canary = `${stable}-canary`;
    await Promise.all([createService(stable), createService(canary)]);
    const rules = (service: string) => [
      {
        host: `${stable}.example`,
        http: {
          paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: service, port: { number: 80 } } } }],
        },
      },
    ];
    await create(resources.ingress, stable, { spec: { ingressClassName: 'nginx', rules: rules(stable) } });
    const reference = { type: resources.ingress, namespace, name: canary };
    if (canaryIngress !== undefined) {
      const annotations = { 'nginx.ingress.kubernetes.io/canary': 'true', ...canaryIngress };
      await create(resources.ingress, canary, { spec: { rules: rules(canary) } }, { annotations });
    }
    const options = { kind: 'nginx', namespace, name: stable, canaryIngress: canary, stable, canary } as const;
    return { options, reference, rules };
  }
  const annotations = async (reference: ObjectReference) =>
    (await client.find(reference, signal))?.metadata.annotations ?? {};
  const weightAnnotation = 'nginx.ingress.kubernetes.io/canary-weight';
  const weightPointer = '/metadata/annotations/nginx.ingress.kubernetes.io~1canary-weight';

  test('makes a canary Ingress, gives it weights, and takes it away again', async () => {
    const { options, reference, rules } = await nginxFixture();
    const router = routerOf(options);
    const found = await router.inspect(signal);
    expect(found.weight).toBe(0);
    expect(router.preview(found, 5)).toMatchObject([{ action: 'create', after: { kind: 'Ingress' } }]);
    await router.shift(found, 0, 5, signal);
    expect(await spec(reference)).toMatchObject({ ingressClassName: 'nginx', rules: rules(options.canary) });
    expect(await annotations(reference)).toMatchObject({ [weightAnnotation]: '5' });
    await router.shift(found, 5, 100, signal);
    expect(await router.weight(found, signal)).toBe(100);
    expect((await router.confirm(found, 100, signal)).evidence).toContain('read back');
    await router.restore(found, [100], signal);
    expect(await client.find(reference, signal)).toBeUndefined();
    expect(await router.weight(found, signal)).toBe(0);
    await router.restore(found, [100], signal);
    await router.confirm(found, 0, signal);
  });

  test('makes a canary Ingress of its own that was left what the stable one is now', async () => {
    const { options, reference, rules } = await nginxFixture();
    const stable = { type: resources.ingress, namespace, name: options.name };
    const router = routerOf(options);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 5, signal);
    // What others noted of it stays theirs.
    const noted = { 'field.example/endpoints': '[]' };
    await edit(reference, [
      { op: 'add', path: '/metadata/annotations/field.example~1endpoints', value: '[]' },
      { op: 'add', path: '/metadata/annotations/nginx.ingress.kubernetes.io~1load-balance', value: 'ewma' },
    ]);
    const path = {
      path: '/v2',
      pathType: 'Prefix',
      backend: { service: { name: options.name, port: { number: 80 } } },
    };
    const tls = [{ hosts: [`${options.name}.example`], secretName: 'shop-tls' }];
    await edit(stable, [
      { op: 'replace', path: '/spec/rules/0/http/paths/0', value: path },
      { op: 'add', path: '/spec/rules/0/host', value: 'new.example' },
      { op: 'add', path: '/spec/tls', value: tls },
      { op: 'add', path: '/metadata/annotations', value: { 'nginx.ingress.kubernetes.io/affinity': 'cookie' } },
    ]);
    // Both the run that is under way and one that comes later follow.
    const later = await router.inspect(signal);
    for (const [snapshot, to] of [[found, 25] as const, [later, 50] as const]) {
      await router.shift(snapshot, to === 25 ? 5 : 25, to, signal);
      const [rule] = rules(options.canary);
      expect(await spec(reference)).toEqual({
        ingressClassName: 'nginx',
        tls,
        rules: [
          { ...rule, host: 'new.example', http: { paths: [{ ...path, backend: rule?.http.paths[0]?.backend }] } },
        ],
      });
      expect(await annotations(reference)).toEqual({
        ...noted,
        'nginx.ingress.kubernetes.io/canary': 'true',
        'nginx.ingress.kubernetes.io/affinity': 'cookie',
        [weightAnnotation]: String(to),
      });
    }
    const { resourceVersion } = (await client.get(reference, signal)).metadata;
    await router.shift(later, 25, 50, signal);
    expect((await client.get(reference, signal)).metadata.resourceVersion).toBe(resourceVersion);
    await router.restore(later, [50], signal);
  });

  test('uses a canary Ingress that is there, and gives its annotations back', async () => {
    const header = { 'nginx.ingress.kubernetes.io/canary-by-header': 'x-canary' };
    const { options, reference } = await nginxFixture(header);
    const before = await client.get(reference, signal);
    const router = routerOf(options);
    const found = await router.inspect(signal);
    expect(router.preview(found, 5)).toMatchObject([{ action: 'update' }]);
    await router.shift(found, 0, 12.5, signal);
    expect(await annotations(reference)).toMatchObject({ ...header, [weightAnnotation]: '25' });
    expect(await router.weight(found, signal)).toBe(12.5);
    await router.restore(found, [12.5], signal);
    expect((await client.get(reference, signal)).metadata.annotations).toEqual(before.metadata.annotations);
    expect(await spec(reference)).toEqual(specOf.parse(before).spec);
  });

  test('names who changed the weight, or that its Ingress was deleted', async () => {
    const { options, reference } = await nginxFixture();
    const router = routerOf(options);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 5, signal);
    await edit(reference, [{ op: 'replace', path: weightPointer, value: '60' }]);
    const error = await refusal(router.shift(found, 5, 25, signal));
    expect(error).toMatchObject({ code: 'foreign-edit', problem: expect.stringContaining('"kubectl-edit"') });
    expect(error.problem).toContain('canary-weight 60 of 100, where a canary weight of 5 % or 25 % is expected');
    await client.remove(reference, signal);
    expect((await refusal(router.shift(found, 5, 25, signal))).problem).toContain('was deleted');
  });

  test('loses a race for the weight to somebody else, and says so', async () => {
    const { options, reference } = await nginxFixture({ [weightAnnotation]: '0' });
    const found = await routerOf(options).inspect(signal);
    const router = routerOf(options, racing(reference, [{ op: 'replace', path: weightPointer, value: '60' }]));
    expect((await refusal(router.shift(found, 0, 25, signal))).code).toBe('foreign-edit');
    expect(await annotations(reference)).toMatchObject({ [weightAnnotation]: '60' });
  });

  test('does not take over an Ingress that somebody made meanwhile', async () => {
    const { options, rules } = await nginxFixture();
    const router = routerOf(options);
    const found = await router.inspect(signal);
    const metadata = { annotations: { 'nginx.ingress.kubernetes.io/canary': 'true', [weightAnnotation]: '0' } };
    await create(resources.ingress, options.canaryIngress, { spec: { rules: rules(options.canary) } }, metadata);
    expect((await refusal(router.shift(found, 0, 25, signal))).code).toBe('foreign-edit');
  });

  test('refuses an Ingress without the stable Service, and a canary Ingress that is none', async () => {
    const { options } = await nginxFixture();
    const other = fresh('service');
    await createService(other);
    const elsewhere = await refusal(routerOf({ ...options, stable: other }).inspect(signal));
    expect(elsewhere.next).toContain(`its backends are: ${options.stable}`);
    const plain = await refusal(routerOf({ ...options, canaryIngress: options.name }).inspect(signal));
    expect(plain.code).toBe('unsupported');
  });

  test('refuses what keeps ingress-nginx from sending requests to the canary', async () => {
    const rival = await nginxFixture();
    const canary = { annotations: { 'nginx.ingress.kubernetes.io/canary': 'true' } };
    await create(
      resources.ingress,
      `${rival.options.name}-rival`,
      { spec: { rules: rival.rules(rival.options.stable) } },
      canary,
    );
    expect((await refusal(routerOf(rival.options).inspect(signal))).problem).toContain('is a canary Ingress for');

    const used = await nginxFixture();
    await create(resources.ingress, `${used.options.name}-direct`, {
      spec: { rules: used.rules(used.options.canary) },
    });
    expect((await refusal(routerOf(used.options).inspect(signal))).problem).toContain('takes no Service as a canary');
  });
});

describe.runIf(target.has.controllers && target.has.image !== undefined)('the replicas router', () => {
  const selected = (name: string) => ({ app: name });

  async function workload(name: string, labels: Record<string, string>, replicas: number): Promise<ObjectReference> {
    const containers = [{ name: 'app', image: target.has.image, ports: [{ containerPort: 8080 }] }];
    return create(resources.deployment, name, {
      spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
    });
  }

  async function replicasFixture(pods: number, ofStable: Record<string, string> = { arm: 'stable' }) {
    const app = fresh('replicas');
    await createService(app);
    const stable = await workload(`${app}-stable`, { ...selected(app), ...ofStable }, pods);
    const canary = await workload(`${app}-canary`, { ...selected(app), arm: 'canary' }, 0);
    const options = {
      kind: 'replicas',
      namespace,
      service: app,
      stable: { kind: 'Deployment', name: stable.name },
      canary: { kind: 'Deployment', name: canary.name },
    } as const;
    const counts = async () =>
      Promise.all(
        [stable, canary].map(async (arm) => z.looseObject({ replicas: z.number() }).parse(await spec(arm)).replicas),
      );
    return { options, stable, canary, counts, app };
  }

  test('approximates weights by pods, says how well, and gives the counts back', async () => {
    const { options, counts } = await replicasFixture(4);
    const router = routerOf(options);
    const found = await router.inspect(signal);
    await router.confirm(found, 0, signal);
    await router.shift(found, 0, 30, signal);
    expect((await router.confirm(found, 30, signal)).evidence).toBe(
      'asked 30 %, 1 of 4 pods = 25.0 %; ready: 3 stable and 1 canary endpoints of 3 and 1',
    );
    expect(await counts()).toEqual([3, 1]);
    expect(await router.weight(found, signal)).toBe(25);
    await router.shift(found, 30, 100, signal);
    await router.confirm(found, 100, signal);
    expect(await counts()).toEqual([0, 4]);
    await router.restore(found, [100], signal);
    expect(await counts()).toEqual([4, 0]);
    expect(await router.weight(found, signal)).toBe(0);
    await router.confirm(found, 0, signal);
  });

  test('counts each pod for one arm where the stable selector picks those of both', async () => {
    const { options } = await replicasFixture(2, {});
    const router = routerOf(options);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 50, signal);
    expect((await router.confirm(found, 50, signal)).evidence).toContain(
      'ready: 1 stable and 1 canary endpoints of 1 and 1',
    );
  });

  test('names who scaled the stable workload', async () => {
    const { options, stable, counts } = await replicasFixture(2);
    const router = routerOf(options);
    const found = await router.inspect(signal);
    await router.shift(found, 0, 50, signal);
    await router.confirm(found, 50, signal);
    await edit(stable, [{ op: 'replace', path: '/spec/replicas', value: 7 }]);
    const error = await refusal(router.restore(found, [50], signal));
    expect(error).toMatchObject({ code: 'foreign-edit', problem: expect.stringContaining('"kubectl-edit"') });
    expect(await counts()).toEqual([7, 1]);
  });

  test('refuses a Service that does not select both arms', async () => {
    const { options, app } = await replicasFixture(1);
    await createService(`${app}-other`);
    const error = await refusal(routerOf({ ...options, service: `${app}-other` }).inspect(signal));
    expect(error).toMatchObject({
      code: 'unsupported',
      problem: expect.stringContaining('does not select the pods of'),
    });
  });

  test('refuses workloads that an autoscaler scales', async () => {
    const { options, stable } = await replicasFixture(1);
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: stable.name };
    await create(resources.horizontalPodAutoscaler, stable.name, { spec: { scaleTargetRef, maxReplicas: 3 } });
    expect((await refusal(routerOf(options).inspect(signal))).problem).toContain(
      'is scaled by HorizontalPodAutoscaler',
    );
  });
});
