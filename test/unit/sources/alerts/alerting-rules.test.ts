import { expect, it } from 'vitest';
import { createPrometheusApi } from '../../../../src/meters/prometheus/api.ts';
import { type AlertingRulesQuery, alertingRulesSource } from '../../../../src/sources/alerts/alerting-rules.ts';
import { parseMatchers } from '../../../../src/sources/alerts/matchers.ts';
import { alertNow, alertRule, ruleAlert, ruleAnswers } from '../../../support/alert-answers.ts';
import { type Respond, startAnsweringServer } from '../../../support/answering-server.ts';
import { createVirtualClock } from '../../../support/virtual-clock.ts';

const world = { env: {}, clock: createVirtualClock(alertNow) };
const signal = AbortSignal.timeout(60_000);
const window = { from: alertNow - 600_000, to: alertNow };

async function open(respond: Respond, query: Partial<AlertingRulesQuery> & { matching?: string } = {}) {
  const server = await startAnsweringServer(respond);
  const { matching = 'service="checkout"', ...others } = query;
  const all = { matchers: parseMatchers(matching), onlyNew: false, ignore: [], pending: false, ...others };
  const source = alertingRulesSource(all, createPrometheusApi({ address: server.address }, world), world);
  return { source, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const look = async (...given: Parameters<typeof open>) => {
  await using opened = await open(...given);
  return await opened.source.look(window, signal);
};

const preflight = async (...given: Parameters<typeof open>) => {
  await using opened = await open(...given);
  return await opened.source.preflight(signal);
};

const fires = (state: 'firing' | 'pending', minutes?: number, labels?: Record<string, string>) =>
  ruleAnswers([alertRule('HighErrorRate', { state, alerts: [ruleAlert(state, minutes, labels)] })]);

it('shows alerts that fire, and pending ones where they are asked for', async () => {
  expect(await look(fires('firing', 5))).toMatchObject({
    // Active for 5 minutes, of which it was pending for two.
    sightings: [{ text: expect.stringMatching(/^alert HighErrorRate fires since 2026-11-28T12:27:00.000Z/) }],
  });
  expect(await look(fires('pending'))).toMatchObject({ kind: 'sightings', sightings: [] });
  expect(await look(fires('pending'), { pending: true })).toMatchObject({
    sightings: [{ text: expect.stringMatching(/^alert HighErrorRate is pending since 2026-11-28T12:25:00.000Z/) }],
  });
});

it('counts an alert as new from when it fires, not from when it is pending', async () => {
  expect(await look(fires('firing', 11), { onlyNew: true })).toMatchObject({ sightings: [{}] });
  expect(await look(fires('firing', 13), { onlyNew: true })).toMatchObject({ sightings: [] });
});

it('judges the labels of the alert, which a rule can take from its series', async () => {
  const rule = (service: string) =>
    ruleAnswers([
      alertRule('HighErrorRate', {
        labels: { severity: 'page', team: '{{ $labels.team }}' },
        alerts: [ruleAlert('firing', 5, { service, team: 'a' })],
      }),
    ]);
  expect(await look(rule('checkout'), { matching: 'service=checkout,team=a' })).toMatchObject({ sightings: [{}] });
  expect(await look(rule('cart'), { matching: 'service=checkout,team=a' })).toMatchObject({ sightings: [] });
});

it('says which rules can match, and refuses what none of them can', async () => {
  const rules = ruleAnswers([
    alertRule('HighErrorRate'),
    alertRule('Other', { labels: { service: 'cart' } }),
    alertRule('FromSeries', { labels: {} }),
    alertRule('job:errors', { type: 'recording', labels: {} }),
  ]);
  expect(await preflight(rules, { ignore: ['Gone'] })).toEqual({
    evidence: '2 of 3 alert rules can match: HighErrorRate, FromSeries',
    warnings: [expect.stringContaining('has no alert rule "Gone", which "ignore" names')],
  });
  const wrong = { matching: 'alertname=HihgErrorRate' };
  await expect(preflight(rules, wrong)).rejects.toThrow('It has HighErrorRate, Other, FromSeries: correct "matching"');
  expect(await look(rules, wrong)).toMatchObject({ kind: 'missing', reason: expect.stringContaining('no alert rule') });
  // VictoriaMetrics without vmalert behind it.
  await expect(preflight(ruleAnswers([]))).rejects.toThrow('It has no alert rules at all');
});

it.each([
  [
    'fails',
    { health: 'err', lastError: 'many-to-many matching\nnot allowed' },
    'fails: many-to-many matching not allowed',
  ],
  ['was never evaluated', { health: 'unknown', lastEvaluation: '0001-01-01T00:00:00Z' }, 'was not evaluated yet'],
  ['stands still', { lastEvaluation: new Date(alertNow - 600_000).toISOString() }, 'was last evaluated 600 s ago'],
])('a rule that %s tells nothing, unless it fires', async (_, facts, reason) => {
  const rule = (alerts: readonly unknown[]) => ruleAnswers([alertRule('HighErrorRate', { ...facts, alerts })]);
  expect(await look(rule([]))).toEqual({ kind: 'missing', reason: expect.stringContaining(reason) });
  expect(await look(rule([ruleAlert('firing')]))).toMatchObject({ sightings: [{}] });
});

it.each([
  ['a part of its stores', { warnings: ['No StoreAPIs matched'] }, 'partial: No StoreAPIs matched'],
  ['a page of its rules', { data: { groups: [], groupNextToken: 'abc' } }, 'a part of the rules only'],
])('an answer from %s is missing', async (_, beside, reason) => {
  const answer = ruleAnswers([alertRule('HighErrorRate')], beside);
  expect(await look(answer)).toEqual({ kind: 'missing', reason: expect.stringContaining(reason) });
  await expect(preflight(answer)).rejects.toThrow(reason);
});

it('reads the rules of Thanos, which has less of them', async () => {
  const rule = { name: 'test', query: '1', duration: 0, health: 'ok', type: 'alerting' };
  const alert = {
    labels: { alertname: 'test', service: 'checkout' },
    annotations: {},
    state: 'firing',
    activeAt: '2019-12-11T10:07:10.851171763-05:00',
    value: '1e+00',
    partial_response_strategy: 'WARN',
  };
  expect(await look(ruleAnswers([{ ...rule, alerts: [alert] }]))).toMatchObject({
    sightings: [{ text: 'alert test fires since 2019-12-11T15:07:10.851Z (service=checkout)' }],
  });
});
