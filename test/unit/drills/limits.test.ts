import { describe, expect, it } from 'vitest';
import { requireWithin } from '../../../src/drills/limits.ts';

const plan = { kind: 'pod-kill', text: 'pod-kill on app=a', lasts: 0, endedBy: 'cluster' } as const;
const limits = { maxPods: 2, maxShare: 0.5, namespaces: ['shop', 'jobs'] };

function hit(candidates: number, ...namespaces: readonly string[]) {
  const pods = namespaces.map((namespace, index) => ({ namespace, name: `a-${index}`, uid: `u${index}`, node: 'n' }));
  return () => requireWithin(limits, plan, { pods, candidates, writes: [], warnings: [], mark: null });
}

describe('the limits of a drill', () => {
  it.each([
    [4, ['shop', 'jobs']],
    [2, ['shop']],
    [0, []],
  ])('allow a fault that is within: of %i pods %j', (candidates, namespaces) => {
    expect(hit(candidates, ...namespaces)).not.toThrow();
  });

  it.each([
    [9, ['shop', 'kube-system'], 'fault "pod-kill on app=a": would hit pods in kube-system, which no drill may touch.'],
    [9, ['other', 'shop'], 'would hit pods in other, and "namespaces" allows shop, jobs.'],
    [9, ['shop', 'shop', 'shop'], 'would hit 3 pods, and "max-pods" allows 2.'],
    [3, ['shop', 'shop'], 'would hit 2 of 3 pods, and "max-share" allows 50 %.'],
  ])('refuse one of %i pods in %j', (candidates, namespaces, problem) => {
    expect(hit(candidates, ...namespaces)).toThrow(problem);
  });

  it('count the pods beside a chosen one as hit, and not for the share', () => {
    const pods = ['a', 'b'].map((name) => ({ namespace: 'shop', name, uid: name, node: 'n' }));
    const drained = (beside: number) => () =>
      requireWithin(limits, plan, { pods, candidates: 2, beside, writes: [], warnings: [], mark: null });
    expect(drained(1)).not.toThrow();
    expect(drained(0)).toThrow('would hit 2 of 2 pods, and "max-share" allows 50 %.');
  });

  it('never allow the namespaces of the cluster itself', () => {
    const pods = [{ namespace: 'kube-system', name: 'a', uid: 'u', node: 'n' }];
    const wide = { maxPods: 9, maxShare: 1, namespaces: ['kube-system'] };
    expect(() => requireWithin(wide, plan, { pods, candidates: 9, writes: [], warnings: [], mark: null })).toThrow(
      'which no drill may touch',
    );
  });
});
