import { describe, expect, test } from 'vitest';
import { resourcePath, resources } from '../../src/cluster/resources.ts';
import {
  client,
  clockWith,
  create,
  createService,
  edit,
  fresh,
  istioFixture,
  namespace,
  racing,
  refusal,
  routerOf,
  servesIstio,
  signal,
  spec,
  target,
} from './routers-target.ts';

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
