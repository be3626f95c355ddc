import { describe, expect, it } from 'vitest';
import { startLoad } from '../../lab/embedded/load.ts';
import { reached } from '../../lab/embedded/scenarios.ts';
import { annotations, expectServed, inLab, objectOf, servesOnly, writesTo } from '../support/release.ts';

const route = (apiVersion: string, kind: string) => (lab: Parameters<typeof objectOf>[0]) =>
  objectOf(lab, apiVersion, kind)?.spec;
const httpRoute = route('gateway.networking.k8s.io/v1', 'HTTPRoute');
const virtualService = route('networking.istio.io/v1', 'VirtualService');

describe.concurrent('Requests that do not come through the route', () => {
  it('do not fail a good release, and are told', async () => {
    await inLab({ router: 'gateway-api', rate: 60 }, async ({ lab, release }) => {
      const found = httpRoute(lab);
      const inside = startLoad({ url: lab.gateway.url, host: 'checkout.shop', rate: 60 });
      try {
        const { outputs, log, status } = await release({
          inputs: { steps: '5 for 4s, 25 for 4s, 50 for 4s, 100', 'confirm-timeout': '20s', timeout: '3m' },
        });
        expect(outputs, log).toMatchObject({ verdict: 'promoted', weight: '100' });
        expect(status).toBe(0);
        expect(annotations({ log }, 'warning').join('\n')).toMatch(/other requests do not come through this route/);
        expect(httpRoute(lab)).toEqual(found);
        await servesOnly(lab, '1.1.0');
        expectServed(lab);
      } finally {
        await inside.stop();
      }
    });
  });

  it('by an Ingress for the same Service are told in a dry run, which changes nothing', async () => {
    await inLab({ router: 'nginx' }, async ({ lab, release }) => {
      const backend = { service: { name: 'checkout', port: { number: 80 } } };
      lab.api.put({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name: 'checkout-partners', namespace: lab.namespace },
        spec: {
          ingressClassName: 'nginx',
          rules: [{ host: 'partners.example', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
        },
      });
      const { log, status } = await release({ inputs: { 'dry-run': 'true' } });
      expect(status, log).toBe(0);
      expect(annotations({ log }, 'warning').join('\n')).toMatch(
        /Ingress shop\/checkout-partners \(partners\.example\) leads to the same port.*shifted as well, and are counted/,
      );
      expect(writesTo(lab)).toEqual([]);
    });
  });
});

describe.concurrent('A new version that begins to fail after its last step', () => {
  it.each([
    ['while the pods of the stable workload start', { readyAfter: 4_000 }, '0s'],
    ['while it serves as the stable workload', {}, '20s'],
  ])('%s is rolled back', async (_, behaviour, drain) => {
    await inLab({ canary: behaviour }, async ({ lab, start }) => {
      const found = virtualService(lab);
      const run = await start({ inputs: { drain } });
      await reached(lab, run, 30);
      const after = drain === '0s' ? /Every step is over/ : /serves everything/;
      await lab.until(() => after.test(run.printed()));
      lab.images.set(lab.canaryImage, { ...behaviour, errorRate: 1 });
      const { outputs, log, status } = await run.ended;
      expect(outputs, log).toMatchObject({ verdict: 'rolled-back', weight: '100', digest: '' });
      expect(outputs.reason).toMatch(/error-rate: /);
      expect(status).toBe(1);
      expect(virtualService(lab)).toEqual(found);
      await servesOnly(lab, '1.0.0');
    });
  });
});
