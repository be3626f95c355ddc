import { expect } from 'vitest';
import type { Shop } from './shop.ts';
import { keep, type Seen } from './traffic.ts';

/** What there was before a release. */
export type Found = Awaited<ReturnType<typeof lookAt>>;

export async function lookAt(shop: Shop) {
  return { inventory: await shop.inventory(), route: await shop.asWritten(shop.path.virtualService) };
}

/** The new version serves all, nothing but its image is another one than before, and nothing is left of the canary. */
export async function expectPromoted(shop: Shop, found: Found, seen: Seen, name: string) {
  const kept = await keep(name, seen);
  expect(kept, seen.ended.log).toMatchObject({ verdict: 'promoted', lost: 0, after: ['v2'] });
  expect(seen.ended.status).toBe(0);
  expect(await shop.record()).toEqual({ phase: 'ended', verdict: 'promoted' });
  await shop.settled();
  const inventory = await shop.inventory();
  expect(inventory[`${shop.path.deployments}/checkout`]).toContain(`${seen.ended.outputs.digest}`);
  expect(withoutImages(inventory)).toEqual(withoutImages(found.inventory));
  return kept;
}

/** The version before serves all, and everything is as it was found: the route to the byte. */
export async function expectRolledBack(shop: Shop, found: Found, seen: Seen, name: string) {
  const kept = await keep(name, seen);
  expect(kept, seen.ended.log).toMatchObject({ verdict: 'rolled-back', lost: 0, after: ['v1'] });
  expect(seen.ended.status).toBe(1);
  expect(await shop.record()).toEqual({ phase: 'ended', verdict: 'rolled-back' });
  expect(await shop.asWritten(shop.path.virtualService)).toBe(found.route);
  await shop.settled();
  expect(await shop.inventory()).toEqual(found.inventory);
  return kept;
}

/**
 * As promoted. After an outage Kubernetes' own controller of EndpointSlices may find its cache behind for minutes: a promotion that
 * was held has to be so for ready pods of the stable Service that no slice lists to this moment, with all requests on the canary.
 */
export async function expectPromotedWhenListed(shop: Shop, found: Found, seen: Seen, name: string) {
  if (seen.ended.outputs.verdict !== 'held') return expectPromoted(shop, found, seen, name);
  expect(await shop.unlisted('checkout'), seen.ended.log).not.toEqual([]);
  expect(seen.ended.outputs.reason).toMatch(/ready pods of .+ in its EndpointSlices after \d+ s/);
  return expectHeld(shop, seen, { name, weight: 100, phase: 'promoting' });
}

/** The weight stays where it was, for a person to decide. */
export async function expectHeld(
  shop: Shop,
  seen: Seen,
  { name, weight, phase = 'paused' }: { name: string; weight: number; phase?: string },
) {
  expect(await keep(name, seen), seen.ended.log).toMatchObject({ verdict: 'held', lost: 0 });
  expect(seen.ended.status).toBe(1);
  expect(await shop.weight()).toBe(weight);
  expect(await shop.record()).toEqual({ phase, verdict: 'held' });
}

function withoutImages(inventory: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(inventory).map(([path, content]) => [path, content.replaceAll(/"image":"[^"]*"/g, '"image":""')]),
  );
}
