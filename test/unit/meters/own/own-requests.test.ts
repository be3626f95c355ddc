import { describe, expect, it } from 'vitest';
import { createOriginOf, ownTraffic } from '../../../../src/meters/own/own-paths.ts';
import { createOwnRequests, type PodCount } from '../../../../src/meters/own/own-requests.ts';
import { equal } from '../../../../src/meters/series/selector.ts';

const pod = (spec: object, annotations: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', namespace: 'shop', annotations },
  spec,
});
const probed = pod(
  {
    containers: [
      { name: 'app', readinessProbe: { httpGet: { path: '/ready?full=1', port: 80 }, periodSeconds: 5 } },
      {
        name: 'side',
        livenessProbe: { httpGet: { path: '/live/', port: 80 } },
        readinessProbe: { tcpSocket: { port: 1 } },
      },
    ],
  },
  { 'prometheus.io/path': '/internal/metrics' },
);
const originOf = (object: object, rules: Parameters<typeof createOriginOf>[1] = []) => {
  const own = ownTraffic(pod({ containers: [] }), undefined);
  const traffic = ownTraffic(object as typeof probed, '/asked');
  if (!own || !traffic) throw new Error('these are pods');
  return createOriginOf([own, traffic], rules);
};

describe('what a pod asks of itself', () => {
  it.each(['/metrics', '/internal/metrics', '/asked', '/ready', '/live', 'http://10.0.0.1:80/ready', '/ready?x=1'])(
    'is told by its path %s, in any label for paths',
    (path) => {
      for (const label of ['path', 'handler', 'route', 'uri', 'endpoint', 'http_route', 'url']) {
        expect(originOf(probed)({ [label]: path }), label).toBe('own');
      }
    },
  );

  it.each(['/metrics-of-shops', '/api/metrics', '/ready/set', '/readyz', '/Metrics', '/'])(
    'is not a user’s %s, which looks alike',
    (path) => expect(originOf(probed)({ path })).toBe('user'),
  );

  it('is not the root, though it is probed', () => {
    const rooted = pod({ containers: [{ name: 'app', livenessProbe: { httpGet: { port: 80 } } }] });
    expect(originOf(rooted)({ path: '/' })).toBe('user');
  });

  it('is unknown without a path', () => {
    expect(originOf(probed)({ code: '200', handler: 'checkout', endpoint: 'http' })).toBe('unknown');
  });

  it('is counted where a query asks for it', () => {
    const rule = { arm: 'stable', kind: 'requests', selector: [equal('path', '/metrics')], perSecond: 1 } as const;
    expect(originOf(probed, [rule])({ path: '/metrics' })).toBe('unknown');
  });

  it('is what Istio’s injection has replaced', () => {
    const probers = { '/app-health/app/readyz': { httpGet: { path: '/healthz', port: 80 } } };
    const injected = pod({
      containers: [
        {
          name: 'app',
          readinessProbe: { httpGet: { path: '/app-health/app/readyz', port: 15020 } },
        },
        {
          name: 'istio-proxy',
          env: [
            { name: 'ISTIO_KUBE_APP_PROBERS', value: JSON.stringify(probers) },
            { name: 'ISTIO_PROMETHEUS_ANNOTATIONS', value: '{"path":"/prom"}' },
          ],
        },
      ],
    });
    expect(originOf(injected)({ path: '/healthz' })).toBe('own');
    expect(originOf(injected)({ path: '/prom' })).toBe('own');
  });

  it('are its probes, by their periods', () => {
    expect(ownTraffic(probed, undefined)?.probesPerSecond).toBeCloseTo(0.2 + 0.1, 9);
  });
});

describe('requests without a path', () => {
  const count = (given: Partial<PodCount>): PodCount => ({
    pod: 'a',
    requests: 0,
    asked: 0,
    probesPerSecond: 0,
    at: 0,
    startedAt: undefined,
    ...given,
  });
  const canary = (own: ReturnType<typeof createOwnRequests>, given: Partial<PodCount>) =>
    own.take({ stable: [], canary: [count(given)] }).canary;

  it('may all be looks, where as many were made', () => {
    const own = createOwnRequests();
    own.take({ stable: [count({ pod: 's' })], canary: [] });
    for (let look = 1; look <= 20; look += 1) {
      expect(canary(own, { requests: look, asked: look, at: look * 1_000 })).toBe(look);
    }
  });

  it('are all of users where the pod has counted less than it was asked', () => {
    const own = createOwnRequests();
    own.take({ stable: [count({ pod: 's' })], canary: [] });
    expect(canary(own, { requests: 3, asked: 3, at: 3_000 })).toBe(3);
    expect(canary(own, { requests: 3, asked: 4, at: 4_000 })).toBe(0);
    expect(canary(own, { requests: 90, asked: 5, at: 5_000 })).toBe(0);
  });

  it('are partly probes', () => {
    const own = createOwnRequests();
    own.take({ stable: [count({ pod: 's' })], canary: [] });
    own.countsNoLooks('a');
    expect(canary(own, { requests: 50, asked: 0, probesPerSecond: 0.5, at: 20_000, startedAt: 10_000 })).toBe(5);
  });

  it('are never more than were counted, and go on after a restart', () => {
    const own = createOwnRequests();
    own.take({ stable: [count({ pod: 's' })], canary: [] });
    expect(canary(own, { requests: 10, asked: 10, at: 10_000 })).toBe(10);
    expect(canary(own, { requests: 1, asked: 11, at: 11_000 })).toBe(10);
    expect(canary(own, { requests: 4, asked: 14, at: 14_000 })).toBe(13);
  });

  it('of a pod of the first look are counted from there', () => {
    const own = createOwnRequests();
    expect(canary(own, { requests: 500, asked: 3, at: 1_000 })).toBe(0);
    expect(canary(own, { requests: 502, asked: 5, at: 3_000 })).toBe(2);
  });
});
