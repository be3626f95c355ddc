import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { thinned } from '../../../src/report/thin.ts';

const measured = fc
  .array(fc.record({ at: fc.nat(1_000_000), kind: fc.constantFrom('a', 'b', 'c') }), { maxLength: 500 })
  .map((all) => all.toSorted((a, b) => a.at - b.at));

describe('what is too much to keep', () => {
  it('is thinned to values that were measured, in order, with the last one and each kind', () => {
    fc.assert(
      fc.property(measured, fc.integer({ min: 9, max: 90 }), (all, most) => {
        const kept = thinned(all, most, ({ kind }) => kind);
        expect(all).toEqual(expect.arrayContaining([...kept]));
        expect(kept.length).toBeLessThanOrEqual(Math.max(most, (most / 3 + 1) * 3));
        expect(kept.map(({ at }) => at)).toEqual(kept.map(({ at }) => at).toSorted((a, b) => a - b));
        expect(kept.at(-1)?.at).toBe(all.at(-1)?.at);
        expect(new Set(kept.map(({ kind }) => kind))).toEqual(new Set(all.map(({ kind }) => kind)));
      }),
    );
  });

  it('stays as dense at the beginning as at the end, however often it is thinned', () => {
    let kept: readonly { readonly at: number }[] = [];
    for (let at = 0; at < 20_000; at += 1) kept = thinned([...kept, { at }], 240, () => '');
    const early = kept.filter(({ at }) => at < 10_000).length;
    expect(early / kept.length).toBeGreaterThan(0.3);
    expect(kept.length).toBeGreaterThan(60);
  });
});
