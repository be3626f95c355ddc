import { describe, expect, it } from 'vitest';
import { ingressPaths } from '../../../src/routes/objects/nginx-ingress.ts';
import { gatewayApiRules } from '../../../src/routes/weights/gateway-api.ts';
import { istioDestinations, istioRules } from '../../../src/routes/weights/istio.ts';
import { traefikRules } from '../../../src/routes/weights/traefik.ts';

const object = (kind: string, spec?: unknown) => ({
  apiVersion: 'example/v1',
  kind,
  metadata: { name: 'checkout', namespace: 'shop' },
  ...(spec !== undefined && { spec }),
});

describe('a route of another form than usual', () => {
  it.each<[string, () => unknown, string]>([
    ['without spec', () => istioRules(object('VirtualService')), 'spec is missing'],
    ['with one rule for a list', () => istioRules(object('VirtualService', { http: {} })), 'spec.http is no array'],
    [
      'with a text for a rule',
      () => istioRules(object('VirtualService', { http: ['x'] })),
      'spec.http[0] is no object',
    ],
    [
      'with a text for a destination',
      () => istioRules(object('VirtualService', { http: [{ route: ['checkout'] }] })),
      'spec.http[0].route[0] is no object',
    ],
    ['with a text for spec', () => gatewayApiRules(object('HTTPRoute', 'x')), 'spec is no object'],
    ['with a number for rules', () => gatewayApiRules(object('HTTPRoute', { rules: 5 })), 'spec.rules is no array'],
    [
      'with a list for an object',
      () => traefikRules(object('TraefikService', { weighted: [] })),
      'spec.weighted is no object',
    ],
    [
      'with a text for paths',
      () => ingressPaths(object('Ingress', { rules: [{ http: 'x' }] })),
      'spec.rules[0].http is no object',
    ],
  ])('is named with its field: %s', (_, read, says) => {
    expect(read).toThrow(says);
    expect(read).toThrow(/^\w+ shop\/checkout: has a form that can't be read: /);
  });

  it('is named where a destination has no host', () => {
    const { armOf } = istioDestinations('shop', { host: 'checkout' }, { host: 'checkout-canary' });
    expect(() => armOf({ weight: 5 })).toThrow(
      "a destination of the VirtualService: has a form that can't be read: it is missing",
    );
    expect(() => armOf({ destination: {} })).toThrow('host is missing');
  });
});
