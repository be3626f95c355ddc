import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { RouteSnapshot } from '../../src/canary/ports.ts';
import { resources } from '../../src/cluster/resources.ts';
import { createRouter, type RouterOptions } from '../../src/routes/weights/index.ts';
import { createQuickClock, type EmbeddedCluster, startEmbeddedCluster } from '../support/embedded-cluster.ts';
import { put, putShop } from '../support/shop.ts';

const clock = createQuickClock(50);
const signal = new AbortController().signal;
let cluster: EmbeddedCluster;
beforeAll(async () => {
  cluster = await startEmbeddedCluster({});
});
afterAll(() => cluster.stop());

const to = (host: string, weight: number, more: object = {}) => ({ destination: { host }, weight, ...more });
const tagged = { headers: { request: { set: { a: '1' } } } };

let count = 0;
/** A route that sends half of its requests to the canary, and one rule that is no business of the rollout. */
function openRoute(): RouterOptions & { readonly kind: 'istio' } {
  count += 1;
  const namespace = `route-${count}`;
  putShop(cluster, namespace, { replicas: 1 });
  put(cluster, {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'checkout', namespace },
    spec: {
      hosts: ['checkout'],
      http: [
        { name: 'primary', route: [to('checkout', 50, tagged), to('checkout-canary', 50, tagged)] },
        { name: 'beta', match: [{ uri: { prefix: '/beta' } }], route: [to('payments', 100)] },
      ],
    },
  });
  const arms = { stable: { host: 'checkout' }, canary: { host: 'checkout-canary' }, canaryIsCreated: true };
  return { kind: 'istio', namespace, name: 'checkout', ...arms };
}

const rule = (name: string, destinations: readonly object[]) => ({
  section: 'http',
  place: 'http[0]',
  pointer: '/spec/http/0',
  name,
  matchField: 'match',
  match: null,
  listField: 'route',
  destinations,
});

/** What a run has kept of the route, as a later one reads it, and as somebody else has changed it. */
function recorded(
  { namespace }: { readonly namespace: string },
  rules: readonly object[],
  change: Partial<RouteSnapshot> = {},
): RouteSnapshot {
  const data = z.json().parse({ rules, status: [] });
  return { router: 'istio', object: `VirtualService ${namespace}/checkout`, weight: 0, data, ...change };
}

const primary = rule('primary', [to('checkout', 100, tagged)]);

const shown = async (namespace: string) =>
  (await cluster.client.get({ type: resources.virtualService, namespace, name: 'checkout' }, signal)).spec;

describe('a record of a route that somebody else has written', () => {
  test.each<[string, readonly object[], Partial<RouteSnapshot>, string]>([
    ['that all went to the canary', [rule('primary', [to('checkout', 0), to('checkout-canary', 100)])], {}, 'primary'],
    ['that half went to the canary', [primary], { weight: 50 }, '50 %'],
    ['no rule', [], {}, 'says nothing of http[0]'],
    ['another rule than the one that is shifted', [rule('beta', [to('checkout', 100)])], {}, 'beta'],
    ['a weight that is none', [rule('primary', [to('checkout', 1e9)])], {}, 'no whole number'],
    ['a weight of another type', [rule('primary', [{ ...to('checkout', 0), weight: '100' }])], {}, 'no whole number'],
    ['another route', [primary], { object: 'VirtualService prod/payments' }, 'VirtualService prod/payments'],
    ['another router', [primary], { router: 'nginx' }, 'router nginx'],
  ])('is refused by name, and the route stays: %s', async (_, rules, change, says) => {
    const options = openRoute();
    const { namespace } = options;
    const before = await shown(namespace);
    const router = () => createRouter(options, cluster.client, { clock });
    const snapshot = recorded(options, rules, change);
    const refused = {
      code: 'unsupported',
      about: `ConfigMap ${namespace}/sluice-checkout`,
      problem: expect.stringContaining(says),
      next: expect.stringContaining('"mode: discard-record"'),
    };
    await expect(router().restore(snapshot, [50, 0], signal)).rejects.toMatchObject(refused);
    await expect(router().shift(snapshot, 50, 100, signal)).rejects.toMatchObject(refused);
    await expect(router().weight(snapshot, signal)).rejects.toMatchObject(refused);
    await expect(router().confirm(snapshot, 50, signal)).rejects.toMatchObject(refused);
    await expect(router().verifyRecorded(snapshot, signal)).rejects.toMatchObject(refused);
    expect(await shown(namespace)).toEqual(before);
  });

  test('says where no request leads: that is what the route and the inputs say', async () => {
    const options = openRoute();
    const { namespace } = options;
    const router = createRouter(options, cluster.client, { clock });
    const evil = { headers: { request: { set: { host: 'evil.example' } } }, mirror: { host: 'evil.example' } };
    await router.restore(recorded(options, [rule('primary', [to('checkout', 100, evil)])]), [50, 0], signal);
    await router.shift(recorded(options, [rule('primary', [to('checkout', 100, evil)])]), 0, 30, signal);
    expect(await shown(namespace)).toMatchObject({
      http: [
        { name: 'primary', route: [to('checkout', 70, tagged), to('checkout-canary', 30, tagged)] },
        { name: 'beta', route: [to('payments', 100)] },
      ],
    });
    expect(JSON.stringify(await shown(namespace))).not.toContain('evil');
  });

  test('of pod counts gives no arm more pods than both have', async () => {
    const { namespace } = openRoute();
    putShop(cluster, namespace, { name: 'checkout-canary', labels: { app: 'checkout' }, replicas: 1 });
    const arm = (name: string) => ({ kind: 'Deployment', name }) as const;
    const options = { kind: 'replicas', namespace, service: 'checkout', canaryIsCreated: true } as const;
    const arms = { stable: arm('checkout'), canary: arm('checkout-canary') };
    const router = createRouter({ ...options, ...arms }, cluster.client, { clock });
    const said = (stable: number, canary: number): RouteSnapshot => {
      const data = { stable, canary };
      return { router: 'replicas', object: `Service ${namespace}/checkout`, weight: 0, data };
    };
    for (const odd of [said(1_000, 0), said(0, 2), said(1, 1), said(0.5, 0), said(-1, 0)]) {
      await expect(router.restore(odd, [100], signal)).rejects.toMatchObject({ code: 'unsupported' });
    }
  });
});
