import { expect, it } from 'vitest';
import { apiClient } from '../../../../support/api-client.ts';
import { builtCheck, checkPlace, checkProblem } from '../../../../support/check-place.ts';

const place = checkPlace({ client: apiClient('http://cluster.example') });

it('accepts no warning, or a number of them', () => {
  const none = builtCheck('[{check: events, workload: checkout, reasons: [BackOff]}]', place);
  expect(none.source.asked).toBe('warning events BackOff of Deployment shop/checkout');
  none.rule.add({ kind: 'counts', total: 1, bad: 1 }, undefined, 0);
  expect(none.rule.finding()).toMatchObject({ state: 'breach', sentence: '1 warning events, accepted 0' });
  const some = builtCheck('[{check: events, selector: app=checkout, most: 2}]', place);
  some.rule.add({ kind: 'counts', total: 2, bad: 2 }, undefined, 0);
  expect(some.rule.finding()).toMatchObject({ state: 'healthy' });
});

it.each([
  ['{check: events}', 'needs either "workload"'],
  ['{check: events, workload: a, window: 2h}', 'API servers keep events no longer'],
  ['{check: events, workload: a, reasons: [BackOff], ignore: [BackOff]}', 'BackOff in "reasons" and in "ignore"'],
  ['{check: events, workload: a, reasons: BackOff}', '"reasons": must be a list of reasons'],
  ['{check: events, workload: a, most: -1}', '"most": "-1" is not a whole number'],
])('%s is refused', (check, problem) => {
  expect(checkProblem(`[${check}]`)).toContain(problem);
});
