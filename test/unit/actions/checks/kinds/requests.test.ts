import { describe, expect, test } from 'vitest';
import { requestsCheck } from '../../../../../src/actions/checks/kinds/requests.ts';
import { builtCheck, checkPlace } from '../../../../support/check-place.ts';
import { readCheck, refusalOf } from './place.ts';

const place = checkPlace();

describe('a check of requests', () => {
  test('is read as its example is written, and needs no right in the cluster', () => {
    const check = readCheck(requestsCheck.example);
    expect(check.isStatistical).toBe(true);
    const { source, reference, window } = check.build(place);
    expect(source).toMatchObject({
      kind: 'requests',
      asked: expect.stringMatching(/requests of .*\/checkout by the metrics of istio \(Prometheus /),
      permissions: [],
    });
    expect(reference).toBeUndefined();
    expect(window).toBe(300_000);
  });

  test('is compared with another version, or with an earlier time', () => {
    const stable = builtCheck(
      '- {check: requests, metrics: traefik, service: cart-v2, relative-to: stable, stable-service: cart-v1}',
      place,
    );
    expect(stable.source.asked).toContain('/cart-v2 by');
    expect(stable.reference).toMatchObject({ source: { asked: expect.stringContaining('/cart-v1 by') } });
    const before = builtCheck(
      '- {check: requests, metrics: envoy, service: cart, relative-to: before, before: 1d, window: 10m}',
      place,
    );
    expect(before).toMatchObject({ reference: { before: 86_400_000 }, window: 600_000 });
  });

  test('of slow ones says so', () => {
    const { rule } = builtCheck(
      '- {check: requests, metrics: nginx, service: cart, slower-than: 300ms, limit: 1%}',
      place,
    );
    rule.add({ kind: 'counts', total: 10, bad: 5 }, undefined, 0);
    expect(rule.finding().sentence).toMatch(/^5 of 10 requests were slow/);
  });

  test.each([
    ['metrics: istio, limit: 1%', 'needs "workload", by which the metrics of istio tell requests apart'],
    ['metrics: nginx, workload: deployment/cart, limit: 1%', 'needs "service"'],
    ['metrics: istio, workload: deployment/cart', 'needs either "limit"'],
    ['metrics: istio, workload: deployment/cart, relative-to: stable', 'needs "relative-to: stable" and "stable-work'],
    ['metrics: istio, workload: deployment/cart, limit: 1%, stable-workload: deployment/a', 'together'],
    ['metrics: istio, workload: daemonset/cart, limit: 1%', 'deployment'],
    ['metrics: linkerd, workload: deployment/cart, limit: 1%, reporter: source', '"reporter" has no effect'],
    ['metrics: istio, workload: deployment/cart, limit: 1%, slower-than: 0s', 'which every request is'],
    ['metrics: istio, workload: deployment/cart, limit: 1%, window: 2h', 'more than 1h'],
    ['metrics: istioo, workload: deployment/cart, limit: 1%', 'must be istio, envoy'],
  ])('%s is refused', (settings, said) => {
    expect(refusalOf(`{check: requests, ${settings}}`)).toContain(said);
  });
});
