import { expect, it } from 'vitest';
import { createPrometheusApi } from '../../../../../src/meters/prometheus/api.ts';
import { startAnsweringServer } from '../../../../support/answering-server.ts';
import { builtCheck, checkPlace, checkProblem } from '../../../../support/check-place.ts';
import { rateAnswers } from '../../../../support/rate-answers.ts';

const now = Date.UTC(2026, 10, 28);

async function look(settings: string, bad: number) {
  await using server = await startAnsweringServer(rateAnswers({ total: 1, bad }, now));
  const place = { ...checkPlace(), prometheus: () => createPrometheusApi({ address: server.address }, { env: {} }) };
  const check = builtCheck(`[{check: burn-rate, total: requests_total, bad: failures_total, ${settings}}]`, place);
  return await check.source.look({ from: now - 1, to: now }, AbortSignal.timeout(60_000));
}

it("has the workbook's windows for pages, by the period of the objective", async () => {
  expect(await look('objective: 99.9%', 0.0145)).toMatchObject({
    sightings: [
      { text: 'burn rate 14.5 over 5m and 14.5 over 1h, above 14.4' },
      { text: 'burn rate 14.5 over 30m and 14.5 over 6h, above 6' },
    ],
  });
  // https://github.com/slok/sloth/blob/main/internal/alert/windows/google-28d.yaml
  expect(await look('objective: 99.9%, period: 28d', 0.0135)).toMatchObject({
    sightings: [{ text: expect.stringContaining('above 13.44') }, { text: expect.stringContaining('above 5.6') }],
  });
  expect(await look('objective: 0.99, windows: [{short: 10m, long: 2h, above: 3}]', 0.031)).toMatchObject({
    sightings: [{ text: 'burn rate 3.1 over 10m and 3.1 over 2h, above 3' }],
  });
});

const part = 'total: a_total, bad: b_total';

it.each([
  ['{check: burn-rate, total: a_total, objective: 99%}', 'needs either "bad" or "good"'],
  [`{check: burn-rate, ${part}}`, '"objective": is missing'],
  [`{check: burn-rate, ${part}, objective: 99.9}`, '"objective": "99.9" is no rate'],
  [`{check: burn-rate, ${part}, objective: 100%}`, 'is not between 0 and 1'],
  [`{check: burn-rate, ${part}, objective: 90%}`, 'can never fail by a burn rate above 14.4'],
  [
    `{check: burn-rate, ${part}, objective: 99%, windows: [{short: 1h, long: 1h, above: 2}]}`,
    '"short" (1h) to be less',
  ],
  [`{check: burn-rate, ${part}, objective: 99%, windows: []}`, 'at least one pair'],
  [
    `{check: burn-rate, ${part}, objective: 99%, period: 7d, windows: [{short: 1m, long: 1h, above: 2}]}`,
    '"period" has',
  ],
])('%s is refused', (check, problem) => {
  expect(checkProblem(`[${check}]`)).toContain(problem);
});
