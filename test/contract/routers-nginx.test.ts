import { describe, expect, test } from 'vitest';
import { type ObjectReference, resources } from '../../src/cluster/resources.ts';
import {
  client,
  create,
  createService,
  edit,
  fresh,
  namespace,
  racing,
  refusal,
  routerOf,
  signal,
  spec,
  specOf,
} from './routers-target.ts';

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
