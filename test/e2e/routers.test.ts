import { describe, expect, it } from 'vitest';
import type { Lab } from '../../lab/embedded/index.ts';
import type { RouterKind } from '../../lab/embedded/shop.ts';
import { expectServed, inLab, namesOf, objectOf, servesOnly } from '../support/release.ts';

const routes: Readonly<Record<RouterKind, { readonly apiVersion: string; readonly kind: string }>> = {
  istio: { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService' },
  'istio-hosts': { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService' },
  'gateway-api': { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute' },
  nginx: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' },
  traefik: { apiVersion: 'traefik.io/v1alpha1', kind: 'TraefikService' },
  // Without a route, the Service is what requests go through.
  replicas: { apiVersion: 'v1', kind: 'Service' },
};
const routers: RouterKind[] = ['istio', 'istio-hosts', 'gateway-api', 'nginx', 'traefik', 'replicas'];

/** The route and what it leads to, as a user wrote it. */
function asWritten(lab: Lab, router: RouterKind) {
  const { apiVersion, kind } = routes[router];
  const route = objectOf(lab, apiVersion, kind);
  return {
    spec: route?.spec,
    annotations: route?.metadata.annotations,
    labels: route?.metadata.labels,
    all: namesOf(lab, apiVersion, kind),
    services: namesOf(lab, 'v1', 'Service'),
    workloads: namesOf(lab, 'apps/v1', 'Deployment'),
    rules: namesOf(lab, 'networking.istio.io/v1', 'DestinationRule'),
    service: objectOf(lab, 'v1', 'Service')?.spec,
  };
}

function deployed(lab: Lab) {
  const { replicas, template } = JSON.parse(JSON.stringify(objectOf(lab, 'apps/v1', 'Deployment')?.spec));
  return { replicas, image: template.spec.containers[0].image };
}

describe.concurrent.each(routers)('by %s', (router) => {
  it('a release as good as the one before is promoted, and its route is as it was', async () => {
    await inLab({ router }, async ({ lab, release }) => {
      const before = asWritten(lab, router);
      const { status, outputs, summary, log } = await release();

      expect(outputs, log).toMatchObject({ verdict: 'promoted', weight: '100', 'canary-bad': '0', 'stable-bad': '0' });
      expect(status).toBe(0);
      expect(summary).toContain('Promoted at 100 %');
      expect(Number(outputs['canary-requests'])).toBeGreaterThan(0);
      expect(deployed(lab)).toEqual({ replicas: 2, image: lab.canaryImage });
      expect(asWritten(lab, router)).toEqual(before);
      expect(lab.canaryWeight()).toBe(0);
      await servesOnly(lab, '1.1.0');
      expectServed(lab);
    });
  });

  it('a release that fails is rolled back, and its route is as it was', async () => {
    await inLab({ router, canary: { errorRate: 1 } }, async ({ lab, release }) => {
      const before = asWritten(lab, router);
      const { status, outputs, summary, log } = await release();

      expect(outputs, log).toMatchObject({ verdict: 'rolled-back', digest: '', 'stable-bad': '0' });
      expect(status).toBe(1);
      expect(outputs.reason).toMatch(/^error-rate: [\d,]+ of [\d,]+ canary requests failed \(100 %\)/);
      expect(summary).toContain('Rolled back');
      expect(Number(outputs.weight)).toBeLessThanOrEqual(50);
      expect(deployed(lab)).toEqual({ replicas: 2, image: lab.stableImage });
      expect(asWritten(lab, router)).toEqual(before);
      expect(lab.canaryWeight()).toBe(0);
      await servesOnly(lab, '1.0.0');
      expectServed(lab);
    });
  });
});
