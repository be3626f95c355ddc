import { describe, expect, test } from 'vitest';
import { endpoints } from '../../../lab/cluster/layout.ts';
import { inShop, type RouterKind, releaseOf, rightsFor, type Shop } from './shop.ts';
import { keep, underLoad } from './traffic.ts';

type Inputs = Readonly<Record<string, string>>;

/** One release under load, to its end, and what is then left of it in the cluster. */
async function releaseUnderLoad(shop: Shop, name: string, router: RouterKind, inputs: Inputs) {
  const before = await shop.inventory();
  const host = router === 'gateway-api' ? shop.hosts['gateway-api'] : shop.hosts.istio;
  const seen = await underLoad({ host }, async () => {
    if (inputs.prometheus) await shop.scraped();
    return shop.start(inputs);
  });
  const figures = await keep(name, seen);
  await shop.settled();
  return { ...figures, ended: seen.ended, before, after: await shop.inventory(), servedAfter: figures.after };
}

describe.concurrent('A release as good as the one before', () => {
  test.each(['istio', 'gateway-api', 'replicas'] as const)(
    'is promoted by %s, and no request is lost',
    async (router) => {
      await inShop({ rights: rightsFor[router] }, async (shop) => {
        const inputs = await releaseOf('v2', router);
        const release = await releaseUnderLoad(shop, `promoted-${router}`, router, inputs);
        expect(release, release.ended.log).toMatchObject({ verdict: 'promoted', lost: 0, servedAfter: ['v2'] });
        expect(release.ended.status).toBe(0);
        expect(inputs.image).toContain(release.ended.outputs.digest);
        // Nothing but the image is another one than before.
        expect(Object.keys(release.after)).toEqual(Object.keys(release.before));
        const changed = Object.keys(release.after).filter((path) => release.after[path] !== release.before[path]);
        expect(changed).toEqual([`${shop.path.deployments}/checkout`]);
        const images = (await shop.pods()).flatMap(({ spec }) => spec.containers.map(({ image }) => image));
        expect(images).toEqual([inputs.image, inputs.image]);
        expect(await shop.record()).toMatchObject({ phase: 'ended', verdict: 'promoted' });
      });
    },
  );
});

describe.concurrent('A bad release is rolled back, and nothing is left of it:', () => {
  const missing = `${endpoints.registry}/demo-service@sha256:${'0'.repeat(64)}`;
  test.each<[string, { tag: string; inputs?: Inputs; because: RegExp; router?: RouterKind }]>([
    ['2 % errors', { tag: 'v2-errors-2pct', inputs: { steps: '50 for 90s, 100' }, because: /error-rate/ }],
    ['10 % errors', { tag: 'v2-errors-10pct', inputs: { steps: '20 for 60s, 100' }, because: /error-rate/ }],
    ['nothing but errors', { tag: 'v2-errors-100pct', because: /error-rate/ }],
    ['errors by the Gateway API', { tag: 'v2-errors-100pct', router: 'gateway-api', because: /error-rate/ }],
    ['errors by pod counts', { tag: 'v2-errors-100pct', router: 'replicas', because: /error-rate/ }],
    [
      '300 ms more',
      { tag: 'v2-slow', inputs: { checks: '- error-rate\n- check: latency\n  bound: 100ms' }, because: /latency/ },
    ],
    ['a crash loop', { tag: 'v2-crash', because: /CrashLoopBackOff|ended|exit/i }],
    ['pods that never get ready', { tag: 'v2-unready', inputs: { 'ready-timeout': '15s' }, because: /ready/ }],
    ['an image that is not there', { tag: 'v2', inputs: { image: missing }, because: /ErrImagePull|ImagePullBackOff/ }],
  ])('%s', async (name, { tag, inputs, because, router = 'istio' }) => {
    await inShop({ rights: rightsFor[router] }, async (shop) => {
      const routePath = router === 'gateway-api' ? shop.path.httpRoute : shop.path.virtualService;
      const route = await shop.asWritten(routePath);
      const release = await releaseUnderLoad(shop, `bad-${name}`, router, {
        ...(await releaseOf(tag, router)),
        ...inputs,
      });
      expect(release, release.ended.log).toMatchObject({ verdict: 'rolled-back', lost: 0, servedAfter: ['v1'] });
      expect(release.ended.status).toBe(1);
      expect(release.reason).toMatch(because);
      expect(await shop.asWritten(routePath)).toBe(route);
      expect(release.after).toEqual(release.before);
      expect(await shop.record()).toMatchObject({ phase: 'ended', verdict: 'rolled-back' });
    });
  });
});
