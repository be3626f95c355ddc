import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FaultOutcome } from '../../../../src/drills/events.ts';
import type { TargetResult } from '../../../../src/drills/measure/targets.ts';
import { concludeDrill, type SteadyAfter } from '../../../../src/drills/measure/verdict.ts';
import type { Effect } from '../../../../src/drills/ports.ts';

function outcome(felt: Effect['felt'], ...states: readonly TargetResult['state'][]): FaultOutcome {
  return {
    fault: { kind: 'pod-kill', text: 'pod-kill on app=checkout one', lasts: 0, endedBy: 'cluster' },
    effect: { felt, evidence: '1 of 1 pods is gone' },
    injectedAt: 0,
    removedAt: 0,
    measured: undefined,
    targets: states.map((state, index) => ({ target: `target ${index}`, state, sentence: 'as measured' })),
  };
}

describe('the verdict', () => {
  it.each<[string, readonly FaultOutcome[], SteadyAfter['state'], number | undefined, RegExp]>([
    ['resilient', [outcome('felt', 'passed', 'passed')], 'back', 100, /^The fault was felt, all 2 targets were met/],
    ['not-resilient', [outcome('felt', 'passed', 'failed')], 'back', 50, /^"target 1" was not met under "pod-kill/],
    ['not-resilient', [outcome('felt', 'failed', 'missing')], 'back', 0, /was not met/],
    ['not-resilient', [outcome('felt', 'passed')], 'not-back', 100, /^The steady state is not back/],
    ['incomplete', [outcome('felt', 'passed'), outcome('not-felt', 'passed', 'failed')], 'back', 100, /was not felt/],
    ['incomplete', [outcome('unknown', 'passed')], 'back', undefined, /may not have been felt \(1 of 1 pods is gone\)/],
    ['incomplete', [outcome('felt', 'passed', 'passed', 'missing')], 'back', 66, /"target 2" could not be judged/],
    ['incomplete', [outcome('felt', 'missing')], 'back', undefined, /could not be judged/],
    ['incomplete', [outcome('felt')], 'back', undefined, /was judged by no target/],
    ['incomplete', [outcome('felt', 'passed')], 'unknown', 100, /not known whether the steady state is back/],
    ['incomplete', [], 'back', undefined, /no fault was injected/i],
  ])('%s: case %#', (verdict, faults, steady, score, reason) => {
    const found = concludeDrill(faults, { state: steady, reason: 'as the checks say' });
    expect(found.verdict).toBe(verdict);
    expect(found.score).toBe(score);
    expect(found.reason).toMatch(reason);
  });

  it('is resilient only if all was felt, met and back, and a fault that was not felt never scores', () => {
    const state = fc.constantFrom('passed', 'failed', 'missing' as const);
    const one = fc
      .tuple(fc.constantFrom('felt', 'not-felt', 'unknown' as const), fc.array(state, { maxLength: 4 }))
      .map(([felt, states]) => outcome(felt, ...states));
    fc.assert(
      fc.property(
        fc.array(one, { maxLength: 4 }),
        fc.constantFrom('back', 'not-back', 'unknown' as const),
        (all, steady) => {
          const found = concludeDrill(all, { state: steady, reason: 'as the checks say' });
          const felt = all.filter(({ effect }) => effect.felt === 'felt');
          const results = felt.flatMap(({ targets }) => targets);
          const whole =
            all.length > 0 &&
            felt.length === all.length &&
            felt.every(({ targets }) => targets.length > 0 && targets.every((result) => result.state === 'passed'));
          expect(found.verdict === 'resilient').toBe(whole && steady === 'back');
          expect(found.verdict === 'not-resilient').toBe(
            steady === 'not-back' || results.some((result) => result.state === 'failed'),
          );
          expect(found.score).toBe(concludeDrill(felt, { state: steady, reason: '' }).score);
          if (felt.length === 0) expect(found.score).toBeUndefined();
        },
      ),
    );
  });
});
