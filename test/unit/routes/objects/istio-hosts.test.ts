import { describe, expect, test } from 'vitest';
import { canonicalHost, coversHost, serviceOf } from '../../../../src/routes/objects/istio-hosts.ts';
import { istioDestinations } from '../../../../src/routes/weights/istio.ts';

describe('hosts of an Istio route', () => {
  test.each([
    'checkout',
    'checkout.shop',
    'checkout.shop.svc',
    'checkout.shop.svc.cluster.local',
    'Checkout.shop.svc.corp',
  ])('%s is Service checkout of namespace shop', (host) => {
    expect(canonicalHost(host, 'shop')).toBe('checkout.shop.svc');
  });

  test.each([
    ['checkout', 'other'],
    ['checkout.other', 'shop'],
    ['checkout.other.svc.cluster.local', 'shop'],
    ['checkout.example.com', 'shop'],
  ])('%s seen from namespace %s is another host', (host, namespace) => {
    expect(canonicalHost(host, namespace)).not.toBe('checkout.shop.svc');
  });

  test.each([
    ['checkout', { name: 'checkout', namespace: 'shop' }],
    ['checkout.other.svc.cluster.local', { name: 'checkout', namespace: 'other' }],
    ['example.com', undefined],
    ['api.example.com', undefined],
  ])('%s surely means Service %o', (host, service) => {
    expect(serviceOf(host, 'shop')).toEqual(service);
  });

  test.each([
    ['checkout.shop.svc.cluster.local', true],
    ['*.shop.svc.cluster.local', true],
    ['*.svc.cluster.local', true],
    ['*', true],
    ['*.other.svc.cluster.local', false],
    ['payment', false],
  ])('a DestinationRule for %s covers checkout: %s', (pattern, covers) => {
    expect(coversHost(canonicalHost(pattern, 'shop'), 'checkout.shop.svc')).toBe(covers);
  });
});

describe('the arms of an Istio route', () => {
  const entry = (host: string, subset?: string, port?: number) => ({
    destination: {
      host,
      ...(subset !== undefined && { subset }),
      ...(port !== undefined && { port: { number: port } }),
    },
  });

  test('are told apart by subsets of one host, however it is spelled', () => {
    const { armOf } = istioDestinations('shop', { host: 'checkout', subset: 'v1' }, { host: 'checkout', subset: 'v2' });
    expect(armOf(entry('checkout.shop.svc.cluster.local', 'v1'))).toBe('stable');
    expect(armOf(entry('checkout.shop', 'v2'))).toBe('canary');
    expect(armOf(entry('payment', 'v1'))).toBeUndefined();
    expect(armOf(entry('checkout', 'v3'))).toBeUndefined();
    expect(armOf(entry('checkout.other.svc.cluster.local', 'v1'))).toBeUndefined();
  });

  test('are told apart by host and port', () => {
    const { armOf } = istioDestinations('shop', { host: 'checkout', port: 80 }, { host: 'checkout-canary', port: 80 });
    expect(armOf(entry('checkout', undefined, 80))).toBe('stable');
    expect(armOf(entry('checkout'))).toBe('stable');
    expect(armOf(entry('checkout', undefined, 9090))).toBeUndefined();
    expect(armOf(entry('checkout-canary', undefined, 80))).toBe('canary');
  });

  test('the canary is added as a copy of the stable entry', () => {
    const stable = { ...entry('checkout.shop.svc.cluster.local', 'v1', 8080), headers: { request: { remove: ['x'] } } };
    const bySubset = istioDestinations('shop', { host: 'checkout', subset: 'v1' }, { host: 'checkout', subset: 'v2' });
    expect(bySubset.canaryLike(stable)).toEqual({ ...stable, ...entry('checkout.shop.svc.cluster.local', 'v2', 8080) });
    const byHost = istioDestinations('shop', { host: 'checkout' }, { host: 'checkout-canary' });
    expect(byHost.canaryLike(stable)).toEqual({ ...stable, ...entry('checkout-canary', undefined, 8080) });
  });

  test.each([
    [{ host: 'checkout' }, { host: 'checkout.shop' }],
    [
      { host: 'checkout', subset: 'v1' },
      { host: 'checkout', subset: 'v1' },
    ],
    [{ host: 'checkout', subset: 'v1' }, { host: 'checkout' }],
  ])('%o and %o are one destination, which is refused', (stable, canary) => {
    expect(() => istioDestinations('shop', stable, canary)).toThrow(/is the destination of both arms/);
  });

  test('a single destination gets everything whatever its weight', () => {
    const { weightOf } = istioDestinations('shop', { host: 'a' }, { host: 'b' });
    expect(weightOf(entry('a'), 1)).toBe(100);
    expect(weightOf({ ...entry('a'), weight: 0 }, 1)).toBe(100);
    expect(weightOf(entry('a'), 2)).toBe(0);
  });
});
