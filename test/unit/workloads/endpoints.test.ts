import { describe, expect, it } from 'vitest';
import { pod } from '../../../src/cluster/pods.ts';
import { kubernetesObject } from '../../../src/cluster/schema.ts';
import { podsInSlices } from '../../../src/workloads/endpoints.ts';

const slice = (endpoints: readonly object[] | null) =>
  kubernetesObject.parse({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'checkout-1' },
    endpoints,
  });
const podOf = (name: string, uid: string, status: object = {}) =>
  pod.parse({ apiVersion: 'v1', kind: 'Pod', metadata: { name, uid }, spec: {}, status });
const of = (name: string, uid?: string) => ({ kind: 'Pod', name, ...(uid !== undefined && { uid }) });

const first = podOf('checkout-0', 'first', { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }] });

describe('podsInSlices', () => {
  it.each([
    ['a ready one', { targetRef: of('checkout-0', 'first'), conditions: { ready: true } }],
    ['one that does not say whether it is ready', { targetRef: of('checkout-0'), conditions: {} }],
    ['one whose readiness is null', { targetRef: of('checkout-0'), conditions: { ready: null, terminating: null } }],
    ['one without a pod, by its address', { addresses: ['10.0.0.1'] }],
    ['one without a pod, by its other address', { addresses: ['fd00::1'], targetRef: null, conditions: null }],
  ])('takes %s', (_, endpoint) => {
    expect(podsInSlices([slice(null), slice([endpoint])], [first])).toEqual([first]);
  });

  it.each([
    ['one that is not ready', { targetRef: of('checkout-0', 'first'), conditions: { ready: false } }],
    [
      'one that ends, which a Service may publish as ready',
      { targetRef: of('checkout-0', 'first'), conditions: { ready: true, terminating: true } },
    ],
    ['the pod before, which had the same name', { targetRef: of('checkout-0', 'before'), addresses: ['10.0.0.1'] }],
    ['another pod with its address', { targetRef: of('other', 'other'), addresses: ['10.0.0.1'] }],
    ['another address', { addresses: ['10.0.0.2'] }],
  ])('leaves out %s', (_, endpoint) => {
    expect(podsInSlices([slice([endpoint])], [first, podOf('pending', 'p')])).toEqual([]);
  });

  it('finds them in several slices', () => {
    const second = podOf('checkout-1', 'second');
    const slices = [
      slice([{ targetRef: of('checkout-0', 'first') }]),
      slice([{ targetRef: of('checkout-1', 'second') }]),
    ];
    expect(podsInSlices(slices, [first, second])).toEqual([first, second]);
  });
});
