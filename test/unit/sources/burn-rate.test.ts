import { expect, it } from 'vitest';
import { createPrometheusApi } from '../../../src/meters/prometheus/api.ts';
import { burnRateSource } from '../../../src/sources/burn-rate.ts';
import { startAnsweringServer } from '../../support/answering-server.ts';
import { type RateFacts, rateAnswers } from '../../support/rate-answers.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const now = Date.UTC(2026, 10, 28, 12, 30);
const world = { env: {}, clock: createVirtualClock(now) };
const signal = AbortSignal.timeout(60_000);
const windows = [
  { short: 300_000, long: 3_600_000, above: 14.4 },
  { short: 1_800_000, long: 21_600_000, above: 6 },
];
const bad = { total: 'requests_total', part: { bad: 'failures_total' }, budget: 0.001, windows };

async function look(facts: RateFacts, query: Parameters<typeof burnRateSource>[0] = bad) {
  await using server = await startAnsweringServer(rateAnswers(facts, now));
  const source = burnRateSource(query, createPrometheusApi({ address: server.address }, world), world);
  return await source.look({ from: now - 60_000, to: now }, signal);
}

/** Rates of bad events, of 10 events a second. */
const over = (five: number, thirty: number, hour: number, six: number) => ({
  '300s': five,
  '1800s': thirty,
  '3600s': hour,
  '21600s': six,
});

it('sees each pair whose windows both burn too fast', async () => {
  expect(await look({ bad: over(0.15, 0.02, 0.15, 0.07) })).toEqual({
    kind: 'sightings',
    notes: [],
    sightings: [{ text: 'burn rate 15 over 5m and 15 over 1h, above 14.4' }],
  });
  expect(await look({ bad: over(0.2, 0.2, 0.2, 0.2) })).toMatchObject({
    sightings: [{ text: expect.stringContaining('above 14.4') }, { text: expect.stringContaining('above 6') }],
  });
});

it.each([
  ['burnt fast and does not any more', over(0, 0.01, 0.3, 0.1)],
  ['burns fast for a moment', over(1, 0.2, 0.1, 0.03)],
  ['burns just as fast as accepted', over(0.144, 0.06, 0.144, 0.06)],
])('what %s is no sighting', async (_, rates) => {
  expect(await look({ bad: rates })).toEqual({ kind: 'sightings', sightings: [], notes: [] });
});

it('counts by good events, too', async () => {
  const query = { ...bad, part: { good: 'failures_total' } };
  expect(await look({ bad: over(9.8, 9.8, 9.8, 9.8) }, query)).toMatchObject({ sightings: [{}, {}] });
  expect(await look({ bad: 10 }, query)).toMatchObject({ kind: 'sightings', sightings: [] });
  expect(await look({}, query)).toEqual({ kind: 'missing', reason: 'failures_total has no series' });
});

it('takes a bad series that does not exist yet for 0, and says so', async () => {
  expect(await look({})).toEqual({
    kind: 'sightings',
    sightings: [],
    notes: ['failures_total has no series: taken as 0, as requests_total is counted.'],
  });
});

it('says where the data do not reach back as far as a window', async () => {
  const found = await look({ bad: 0.2, reachesBack: (range) => range !== '3600s' && range !== '21600s' });
  expect(found).toMatchObject({
    sightings: [{}, {}],
    notes: ['requests_total was not counted yet 1h and 6h ago: these burn rates are of a shorter time.'],
  });
});

it.each<[string, RateFacts, string]>([
  ['no events', { total: 0, bad: 0 }, 'requests_total counted nothing in the last 5m'],
  ['fewer than two measurements', { total: { '3600s': 1 }, bad: 0 }, 'was not counted twice in the last 5m'],
  ['old measurements, for which rate still answers', { bad: 0, age: 200 }, 'was last measured 200 s before'],
  ['an answer that is no number', { bad: Number.NaN }, '5m: the answer is NaN'],
  ['a partial answer', { bad: 0, warnings: ['a store is away'] }, 'partial: a store is away'],
])('%s is missing', async (_, facts, reason) => {
  expect(await look(facts)).toEqual({ kind: 'missing', reason: expect.stringContaining(reason) });
});

it('shows a pair that is exceeded where another one is not known', async () => {
  const total = { '300s': 10, '3600s': 10 };
  expect(await look({ total, bad: 0.2 })).toMatchObject({ sightings: [{ text: expect.stringContaining('14.4') }] });
});

it('has the preflight of a ratio', async () => {
  await using server = await startAnsweringServer(rateAnswers({}, now));
  const api = createPrometheusApi({ address: server.address }, world);
  const { evidence } = await burnRateSource(bad, api, world).preflight(signal);
  expect(evidence).toMatch(/^1 series of requests_total/);
  const wrong = burnRateSource({ ...bad, total: 'reqests_total' }, api, world);
  await expect(wrong.preflight(signal)).rejects.toThrow();
});
