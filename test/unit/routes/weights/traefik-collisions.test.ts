import { describe, expect, it } from 'vitest';
import { resources } from '../../../../src/cluster/resources.ts';
import { kubernetesObject } from '../../../../src/cluster/schema.ts';
import { collisions } from '../../../../src/routes/weights/traefik-collisions.ts';

const match = 'Host(`shop.example`) && PathPrefix(`/`)';
const weighted = { type: resources.traefikService, namespace: 'shop', name: 'checkout' };

interface Route {
  readonly entryPoints?: readonly string[];
  readonly match?: string;
  readonly priority?: number;
  readonly service?: object;
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function route(name: string, { entryPoints, service, namespace = 'shop', annotations, ...more }: Route) {
  const services = [service ?? { name: 'old', port: 80 }];
  return kubernetesObject.parse({
    apiVersion: 'traefik.io/v1alpha1',
    kind: 'IngressRoute',
    metadata: { name, namespace, ...(annotations && { annotations }) },
    spec: { ...(entryPoints && { entryPoints }), routes: [{ kind: 'Rule', match, services, ...more }] },
  });
}
const ours = (entryPoints?: readonly string[]) =>
  route('own', { service: { kind: 'TraefikService', name: 'checkout' }, ...(entryPoints && { entryPoints }) });

describe('a route with the same match that leads elsewhere', () => {
  it.each([
    ['without entry points, beside one without', ours(), {}, "Traefik's default entry points"],
    ['without entry points, beside one with', ours(['websecure']), {}, 'entry point websecure'],
    ['with one, beside one without', ours(), { entryPoints: ['web'] }, 'entry point web'],
    ['with one that both have', ours(['web', 'websecure']), { entryPoints: ['websecure'] }, 'entry point websecure'],
    ['written with other spaces', ours(), { match: `  ${match.replace('&&', ' &&\n')}` }, 'default entry points'],
    ['with a higher priority', ours(), { priority: 1_000 }, 'it is served first'],
    ['in another namespace', ours(), { namespace: 'other' }, 'default entry points'],
    [
      'to a TraefikService of that name elsewhere',
      ours(),
      { service: { kind: 'TraefikService', name: 'checkout', namespace: 'b' } },
      'default',
    ],
  ])('is told: %s', (_, own, other, place) => {
    const told = collisions([own, route('other', other)], weighted);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/^IngressRoute \w+\/other has the same match as IngressRoute shop\/own/);
    expect(told[0]).toContain(place);
  });

  it.each([
    ['on another entry point', ours(['web']), { entryPoints: ['websecure'] }],
    ['with another match', ours(), { match: 'Host(`other.example`)' }],
    ['with a lower priority', ours(), { priority: 1 }],
    ['of another Traefik', ours(), { annotations: { 'kubernetes.io/ingress.class': 'internal' } }],
    ['and leads to the same TraefikService', ours(), { service: { kind: 'TraefikService', name: 'checkout' } }],
  ])('is not one: %s', (_, own, other) => {
    expect(collisions([own, route('other', other)], weighted)).toEqual([]);
  });
});
