import { beforeAll, describe, expect, test } from 'vitest';
import type { GatewayApiOptions, IstioOptions, TraefikOptions } from '../../src/routes/weights/index.ts';
import {
  applied,
  client,
  edit,
  type Fixture,
  gatewayApiFixture,
  istioFixture,
  losingAnswers,
  namespace,
  racing,
  refusal,
  routerOf,
  servesGatewayApi,
  servesIstio,
  servesTraefik,
  signal,
  spec,
  traefikFixture,
} from './routers-target.ts';

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
