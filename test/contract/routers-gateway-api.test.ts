import { describe, expect, test } from 'vitest';
import { resourcePath, resources } from '../../src/cluster/resources.ts';
import {
  client,
  clockWith,
  create,
  createService,
  edit,
  fresh,
  gatewayApiFixture,
  namespace,
  refusal,
  routerOf,
  servesGatewayApi,
  signal,
  spec,
  target,
} from './routers-target.ts';

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
