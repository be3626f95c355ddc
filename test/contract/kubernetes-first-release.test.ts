import { afterAll, beforeAll, expect, test } from 'vitest';
import { deployFirst, findFirstRelease } from '../../src/workloads/arms/first-release.ts';
import { parseImages } from '../../src/workloads/images.ts';
import { createQuickClock, type EmbeddedCluster, startEmbeddedCluster } from '../support/embedded-cluster.ts';
import { putShop } from '../support/shop.ts';

const clock = createQuickClock(50);
const signal = new AbortController().signal;
const checkout = { kind: 'Deployment', name: 'checkout' } as const;
const good = 'registry.example/checkout:good';

let cluster: EmbeddedCluster;
beforeAll(async () => {
  cluster = await startEmbeddedCluster({ [good]: {} });
});
afterAll(() => cluster.stop());

function placeOf(namespace: string) {
  const { client, lifetime } = cluster;
  return { client, lifetime, namespace, clock, rollout: 'checkout', drain: 0 };
}

// The image that the shop names is not one that the registry has: its pods never get ready.
test('a workload that has never served gets its image, and is seen to serve', async () => {
  putShop(cluster, 'first-1', {});
  const place = placeOf('first-1');
  expect(await findFirstRelease(place, checkout, 'checkout', signal)).toEqual({
    about: 'Deployment first-1/checkout',
    exists: true,
  });
  const images = parseImages(good);
  const deployed = await deployFirst(place, { workload: checkout, images, timeout: 600_000 }, signal);
  expect(deployed).toMatchObject({ evidence: expect.stringContaining('pods are ready'), versions: { canary: 'good' } });
  expect(await findFirstRelease(place, checkout, 'checkout', signal)).toBeUndefined();
});

test('one whose new image does not start either is told with its pods', async () => {
  putShop(cluster, 'first-2', {});
  const images = parseImages('registry.example/checkout:none');
  const ended = deployFirst(placeOf('first-2'), { workload: checkout, images, timeout: 20_000 }, signal);
  await expect(ended).rejects.toMatchObject({ code: 'not-ready' });
});

test('a workload that is not there is found as one to be deployed', async () => {
  putShop(cluster, 'first-3', {});
  const cart = { kind: 'Deployment', name: 'cart' } as const;
  expect(await findFirstRelease(placeOf('first-3'), cart, 'cart', signal)).toEqual({
    about: 'Deployment first-3/cart',
    exists: false,
  });
});
