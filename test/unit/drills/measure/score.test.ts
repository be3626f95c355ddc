import { expect, it } from 'vitest';
import { badgeOf } from '../../../../src/drills/measure/score.ts';

it.each([
  ['resilient', 100, '100 %', 'brightgreen'],
  ['not-resilient', 90, '90 %', 'yellow'],
  ['not-resilient', 100, '100 %', 'yellow'],
  ['not-resilient', 60, '60 %', 'orange'],
  ['not-resilient', 0, '0 %', 'red'],
  ['not-resilient', undefined, 'not-resilient', 'red'],
  ['incomplete', 100, 'incomplete', 'lightgrey'],
  ['aborted', undefined, 'aborted', 'lightgrey'],
] as const)('the badge of a service that is %s with %s is "%s", %s', (verdict, score, message, color) => {
  expect(badgeOf('shop/checkout', verdict, score)).toMatchObject({
    schemaVersion: 1,
    label: 'resilience of shop/checkout',
    message,
    color,
  });
});

it('a badge shows a long or broken name as one short line', () => {
  const { label } = badgeOf(`a\nb\u202e${'x'.repeat(999)}`, 'resilient', 100);
  expect(label.length).toBeLessThanOrEqual(75);
  expect(label).not.toMatch(/[\n\u202e]/);
});
