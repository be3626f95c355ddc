import { expect, it } from 'vitest';
import { criteria } from '../../../../src/actions/checks/criteria-setting.ts';
import { gateChecks } from '../../../../src/actions/checks/kinds/index.ts';

it.each([
  ['< 600', [[{ operator: '<', than: { number: 600 } }]]],
  [
    '>= -1.5 and <= 5e-2',
    [
      [
        { operator: '>=', than: { number: -1.5 } },
        { operator: '<=', than: { number: 0.05 } },
      ],
    ],
  ],
  [
    ['<= reference + 10%', '= reference', '>reference-3'],
    [
      [{ operator: '<=', than: { percent: 10 } }],
      [{ operator: '=', than: { difference: 0 } }],
      [{ operator: '>', than: { difference: -3 } }],
    ],
  ],
])('reads %j', (given, expected) => {
  expect(criteria.parse(given)).toEqual(expected);
});

it.each(['600', '< ', '=> 5', '< 5 or > 7', '<= +10%', '<= stable', '< 1e999', [], 5])('refuses %j', (given) => {
  expect(criteria.safeParse(given).success).toBe(false);
});

const problem = (settings: string) => {
  const parsed = gateChecks.schema.safeParse(`[{check: promql, query: up, ${settings}}]`);
  return parsed.success ? '' : parsed.error.issues.map(({ message }) => message).join('; ');
};

it.each([
  ['accept: "< 5", above: 5', '"accept" and "above"'],
  ['accept: "<= reference + 10%"', 'give "relative-to"'],
  ['accept: "<= 10", relative-to: stable', '"accept" does not name it'],
  ['warn: "<= 10", above: 20', '"warn" without "accept"'],
  ['accept: "< 5", accepted-breaches: 2, breach-after: 3', 'leave one out'],
  ['query: up', 'or "accept"'],
])('%s is refused: %s', (settings, words) => {
  expect(problem(settings === 'query: up' ? 'weight: 1' : settings)).toContain(words);
});

it('takes criteria that name the reference with what that is', () => {
  expect(problem('accept: ["<= reference + 10%", "< 5"], relative-to: before, before: 1d')).toBe('');
});
