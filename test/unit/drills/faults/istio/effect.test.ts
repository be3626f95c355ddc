import { describe, expect, test } from 'vitest';
import { type CounterEvidence, effectByCounters } from '../../../../../src/drills/faults/istio/effect.ts';

const zero = { uid: 'a', faults: 0, requests: 100 };
const evidence: CounterEvidence = {
  mark: { kind: 'istio-abort', counters: [zero], others: [] },
  found: { incomplete: undefined },
  readings: [{ uid: 'a', faults: 3, requests: 120 }],
  share: 20,
  onlySome: false,
};
const idle = { uid: 'a', faults: 0, requests: 200 };

describe('the counters of the proxies', () => {
  test.each<[string, Partial<CounterEvidence>, string, string]>([
    ['growth', {}, 'felt', '1 proxy of the route injected 3 aborts'],
    [
      'a proxy that is new',
      { readings: [idle, { uid: 'b', faults: 2, requests: 9 }] },
      'felt',
      '2 proxies of the route injected 2 aborts',
    ],
    [
      'a proxy that was started again',
      { mark: { kind: 'istio-delay', counters: [{ ...zero, faults: 50 }], others: [] } },
      'felt',
      '1 proxy of the route injected 3 delays',
    ],
    [
      'faults of others',
      { mark: { ...evidence.mark, others: ['VirtualService a/b'] } },
      'unknown',
      'those of VirtualService a/b count as well',
    ],
    ['no growth', { readings: [idle] }, 'not-felt', '1 proxy of the route injected no aborts in 100 requests'],
    ['few requests', { readings: [{ ...idle, requests: 110 }] }, 'unknown', 'in 10 requests, too few to tell'],
    ['no requests', { readings: [{ ...idle, requests: 100 }], share: 100 }, 'unknown', 'and no request passed'],
    [
      'a proxy that is silent',
      { readings: [idle, { uid: 'b', problem: 'Pod a/b did not answer' }] },
      'unknown',
      'Pod a/b did not answer',
    ],
    [
      'silence',
      { readings: [{ uid: 'b', problem: 'Pod a/b did not answer' }] },
      'unknown',
      'no proxy of the route answered',
    ],
    ['proxies that are not found', { readings: [] }, 'unknown', 'no running proxy of the route was found'],
    [
      'callers of other namespaces',
      { readings: [idle], found: { incomplete: 'others may apply it' } },
      'unknown',
      'and others may apply it',
    ],
    ['a header', { readings: [idle], onlySome: true }, 'unknown', 'not every request that passed is one to be faulted'],
    [
      'a counter that is not exported',
      { readings: [{ ...idle, faults: null }] },
      'unknown',
      '"inclusionSuffixes":["aborts_injected"]',
    ],
    [
      'a counter that one does not export',
      { readings: [idle, { ...idle, uid: 'b', faults: null }] },
      'unknown',
      'the others do not export the counter',
    ],
  ])('tell: %s', (_, given, felt, words) => {
    const effect = effectByCounters({ ...evidence, ...given });
    expect([effect.felt, effect.evidence]).toEqual([felt, expect.stringContaining(words)]);
  });
});
