import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CheckState, compose, type Requirement, type Vote } from '../../../src/gates/verdict.ts';

const states = ['passed', 'warning', 'failed', 'undecided'] as const satisfies readonly CheckState[];
const vote = (state: CheckState, rest: Partial<Vote> = {}): Vote => ({ state, weight: 1, key: false, ...rest });
const score: Requirement = { kind: 'score', pass: 90, warn: 75 };

describe('the verdict', () => {
  it.each<[string, Requirement, Vote[], string, boolean]>([
    ['all pass', { kind: 'all' }, [vote('passed'), vote('passed')], 'passed', false],
    ['one warns', { kind: 'all' }, [vote('passed'), vote('warning')], 'passed', true],
    ['one fails, one is open', { kind: 'all' }, [vote('failed'), vote('undecided')], 'failed', false],
    ['one is open', { kind: 'all' }, [vote('passed'), vote('undecided')], 'undecided', false],
    ['nothing counts', { kind: 'all' }, [], 'undecided', false],
    ['any: one passes', { kind: 'any' }, [vote('failed'), vote('passed')], 'passed', false],
    ['any: one warns', { kind: 'any' }, [vote('failed'), vote('warning')], 'passed', true],
    ['any: one is open', { kind: 'any' }, [vote('failed'), vote('undecided')], 'undecided', false],
    ['any: all fail', { kind: 'any' }, [vote('failed'), vote('failed')], 'failed', false],
    ['any: nothing counts', { kind: 'any' }, [], 'undecided', false],
    ['a score', score, [vote('passed', { weight: 9 }), vote('failed')], 'passed', false],
    ['a score with a warning', score, [vote('passed', { weight: 8 }), vote('failed', { weight: 2 })], 'passed', true],
    ['a score too low', score, [vote('passed', { weight: 7 }), vote('failed', { weight: 3 })], 'failed', false],
    ['a warning counts half', score, [vote('passed', { weight: 2 }), vote('warning', { weight: 2 })], 'passed', true],
    [
      'what is open may decide',
      score,
      [vote('passed', { weight: 6 }), vote('undecided', { weight: 4 })],
      'undecided',
      false,
    ],
    [
      'what is open can not decide',
      score,
      [vote('passed', { weight: 95 }), vote('undecided', { weight: 5 })],
      'passed',
      false,
    ],
    ['a key check fails', score, [vote('passed', { weight: 99 }), vote('failed', { key: true })], 'failed', false],
    [
      'a key check is open',
      score,
      [vote('passed', { weight: 99 }), vote('undecided', { key: true })],
      'undecided',
      false,
    ],
    ['any: a key check fails', { kind: 'any' }, [vote('passed'), vote('failed', { key: true })], 'failed', false],
  ])('%s', (_, requirement, votes, verdict, warning) => {
    const composed = compose(votes, requirement);
    expect([composed.verdict, composed.verdict === 'passed' && composed.warning]).toEqual([verdict, warning]);
  });

  it('weighs groups as Kayenta does', () => {
    const groups = { latency: 60, errors: 40 };
    const votes = [
      vote('passed', { group: 'latency' }),
      vote('failed', { group: 'latency' }),
      vote('passed', { group: 'errors' }),
    ];
    expect(compose(votes, { kind: 'score', pass: 70, warn: 60, groups })).toEqual({
      verdict: 'passed',
      warning: false,
      score: { least: 70, most: 70 },
    });
  });

  const votes = fc.array(
    fc.record({
      state: fc.constantFrom(...states),
      weight: fc.integer({ min: 1, max: 9 }),
      key: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  );
  const requirement = fc.constantFrom<Requirement>({ kind: 'all' }, { kind: 'any' }, score);
  const rank = { failed: 0, undecided: 1, passed: 2 };

  it('never falls when a check does better, and what is open lies between its two ends', () => {
    fc.assert(
      fc.property(votes, requirement, fc.nat(), (given, rule, which) => {
        const at = which % given.length;
        const withState = (state: CheckState) => given.map((one, index) => (index === at ? { ...one, state } : one));
        const of = (state: CheckState) => rank[compose(withState(state), rule).verdict];
        expect(of('passed')).toBeGreaterThanOrEqual(of('warning'));
        expect(of('warning')).toBeGreaterThanOrEqual(of('failed'));
        expect(of('undecided')).toBeGreaterThanOrEqual(of('failed'));
        expect(of('undecided')).toBeLessThanOrEqual(of('passed'));
      }),
    );
  });

  it('passes never where all checks are open or failed', () => {
    fc.assert(
      fc.property(votes, requirement, (given, rule) => {
        const none = given.map((one) => ({
          ...one,
          state: one.state === 'failed' ? one.state : ('undecided' as const),
        }));
        expect(compose(none, rule).verdict).not.toBe('passed');
      }),
    );
  });
});
