import { describe, expect, test } from 'vitest';
import { openShop, type RouterKind, releaseOf, rightsFor, type Shop, type ShopOptions } from './shop.ts';
import { keep, underLoad } from './traffic.ts';

/** Gives a shop to a test and takes it away after it. */
async function inShop(options: ShopOptions, tell: (shop: Shop) => Promise<void>): Promise<void> {
  const shop = await openShop(options);
  try {
    await tell(shop);
  } finally {
    await shop.close();
  }
}

/** Where requests for a shop whose traffic this router moves are sent. */
function hostFor({ hosts }: Shop, router: RouterKind): string {
  return router === 'gateway-api' ? hosts['gateway-api'] : hosts.istio;
}

describe.concurrent('A release as good as the one before', () => {
  test.each(['istio', 'gateway-api', 'replicas'] as const)(
    'is promoted by %s, and no request is lost',
    async (router) => {
      await inShop({ rights: rightsFor[router] }, async (shop) => {
        const before = await shop.inventory();
        const release = await releaseOf('v2', router);
        const seen = await underLoad({ host: hostFor(shop, router) }, () => shop.start(release));
        expect(await keep(`promoted-${router}`, seen)).toMatchObject({
          verdict: 'promoted',
          lost: 0,
          after: ['v2'],
        });
        expect(seen.ended.status).toBe(0);
        expect(`${release.image}`).toContain(`${seen.ended.outputs.digest}`);
        // Nothing but the image is another one than before.
        const after = await shop.inventory();
        expect(Object.keys(after)).toEqual(Object.keys(before));
        const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
        expect(changed).toEqual([`${shop.path.deployments}/checkout`]);
        expect(await shop.pods()).toHaveLength(2);
      });
    },
  );
});
