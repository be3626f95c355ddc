import { describe, expect, it } from 'vitest';
import type { Look } from '../../../../src/judge/looks/look.ts';
import { numberRule, sightingRule, valueRule } from '../../../../src/judge/looks/value-rules.ts';

const values = (...all: number[]): Look => ({
  kind: 'values',
  values: all.map((value, index) => ({ of: all.length > 1 ? `pod=${index}` : '', value, at: 0 })),
});
const missing: Look = { kind: 'missing', reason: 'no answer' };

describe('a value against a limit', () => {
  it('accepts the limit itself', () => {
    const rule = valueRule({ above: 5 });
    rule.add(values(5), undefined, 0);
    expect(rule.finding()).toMatchObject({ state: 'healthy', progress: 1, sentence: '5, breach above 5' });
    rule.add(values(5.01), undefined, 1);
    expect(rule.finding()).toMatchObject({ state: 'breach', figures: { value: 5.01, breachAbove: 5 } });
  });

  it.each([
    [3, 'healthy', false],
    [4.5, 'healthy', true],
    [1.5, 'healthy', true],
    [6, 'breach', undefined],
    [0.5, 'breach', undefined],
  ] as const)('of a band with warnings: %d is %s', (value, state, warning) => {
    const rule = valueRule({ above: 5, below: 1, warnAbove: 4, warnBelow: 2 });
    rule.add(values(value), undefined, 0);
    const found = rule.finding();
    expect([found.state, found.warning ?? (state === 'healthy' ? false : undefined)]).toEqual([state, warning]);
  });

  it('lets the worst of several series decide, and names it', () => {
    const rule = valueRule({ above: 5 });
    rule.add(values(1, 9, 3), undefined, 0);
    expect(rule.finding()).toMatchObject({ state: 'breach', sentence: '9 (pod=1, the worst of 3), breach above 5' });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('says nothing of %d', (value) => {
    const rule = valueRule({ above: 5 });
    rule.add(values(value, 1), undefined, 0);
    expect(rule.finding()).toMatchObject({ state: 'unknown', lacks: 'data' });
  });

  it('says nothing of an empty answer, a missing one, or a count', () => {
    for (const look of [values(), missing, { kind: 'counts', total: 1, bad: 0 } as const]) {
      const rule = valueRule({ above: 5 });
      rule.add(values(1), undefined, 0);
      rule.add(look, undefined, 1);
      expect(rule.finding()).toMatchObject({ state: 'unknown', lacks: 'data' });
    }
  });

  it('is a multiple of the reference, also of one that is 0', () => {
    const rule = valueRule({ above: 1.5, reference: 'stable' });
    rule.add(values(2), values(1), 0);
    expect(rule.finding()).toMatchObject({
      state: 'breach',
      sentence: '2, stable 1, breach above 1.5 (1.5 times stable)',
    });
    rule.add(values(0.1), values(0), 1);
    expect(rule.finding().state).toBe('breach');
    rule.add(values(0), values(0), 2);
    expect(rule.finding().state).toBe('healthy');
  });

  it('needs one number to compare with', () => {
    const rule = valueRule({ above: 1.5, reference: 'stable' });
    for (const reference of [undefined, missing, values(1, 2)]) {
      rule.add(values(2), reference, 0);
      expect(rule.finding()).toMatchObject({ state: 'unknown', lacks: 'data' });
    }
  });

  it('is a breach after so many looks in a row, or so long', () => {
    const looks = valueRule({ above: 5, breachAfter: { looks: 3 } });
    const states = [9, 9, 1, 9, 9, 9].map((value, at) => {
      looks.add(values(value), undefined, at);
      return looks.finding().state;
    });
    expect(states).toEqual(['unknown', 'unknown', 'healthy', 'unknown', 'unknown', 'breach']);
    expect(looks.finding().sentence).toBe('9, breach above 5, 3 looks in a row');

    const time = valueRule({ above: 5, breachAfter: { milliseconds: 60_000 } });
    time.add(values(9), undefined, 0);
    time.add(values(9), undefined, 59_000);
    expect(time.finding()).toMatchObject({ state: 'unknown', lacks: 'certainty' });
    time.add(values(9), undefined, 60_000);
    expect(time.finding().state).toBe('breach');
  });

  it('a look without data neither ends a row nor prolongs it', () => {
    const rule = valueRule({ above: 5, breachAfter: { looks: 2 } });
    rule.add(values(9), undefined, 0);
    rule.add(missing, undefined, 1);
    expect(rule.finding().state).toBe('unknown');
    rule.add(values(9), undefined, 2);
    expect(rule.finding().state).toBe('breach');
  });
});

describe('a number of events', () => {
  it('counts over all looks', () => {
    const rule = numberRule({ most: 2, words: 'lines match' });
    rule.add({ kind: 'counts', total: 1, bad: 1 }, undefined, 0);
    rule.add({ kind: 'counts', total: 1, bad: 1 }, undefined, 1);
    expect(rule.finding()).toMatchObject({ state: 'healthy', sentence: '2 lines match, accepted 2' });
    rule.add({ kind: 'counts', total: 1, bad: 1 }, undefined, 2);
    expect(rule.finding().state).toBe('breach');
  });

  it('is too large where what was seen of a window is, though the rest is missing', () => {
    const rule = numberRule({ most: 2, words: 'lines match' });
    rule.add({ kind: 'counts', total: 1, bad: 1 }, undefined, 0);
    rule.add({ ...missing, atLeast: 1 }, undefined, 1);
    // The same window again, with more of it.
    rule.add({ ...missing, atLeast: 1 }, undefined, 2);
    expect(rule.finding()).toMatchObject({ state: 'unknown', lacks: 'data' });
    rule.add({ ...missing, atLeast: 2 }, undefined, 3);
    expect(rule.finding()).toMatchObject({ state: 'breach', sentence: 'at least 3 lines match, accepted 2' });
  });

  it('is unknown where the last look is missing, unless there were too many before', () => {
    const rule = numberRule({ most: 0, words: 'lines match' });
    expect(rule.finding()).toMatchObject({ state: 'unknown', lacks: 'data' });
    rule.add({ kind: 'counts', total: 0, bad: 0 }, undefined, 0);
    rule.add(missing, undefined, 1);
    expect(rule.finding()).toMatchObject({ state: 'unknown', lacks: 'data' });
    rule.add({ kind: 'counts', total: 1, bad: 1 }, undefined, 2);
    rule.add(missing, undefined, 3);
    expect(rule.finding().state).toBe('breach');
  });
});

describe('sightings', () => {
  it('any is a breach; three are named', () => {
    const rule = sightingRule({ none: 'no alert fires' });
    expect(rule.finding().state).toBe('unknown');
    rule.add({ kind: 'sightings', sightings: [] }, undefined, 0);
    expect(rule.finding()).toMatchObject({ state: 'healthy', sentence: 'no alert fires' });
    rule.add({ kind: 'sightings', sightings: ['a', 'b', 'c', 'd', 'e'].map((text) => ({ text })) }, undefined, 1);
    expect(rule.finding()).toMatchObject({ state: 'breach', sentence: 'a; b; c; and 2 more', figures: { seen: 5 } });
    rule.add(missing, undefined, 2);
    expect(rule.finding()).toMatchObject({ state: 'unknown', lacks: 'data' });
  });
});
