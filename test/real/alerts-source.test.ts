import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { login, putAlerts, putSilence, start } from '../../lab/observability/alertmanager.ts';
import type { Server } from '../../lab/observability/server.ts';
import { type Connection, reach } from '../../src/remote/connection.ts';
import { type AlertmanagerQuery, alertmanagerSource } from '../../src/sources/alerts/alertmanager.ts';
import { parseMatchers } from '../../src/sources/alerts/matchers.ts';
import { itNeedsAnAnswer, lookOf } from './source-cases.ts';

const minute = 60_000;
const now = Date.now();
const firing = { from: now - 5 * minute, to: now + 30 * minute };
const window = { from: now - minute, to: now };

/** An Alertmanager is believed only some minutes after its start. */
const inTenMinutes = { now: () => Date.now() + 10 * minute, sleep: () => Promise.reject(new Error('nothing sleeps')) };

function sourceOf(
  connection: Connection,
  matchers: string,
  more: Partial<AlertmanagerQuery> = {},
  clock = inTenMinutes,
) {
  const world = { env: {}, clock };
  const query = { matchers: parseMatchers(matchers), onlyNew: false, ignore: [], heartbeat: undefined, ...more };
  return alertmanagerSource(query, reach('Alertmanager', connection, world), world);
}

describe('alerts of a real Alertmanager', () => {
  let server: Server;
  beforeAll(async () => {
    server = await start();
    await putAlerts(server.address, [
      { labels: { alertname: 'Watchdog' }, ...firing },
      {
        labels: { alertname: 'HighErrorRate', service: 'checkout', severity: 'page', path: '/a\\b "c", {d}=~' },
        annotations: { summary: '5 % of requests fail' },
        ...firing,
      },
      { labels: { alertname: 'DiskFull', service: 'silent' }, ...firing },
      { labels: { alertname: 'NodeDown', service: 'inhibited', severity: 'critical' }, ...firing },
      { labels: { alertname: 'PodDown', service: 'inhibited', severity: 'warning' }, ...firing },
      { labels: { alertname: 'Over', service: 'resolved' }, from: now - 5 * minute, to: now - minute },
    ]);
    await putSilence(server.address, { service: 'silent' }, firing);
  });
  afterAll(() => server?.stop());

  const source = (matchers: string, more: Partial<AlertmanagerQuery> = {}, clock = inTenMinutes) =>
    sourceOf({ address: server.address }, matchers, more, clock);
  const nothing = { kind: 'sightings', sightings: [] };

  it('one that fires is seen, with what it says', async () => {
    expect(await lookOf(source('service="checkout"'), window)).toMatchObject({
      kind: 'sightings',
      sightings: [
        { text: expect.stringMatching(/^alert HighErrorRate fires since .*severity=page.*: 5 % of requests fail$/) },
      ],
    });
  });

  it.each([
    String.raw`path="/a\\b \"c\", {d}=~"`,
    'alertname=~"High.*",severity!="ticket"',
    '{service=~"check|checkout"}',
    'service="checkout",team=""',
  ])('matches %s', async (matchers) => {
    expect(await lookOf(source(matchers), window)).toMatchObject({ sightings: [{}] });
  });

  it.each([
    ['silenced', 'service="silent"'],
    ['inhibited', 'alertname="PodDown"'],
    ['over', 'service="resolved"'],
    ['of others', 'service="pay"'],
  ])('one that is %s is not', async (_, matchers) => {
    expect(await lookOf(source(matchers), window)).toMatchObject(nothing);
  });

  it('one that fired before is not where only new ones count', async () => {
    expect(await lookOf(source('service="checkout"', { onlyNew: true }), window)).toMatchObject({
      ...nothing,
      notes: [expect.stringContaining('HighErrorRate')],
    });
  });

  it('nothing is known in the first minutes, and without the alert that always fires', async () => {
    const real = { now: () => Date.now(), sleep: inTenMinutes.sleep };
    expect(await lookOf(source('service="pay"', {}, real), window)).toMatchObject({ kind: 'missing' });
    expect(await lookOf(source('service="pay"', { heartbeat: 'Watchdog' }), window)).toMatchObject(nothing);
    expect(await lookOf(source('service="pay"', { heartbeat: 'Dog' }), window)).toMatchObject({ kind: 'missing' });
    await expect(
      source('service="pay"', { heartbeat: 'Dog' }).preflight(AbortSignal.timeout(20_000)),
    ).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('the preflight counts what is there', async () => {
    const { evidence, warnings } = await source('service="checkout"').preflight(AbortSignal.timeout(20_000));
    expect({ evidence, warnings }).toEqual({
      evidence: expect.stringMatching(/has 5 alerts; 1 of them match$/),
      warnings: [],
    });
  });

  itNeedsAnAnswer(
    { source: (address) => sourceOf({ address }, 'service="checkout"'), server: () => server, window },
    (look) => expect(look).toMatchObject({ kind: 'sightings', sightings: [{}] }),
  );

  it('the alerts that are lost in a new start are not known to be over', async () => {
    const real = { now: () => Date.now(), sleep: inTenMinutes.sleep };
    expect(await lookOf(source('service="checkout"', {}, real), window)).toMatchObject({ kind: 'missing' });
    expect(await lookOf(source('service="checkout"', { heartbeat: 'Watchdog' }), window)).toMatchObject({
      kind: 'missing',
    });
  });
});

describe('an Alertmanager that asks for a login', () => {
  it('takes the right one only', async () => {
    const server = await start({ asksForLogin: true });
    try {
      const { address } = server;
      await putAlerts(address, [{ labels: { alertname: 'HighErrorRate' }, ...firing }], login);
      const look = (authorization?: Connection['authorization']) =>
        lookOf(sourceOf({ address, ...(authorization && { authorization }) }, 'alertname="HighErrorRate"'), window);
      expect(await look()).toMatchObject({ code: 'forbidden' });
      expect(await look({ kind: 'bearer', token: 'guess' })).toMatchObject({ code: 'forbidden' });
      expect(await look({ kind: 'basic', ...login, password: 'guess' })).toMatchObject({ code: 'forbidden' });
      expect(await look({ kind: 'basic', ...login })).toMatchObject({ sightings: [{}] });
    } finally {
      await server.stop();
    }
  });
});
