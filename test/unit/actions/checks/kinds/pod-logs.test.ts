import { expect, it } from 'vitest';
import { apiClient } from '../../../../support/api-client.ts';
import { builtCheck, checkPlace, checkProblem } from '../../../../support/check-place.ts';

const place = checkPlace({ client: apiClient('http://cluster.example') });
const target = 'check: pod-logs, workload: deployment/checkout, pattern: ERROR';

it('accepts a number of lines, or a share of them', () => {
  const number = builtCheck(`[{${target}, most: 2}]`, place);
  expect(number.source.asked).toBe('lines with ERROR of Deployment shop/checkout');
  number.rule.add({ kind: 'counts', total: 10, bad: 3 }, undefined, 0);
  expect(number.rule.finding()).toMatchObject({ state: 'breach', sentence: '3 lines match, accepted 2' });
  const share = builtCheck(`[{${target}, total: request, limit: 1%}]`, place);
  share.rule.add({ kind: 'counts', total: 1_000, bad: 100 }, undefined, 0);
  expect(share.rule.finding()).toMatchObject({ state: 'breach' });
});

it('compares with the workload of stable', () => {
  const { reference } = builtCheck(`[{${target}, relative-to: stable, stable-workload: checkout-stable}]`, place);
  expect(reference).toMatchObject({ source: { asked: expect.stringContaining('Deployment shop/checkout-stable') } });
});

it.each([
  ['{check: pod-logs, pattern: x, most: 0}', 'needs either "workload"'],
  [`{${target}, selector: app=a, most: 0}`, 'needs either "workload"'],
  [`{${target}}`, 'needs either "limit"'],
  [`{${target}, most: 0, limit: 1%}`, 'has "most", a number of lines, beside'],
  [`{${target}, most: 0, burst-size: 2}`, '"burst-size" has no effect with "most"'],
  [`{${target}, relative-to: stable}`, 'needs "relative-to: stable" and "stable-workload"'],
  [`{${target}, relative-to: before, before: 1d}`, 'the logs of pods do not reach back'],
  ['{check: pod-logs, workload: job/a, pattern: x, most: 0}', '"job" is not one of deployment'],
  ['{check: pod-logs, workload: a, pattern: "(", most: 0}', 'regular expression "("'],
])('%s is refused', (check, problem) => {
  expect(checkProblem(`[${check}]`)).toContain(problem);
});
