import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecisionPolicy, decide, type StepFacts } from '../../../../src/canary/observation/decide.ts';
import type { Step } from '../../../../src/judge/plan.ts';
import type { Opinion } from '../../../../src/judge/types.ts';

const minute = 60_000;
const step: Step = { weight: 25, least: minute, most: 5 * minute, early: false, hold: false };
const policy: DecisionPolicy = { onNoData: 'rollback', noDataPatience: 2 * minute, minRequests: 50 };
const facts: StepFacts = {
  elapsed: 0,
  opinions: [],
  canaryRequests: 1_000,
  sinceReading: 0,
  silent: false,
  sinceCanaryRequest: 0,
  approved: false,
};
const says = (state: Opinion['state'], onBreach: Opinion['onBreach'] = 'rollback', missing?: string): Opinion => ({
  check: 'error-rate',
  state,
  onBreach,
  progress: 0,
  sentence: 'measured',
  figures: {},
  ...(missing !== undefined && { missing }),
});

describe('a canary of which nothing was ever measured', () => {
  it.each([0, 50])('has causes of its own, which are not the gateway (min-requests %d)', (minRequests) => {
    const opinions = [says('unknown', 'rollback', 'the canary got no requests in this step')];
    const unmeasured = { ...facts, opinions, canaryRequests: 0, canaryUnmeasured: true, elapsed: 60 * minute };
    expect(decide(step, unmeasured, { ...policy, minRequests })).toMatchObject({
      kind: 'end',
      reason: expect.stringMatching(/^not yet known: nothing of the canary was ever measured: .*scraped.*policy/),
    });
  });
});

describe('requests that may be none of a user’s', () => {
  const over = { ...facts, elapsed: step.most, opinions: [says('healthy')] };

  it('do not make a step end well, however few requests it needs', () => {
    const none = { ...policy, minRequests: 0 };
    expect(decide(step, { ...over, canaryRequests: 0, someOwn: true }, none)).toEqual({
      kind: 'wait',
      until: 'requests',
    });
    expect(decide(step, { ...over, canaryRequests: 0 }, none).kind).toBe('advance');
  });

  it('end it as not known after the patience', () => {
    const late = { ...over, elapsed: step.most + 3 * minute, canaryRequests: 0, someOwn: true };
    expect(decide(step, late, { ...policy, onNoData: 'hold' })).toMatchObject({
      verdict: 'held',
      reason: expect.stringContaining(
        'the canary got 0 of the 50 requests that a step needs, without those that may be looks at its metrics or probes',
      ),
    });
  });
});

describe('a breach', () => {
  it('ends the rollout at any moment, with the measured sentence', () => {
    const decision = decide(step, { ...facts, opinions: [says('breach')] }, policy);
    expect(decision).toEqual({ kind: 'end', verdict: 'rolled-back', reason: 'error-rate: measured' });
  });
  it('freezes where the check says so', () => {
    expect(decide(step, { ...facts, opinions: [says('breach', 'freeze')] }, policy)).toMatchObject({
      verdict: 'frozen',
    });
  });
  it('that rolls back comes before one that freezes', () => {
    const opinions = [says('breach', 'freeze'), says('breach', 'rollback')];
    expect(decide(step, { ...facts, opinions }, policy)).toMatchObject({ verdict: 'rolled-back' });
  });
  it('of a check that warns ends nothing', () => {
    const warned = { ...facts, elapsed: step.most, opinions: [says('breach', 'warn')] };
    expect(decide(step, warned, policy).kind).toBe('advance');
  });
  it('comes before everything else that could be said', () => {
    fc.assert(
      fc.property(
        fc.record({
          elapsed: fc.nat(),
          canaryRequests: fc.nat(),
          sinceReading: fc.nat(),
          silent: fc.boolean(),
          sinceCanaryRequest: fc.nat(),
          approved: fc.boolean(),
        }),
        fc.boolean(),
        (other, hold) => {
          const decision = decide({ ...step, hold }, { ...other, opinions: [says('healthy'), says('breach')] }, policy);
          expect(decision).toMatchObject({ kind: 'end', verdict: 'rolled-back' });
        },
      ),
    );
  });
});

describe('time', () => {
  it('is waited for', () => {
    expect(decide(step, { ...facts, elapsed: 4 * minute }, policy)).toEqual({ kind: 'wait', until: 'time' });
  });
  it('is over at the most', () => {
    expect(decide(step, { ...facts, elapsed: 5 * minute }, policy).kind).toBe('advance');
  });
  it('ends early only when asked for, after the least, with every deciding check sure', () => {
    const sure = { ...facts, elapsed: minute, opinions: [says('healthy'), says('unknown', 'warn')] };
    expect(decide({ ...step, early: true }, sure, policy).kind).toBe('advance');
    expect(decide(step, sure, policy).kind).toBe('wait');
    expect(decide({ ...step, early: true }, { ...sure, elapsed: minute - 1 }, policy).kind).toBe('wait');
    const unsure = { ...sure, opinions: [says('healthy'), says('unknown')] };
    expect(decide({ ...step, early: true }, unsure, policy).kind).toBe('wait');
    expect(decide({ ...step, early: true }, { ...sure, opinions: [] }, policy).kind).toBe('wait');
  });
  it('of a step that asks for none is over at once', () => {
    expect(decide({ ...step, weight: 100, least: 0, most: 0 }, { ...facts, canaryRequests: 0 }, policy).kind).toBe(
      'advance',
    );
  });
});

describe('what is not yet known', () => {
  it('never lets a step end well: too few requests, no traffic any more, a check without data', () => {
    const over = { ...facts, elapsed: step.most };
    expect(decide(step, { ...over, silent: true }, policy)).toEqual({ kind: 'wait', until: 'data' });
    expect(decide(step, { ...over, canaryRequests: 49 }, policy)).toEqual({ kind: 'wait', until: 'requests' });
    expect(decide(step, { ...over, sinceCanaryRequest: 2 * minute + 1 }, policy)).toEqual({
      kind: 'wait',
      until: 'requests',
    });
    const starved = [says('unknown', 'rollback', 'the query answered NaN')];
    expect(decide(step, { ...over, opinions: starved }, policy)).toEqual({ kind: 'wait', until: 'data' });
  });
  it('ends as configured when the patience is over', () => {
    const silent = { ...facts, sinceReading: 2 * minute + 1 };
    expect(decide(step, silent, policy)).toMatchObject({ kind: 'end', verdict: 'rolled-back' });
    expect(decide(step, silent, { ...policy, onNoData: 'hold' })).toMatchObject({ kind: 'end', verdict: 'held' });
    const quiet = { ...facts, canaryRequests: 3, elapsed: step.most + 2 * minute + 1 };
    expect(decide(step, quiet, { ...policy, onNoData: 'hold' })).toMatchObject({
      verdict: 'held',
      reason: expect.stringContaining('3 of the 50 requests'),
    });
  });
});

describe('a hold', () => {
  const holding = { ...step, hold: true };
  it('waits for an approval once all else is satisfied', () => {
    expect(decide(holding, { ...facts, elapsed: step.most }, policy)).toEqual({ kind: 'wait', until: 'approval' });
    expect(decide(holding, { ...facts, elapsed: step.most, approved: true }, policy).kind).toBe('advance');
  });
  it('is not shortened by an approval that comes early', () => {
    expect(decide(holding, { ...facts, elapsed: minute, approved: true }, policy)).toEqual({
      kind: 'wait',
      until: 'time',
    });
  });
});
