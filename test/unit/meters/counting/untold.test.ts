import { describe, expect, it } from 'vitest';
import { createClassifier } from '../../../../src/meters/counting/classify.ts';
import { createUntoldGuard } from '../../../../src/meters/counting/untold.ts';
import { defaultQueries } from '../../../../src/meters/queries/default-queries.ts';

const names = { namespace: 'shop', stable: { workload: 'checkout' }, canary: { workload: 'checkout-canary' } };
const [rules = []] = defaultQueries({ kind: 'http' }, names, 'pods');
const classify = createClassifier(rules);
const look = (...series: [arm: string, status: string, value: number][]) =>
  classify(
    series.map(([arm, status, value]) => ({
      labels: { __name__: 'http_requests_total', arm, status },
      value,
      at: 0,
      instance: arm,
    })),
  );

describe('a status in a new word', () => {
  it('makes its arm unknown from then on, and is told', () => {
    const guard = createUntoldGuard();
    expect(guard(look(['stable', 'success', 9])).known('stable')).toBe(true);
    const { known, warnings } = guard(look(['stable', 'success', 9], ['canary', 'declined', 1]));
    expect([known('stable'), known('canary')]).toEqual([true, false]);
    expect(warnings).toEqual([expect.stringMatching(/requests of the canary arm ended .*"status":"declined"/)]);
    expect(guard(look(['canary', 'success', 50], ['canary', 'declined', 1])).known('canary')).toBe(false);
  });

  it('is the past where it was there before and does not grow', () => {
    const guard = createUntoldGuard();
    for (const fine of [1, 2, 3]) {
      expect(guard(look(['stable', '200', fine], ['stable', 'odd', 7])).known('stable')).toBe(true);
    }
    expect(guard(look(['stable', '200', 4], ['stable', 'odd', 8])).known('stable')).toBe(false);
  });

  it('that was never counted says nothing', () => {
    const guard = createUntoldGuard();
    guard(look(['stable', '200', 1]));
    expect(guard(look(['canary', 'odd', 0])).known('canary')).toBe(true);
  });
});
