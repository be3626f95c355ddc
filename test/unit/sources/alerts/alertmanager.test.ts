import { expect, it } from 'vitest';
import { reach } from '../../../../src/remote/connection.ts';
import { type AlertmanagerQuery, alertmanagerSource } from '../../../../src/sources/alerts/alertmanager.ts';
import { parseMatchers } from '../../../../src/sources/alerts/matchers.ts';
import {
  alertmanagerAnswers,
  alertmanagerStatus,
  alertNow,
  gettableAlert,
  watchdog,
} from '../../../support/alert-answers.ts';
import { startAnsweringServer } from '../../../support/answering-server.ts';
import { createVirtualClock } from '../../../support/virtual-clock.ts';

const world = { env: {}, clock: createVirtualClock(alertNow) };
const signal = AbortSignal.timeout(60_000);
const window = { from: alertNow - 600_000, to: alertNow };
const checkout = { alertname: 'HighErrorRate', severity: 'page', service: 'checkout' };

type Alerts = readonly ReturnType<typeof gettableAlert>[];

async function open(alerts: Alerts, query: Partial<AlertmanagerQuery> = {}, status: unknown = alertmanagerStatus()) {
  const server = await startAnsweringServer(alertmanagerAnswers(alerts, status));
  const matchers = parseMatchers('service="checkout"');
  const source = alertmanagerSource(
    { matchers, onlyNew: false, ignore: [], heartbeat: undefined, ...query },
    reach('Alertmanager', { address: server.address }, world),
    world,
  );
  return { source, server, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const look = async (alerts: Alerts, query?: Partial<AlertmanagerQuery>, status?: unknown) => {
  await using opened = await open(alerts, query, status);
  return await opened.source.look(window, signal);
};

it('shows the alerts that match, in one line each', async () => {
  const others = gettableAlert({ alertname: 'Other', service: 'cart' });
  const summary = `errors\n${'x'.repeat(900)}`;
  const found = await look([watchdog, others, gettableAlert(checkout, { summary })]);
  expect(found).toEqual({ kind: 'sightings', notes: [], sightings: [{ text: expect.any(String) }] });
  const [{ text } = { text: '' }] = found.kind === 'sightings' ? found.sightings : [];
  expect(text).toMatch(
    /^alert HighErrorRate fires since 2026-11-28T12:25:00.000Z \(severity=page, service=checkout\): errors x+…$/,
  );
  expect(text.length).toBeLessThanOrEqual(300);
});

it('asks by filters that every parser of Alertmanager reads alike, and hides what is silenced or inhibited', async () => {
  await using opened = await open([watchdog], { matchers: parseMatchers('severity=~page|critical, service=checkout') });
  await opened.source.look(window, signal);
  const [asked = ''] = opened.server.asked;
  expect([...new URL(asked, 'http://x').searchParams]).toEqual([
    ['active', 'true'],
    ['silenced', 'false'],
    ['inhibited', 'false'],
    ['filter', 'severity=~"page|critical"'],
    ['filter', 'service="checkout"'],
  ]);
});

it('counts an alert whose notifications a time interval mutes, and none that a person silenced', async () => {
  const muted = gettableAlert(checkout, { mutedBy: ['weekend'] });
  expect(await look([watchdog, muted])).toMatchObject({ sightings: [{ text: expect.stringContaining('fires') }] });
  const silenced = gettableAlert(checkout, { silencedBy: ['b3ae'] });
  const inhibited = gettableAlert(checkout, { inhibitedBy: ['0593f'] });
  expect(await look([watchdog, silenced, inhibited])).toMatchObject({ kind: 'sightings', sightings: [] });
});

it('does not take the alerts of a server that ignores filters for matching ones', async () => {
  await using server = await startAnsweringServer((path) => ({
    body: path.startsWith('/api/v2/status') ? alertmanagerStatus() : [gettableAlert({ alertname: 'Other' })],
  }));
  const query = { matchers: parseMatchers('service=checkout'), onlyNew: false, ignore: [], heartbeat: undefined };
  const source = alertmanagerSource(query, reach('Alertmanager', { address: server.address }, world), world);
  expect(await source.look(window, signal)).toMatchObject({ kind: 'sightings', sightings: [] });
});

it('leaves out ignored alerts, and old ones where only new ones count, which it says', async () => {
  const old = gettableAlert(checkout, { minutes: 11 });
  const fresh = gettableAlert({ ...checkout, alertname: 'SlowCheckout' }, { minutes: 2 });
  expect(await look([old, fresh], { onlyNew: true })).toMatchObject({
    sightings: [{ text: expect.stringContaining('SlowCheckout') }],
    notes: ['HighErrorRate fired before 2026-11-28T12:20:00.000Z and does not count (only-new).'],
  });
  expect(await look([old, fresh], { ignore: ['HighErrorRate', 'SlowCheckout'] })).toMatchObject({ sightings: [] });
});

it('measures what is new from the beginning of the first window', async () => {
  await using opened = await open([gettableAlert(checkout, { minutes: 5 })], { onlyNew: true });
  await opened.source.look({ from: alertNow - 240_000, to: alertNow - 120_000 }, signal);
  const later = await opened.source.look({ from: alertNow - 120_000, to: alertNow }, signal);
  expect(later).toMatchObject({ sightings: [] });
});

it.each([
  ['that has just started', alertmanagerStatus(2), {}, 'started 120 s ago and may not have heard of all alerts yet'],
  ['whose cluster has not settled', alertmanagerStatus(60, 'settling'), {}, 'has not settled'],
  ['without its heartbeat', alertmanagerStatus(), { heartbeat: 'DeadMansSwitch' }, 'DeadMansSwitch'],
])(
  'nothing seen by an Alertmanager %s is missing, and an alert that is seen counts',
  async (_, status, query, reason) => {
    expect(await look([watchdog], query, status)).toEqual({ kind: 'missing', reason: expect.stringContaining(reason) });
    expect(await look([gettableAlert(checkout)], query, status)).toMatchObject({ sightings: [{}] });
  },
);

it('takes the heartbeat also where it is silenced', async () => {
  const silenced = gettableAlert({ alertname: 'Watchdog' }, { silencedBy: ['x'] });
  expect(await look([silenced], { heartbeat: 'Watchdog' })).toMatchObject({ kind: 'sightings' });
});

it('reads the status of Grafana, which has neither cluster nor start', async () => {
  const grafana = { cluster: null, config: {}, uptime: null, versionInfo: { version: 'N/A' } };
  expect(await look([watchdog], {}, grafana)).toMatchObject({ kind: 'sightings' });
});

it('says before the first look what is there', async () => {
  await using full = await open([watchdog, gettableAlert(checkout)]);
  expect(await full.source.preflight(signal)).toEqual({
    evidence: 'Alertmanager 0.35.0 has 2 alerts; 1 of them match',
    warnings: [],
  });
  await using silent = await open([]);
  const { warnings } = await silent.source.preflight(signal);
  expect(warnings).toEqual([expect.stringContaining('has no alert at all')]);
  await using deaf = await open([], { heartbeat: 'Watchdog' });
  await expect(deaf.source.preflight(signal)).rejects.toThrow('does not have the alert Watchdog');
});
