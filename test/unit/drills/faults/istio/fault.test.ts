import { describe, expect, test } from 'vitest';
import { createClient } from '../../../../../src/cluster/client.ts';
import { loadConfig } from '../../../../../src/cluster/kubeconfig.ts';
import { connect } from '../../../../../src/cluster/transport.ts';
import { istioFault } from '../../../../../src/drills/faults/istio/fault.ts';
import type { IstioFaultSettings } from '../../../../../src/drills/faults/istio/mark.ts';
import { createVirtualClock } from '../../../../support/virtual-clock.ts';

const settings: IstioFaultSettings = {
  namespace: 'shop',
  name: 'checkout',
  rules: { kind: 'all' },
  injection: { kind: 'abort', status: 503 },
  share: 20,
  lasts: 1_000,
  text: 'istio-abort 503 20%',
};

describe('the settings of an Istio fault', () => {
  const kubeconfig =
    'clusters: [{name: a, cluster: {server: "http://127.0.0.1:1"}}]\ncontexts: [{name: a, context: {cluster: a}}]\ncurrent-context: a\n';
  const client = createClient(connect(loadConfig({ kubeconfig, context: '', env: {} }), {}));
  const world = { client, clock: createVirtualClock(), drill: 'nightly', run: 'run-1', random: () => 0 };

  test.each<[Partial<IstioFaultSettings>, string]>([
    [{ share: 0 }, 'Give a share from 0.0001 % to 100 %.'],
    [{ share: 101 }, 'Give a share from 0.0001 % to 100 %.'],
    [{ share: Number.NaN }, 'Give a share from 0.0001 % to 100 %.'],
    [{ injection: { kind: 'delay', milliseconds: 0.5 } }, 'Give a delay of 1ms or more.'],
    [{ injection: { kind: 'abort', status: 600 } }, 'Give a status from 200 to 599.'],
    [{ injection: { kind: 'abort', grpcStatus: 'unavailable' } }, 'UNAVAILABLE'],
    [{ header: { name: 'a b', value: 'c' } }, 'Give a header with a name and a value.'],
    [{ namespace: 'kube-system' }, 'Choose a route of a service of your own.'],
  ])('%o are refused', (given, next) => {
    expect(() => istioFault({ ...settings, ...given }, world)).toThrow(next);
  });

  test('need rights on the VirtualService, and more only for what the proxies tell', () => {
    const needed = istioFault(settings, world).permissions.filter(({ optional }) => !optional);
    expect(needed).toEqual([
      { apiGroup: 'networking.istio.io', resource: 'virtualservices', verbs: ['get', 'patch'], namespace: 'shop' },
    ]);
  });
});
