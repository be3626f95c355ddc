import { describe, expect, test } from 'vitest';
import { serviceDestinations } from '../../../../src/routes/weights/services.ts';

const arms = { namespace: 'shop', stable: { name: 'checkout' }, canary: { name: 'checkout-canary' } };

describe('the arms of a route that refers to Services', () => {
  test('are described whatever somebody has written for a name', () => {
    const { describe: described } = serviceDestinations(arms);
    expect(described({ name: { toString: '' }, port: [1] })).toBe('{"toString":""}:[1]');
    expect(described({})).toBe('nothing');
  });

  test.each([
    [{ name: 'checkout', port: 80 }, 'stable'],
    [{ group: '', kind: 'Service', name: 'checkout-canary', namespace: 'shop', port: 80 }, 'canary'],
    [{ name: 'payment', port: 80 }, undefined],
    [{ name: 'checkout', namespace: 'other', port: 80 }, undefined],
    [{ kind: 'TraefikService', name: 'checkout' }, undefined],
    [{ group: 'multicluster.x-k8s.io', kind: 'ServiceImport', name: 'checkout' }, undefined],
    [{ group: 'example.com', name: 'checkout' }, undefined],
  ])('%o is %s', (entry, arm) => {
    expect(serviceDestinations(arms).armOf(entry)).toBe(arm);
  });

  test('may be in other namespaces than the route', () => {
    const elsewhere = { ...arms, canary: { name: 'checkout', namespace: 'canaries' } };
    const { armOf, canaryLike } = serviceDestinations(elsewhere);
    expect(armOf({ name: 'checkout' })).toBe('stable');
    expect(armOf({ name: 'checkout', namespace: 'canaries' })).toBe('canary');
    expect(canaryLike({ name: 'checkout', port: 80, filters: [] })).toEqual({
      name: 'checkout',
      namespace: 'canaries',
      port: 80,
      filters: [],
    });
  });

  test('may be ports of one Service', () => {
    const ports = { ...arms, stable: { name: 'checkout', port: 80 }, canary: { name: 'checkout', port: 81 } };
    const { armOf } = serviceDestinations(ports);
    expect(armOf({ name: 'checkout', port: 80 })).toBe('stable');
    expect(armOf({ name: 'checkout', port: 81 })).toBe('canary');
    expect(armOf({ name: 'checkout', port: 82 })).toBeUndefined();
  });

  test('may not be the same destination', () => {
    expect(() => serviceDestinations({ ...arms, canary: { name: 'checkout', namespace: 'shop' } })).toThrow(
      /Service shop\/checkout: is the destination of both arms/,
    );
  });

  test('count one where they name no weight', () => {
    const { weightOf } = serviceDestinations(arms);
    expect(weightOf({ name: 'checkout' }, 2)).toBe(1);
    expect(weightOf({ name: 'checkout', weight: 0 }, 2)).toBe(0);
  });
});
