import { describe, expect, it } from 'vitest';
import { type Comparison, describeCriteria, meets, type Operator } from '../../../../src/judge/looks/criteria.ts';
import { type ValueLimit, valueRule } from '../../../../src/judge/looks/value-rules.ts';

const than = (operator: Operator, number: number): Comparison => ({ operator, than: { number } });
const percent = (operator: Operator, share: number): Comparison => ({ operator, than: { percent: share } });
const difference = (operator: Operator, amount: number): Comparison => ({ operator, than: { difference: amount } });

it.each<[number, Comparison, boolean]>([
  [10, than('>', 9), true],
  [10, than('>=', 10), true],
  [10, than('<=', 10), true],
  [10, than('<', 10), false],
  [10, than('>', 10), false],
  [10, than('=', 9), false],
  [10, than('=', 10), true],
  [10, percent('<=', 10), true],
  [11.01, percent('<=', 10), false],
  [10, percent('<', 0), false],
  [11, difference('=', 1), true],
  [9, difference('=', -1), true],
  [7.9, percent('>', -20), false],
])('%d against %j, with a reference of 10: %s', (value, comparison, holds) => {
  expect(meets(value, [[comparison]], 10)).toBe(holds);
});

it('all of one alternative have to hold, and one alternative is enough', () => {
  const criteria = [[than('<', 500), percent('<=', 20)], [than('<', 20)]];
  expect([19, 120, 300].map((value) => meets(value, criteria, 100))).toEqual([true, true, false]);
  expect(describeCriteria(criteria, { of: 'stable', value: 100 })).toBe('< 500 and <= stable + 20 % (120), or < 20');
});

it('what needs a reference does not hold without one', () => {
  expect(meets(1, [[percent('<=', 10)]], undefined)).toBe(false);
});

function looks(options: ValueLimit, ...values: number[]) {
  const rule = valueRule(options);
  return values.map((value, at) => {
    rule.add({ kind: 'values', values: [{ of: '', value, at }] }, undefined, at);
    const { state, warning } = rule.finding();
    return warning ? 'warning' : state;
  });
}

describe('a rule for values', () => {
  it('accepts, warns and calls a breach by criteria', () => {
    const options = { accept: [[than('<', 600)]], acceptWarned: [[than('<=', 800)]] };
    expect(looks(options, 599, 600, 800, 801)).toEqual(['healthy', 'warning', 'warning', 'breach']);
  });

  it('accepts looks beyond the limit over the whole time, where there is any within it', () => {
    const options = { accept: [[than('<=', 1)]], acceptedBreaches: 2 };
    expect(looks(options, 5, 1, 5, 1, 5)).toEqual(['unknown', 'healthy', 'warning', 'healthy', 'breach']);
    expect(looks(options, 5)).toEqual(['unknown']);
  });
});
