import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { login, putAlerts, putSilence, start } from '../../lab/observability/alertmanager.ts';
import { basic } from '../../lab/observability/send.ts';
import type { Server } from '../../lab/observability/server.ts';
import { ask } from './asking.ts';

const minute = 60_000;
const now = Date.now();
const firing = { from: now - 5 * minute, to: now + 10 * minute };

describe('Alertmanager answers as its API says', () => {
  let server: Server;
  beforeAll(async () => {
    server = await start();
    await putAlerts(server.address, [
      {
        labels: { alertname: 'HighErrorRate', service: 'checkout', severity: 'page' },
        annotations: { summary: '5 % of requests fail' },
        ...firing,
      },
      { labels: { alertname: 'HighLatency', service: 'checkout', severity: 'ticket' }, ...firing },
      { labels: { alertname: 'HighErrorRate', service: 'pay', severity: 'page' }, ...firing },
      { labels: { alertname: 'DiskFull', service: 'silent' }, ...firing },
      { labels: { alertname: 'NodeDown', service: 'inhibited', severity: 'critical' }, ...firing },
      { labels: { alertname: 'PodDown', service: 'inhibited', severity: 'warning' }, ...firing },
      { labels: { alertname: 'Over', service: 'resolved' }, from: now - 5 * minute, to: now - minute },
      { labels: { alertname: 'Later', service: 'later' }, from: now + 5 * minute, to: now + 10 * minute },
    ]);
    await putSilence(server.address, { service: 'silent' }, firing);
  });
  afterAll(() => server?.stop());

  const alerts = (...parameters: [string, string][]) => ask(server.address, '/api/v2/alerts', parameters);
  const namesBy = async (...parameters: [string, string][]) => {
    const { status, json } = await alerts(...parameters);
    expect(status).toBe(200);
    return Array.isArray(json) ? json.map(({ labels }) => labels.alertname).toSorted() : json;
  };

  it('an alert has labels, annotations, times and a state', async () => {
    const { json } = await alerts(['filter', 'severity="page"'], ['filter', 'service="checkout"']);
    expect(json).toEqual([
      {
        labels: { alertname: 'HighErrorRate', service: 'checkout', severity: 'page' },
        annotations: { summary: '5 % of requests fail' },
        startsAt: new Date(firing.from).toISOString(),
        endsAt: new Date(firing.to).toISOString(),
        updatedAt: expect.stringMatching(/^\d{4}-.*Z$/),
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
        receivers: [{ name: 'nobody' }],
        status: { state: 'active', silencedBy: [], inhibitedBy: [], mutedBy: [] },
      },
    ]);
  });

  it.each([
    ['one that is equal', ['service="checkout"'], ['HighErrorRate', 'HighLatency']],
    ['without quotes', ['service=checkout'], ['HighErrorRate', 'HighLatency']],
    ['all of several', ['service="checkout"', 'severity="page"'], ['HighErrorRate']],
    ['a pattern, which is anchored', ['service=~"check|pay"'], ['HighErrorRate']],
    ['another one', ['alertname=~"High.*"', 'service!~"pay|silent"'], ['HighErrorRate', 'HighLatency']],
    ['a label that is missing', ['severity=""', 'service="silent"'], ['DiskFull']],
    ['a label that no alert has', ['team="shop"'], []],
  ])('matches %s', async (_, filters, names) => {
    expect(await namesBy(...filters.map((filter): [string, string] => ['filter', filter]))).toEqual(names);
  });

  it('shows one that is silenced, with the silence, unless it is told not to', async () => {
    const { json } = await alerts(['filter', 'service="silent"']);
    expect(json).toMatchObject([{ status: { state: 'suppressed', silencedBy: [expect.any(String)] } }]);
    expect(await namesBy(['filter', 'service="silent"'], ['silenced', 'false'])).toEqual([]);
    expect(await namesBy(['filter', 'service="silent"'], ['active', 'false'])).toEqual(['DiskFull']);
  });

  it('shows one that another one inhibits unless it is told not to', async () => {
    expect(await namesBy(['filter', 'service="inhibited"'])).toEqual(['NodeDown', 'PodDown']);
    expect(await namesBy(['filter', 'service="inhibited"'], ['inhibited', 'false'])).toEqual(['NodeDown']);
  });

  it('does not show one that is over', async () => {
    expect(await namesBy(['filter', 'service="resolved"'])).toEqual([]);
  });

  it('shows one that has yet to begin, as active', async () => {
    expect((await alerts(['filter', 'service="later"'])).json).toMatchObject([{ status: { state: 'active' } }]);
  });

  it('takes a filter that is mistyped for one that matches nothing', async () => {
    expect(await namesBy(['filter', 'service==checkout'])).toEqual([]);
  });

  it.each(['service', 'service=="checkout"', 'service=~"("', '{service="checkout"', '=checkout'])(
    'refuses the filter %s',
    async (filter) => {
      const { status, json } = await alerts(['filter', filter]);
      expect({ status, json }).toEqual({ status: 400, json: expect.stringMatching(/\S/) });
    },
  );

  it('says when it started and what it is', async () => {
    const { json } = await ask(server.address, '/api/v2/status');
    expect(json).toMatchObject({
      cluster: { status: 'disabled' },
      uptime: expect.stringMatching(/^\d{4}-/),
      versionInfo: { version: expect.any(String) },
    });
  });

  it('has no API at another prefix, and none of version 1', async () => {
    expect(await ask(server.address, '/alertmanager/api/v2/alerts')).toMatchObject({ status: 404 });
    expect(await ask(server.address, '/api/v1/alerts')).not.toMatchObject({ status: 200 });
  });
});

describe('an Alertmanager that was started again', () => {
  it('has no alert until it is sent one, but its silences, and a new time of its start', async () => {
    const server = await start();
    try {
      await putAlerts(server.address, [{ labels: { alertname: 'HighErrorRate' }, ...firing }]);
      await putSilence(server.address, { alertname: 'Other' }, firing);
      const before = await ask(server.address, '/api/v2/status');
      await server.restart();
      expect((await ask(server.address, '/api/v2/alerts')).json).toEqual([]);
      expect((await ask(server.address, '/api/v2/silences')).json).toHaveLength(1);
      expect(uptimeOf(await ask(server.address, '/api/v2/status'))).toBeGreaterThan(uptimeOf(before));
    } finally {
      await server.stop();
    }
  });
});

describe('an Alertmanager that asks for a login', () => {
  it('gives no alerts to others', async () => {
    const server = await start({ asksForLogin: true });
    try {
      const answers = { none: {}, wrong: basic({ ...login, password: 'guess' }), right: basic(login) };
      const statuses = Object.entries(answers).map(async ([name, headers]) => {
        const { status } = await ask(server.address, '/api/v2/alerts', {}, headers);
        return [name, status];
      });
      expect(Object.fromEntries(await Promise.all(statuses))).toEqual({ none: 401, wrong: 401, right: 200 });
    } finally {
      await server.stop();
    }
  });
});

function uptimeOf({ text }: { readonly text: string }): number {
  return Date.parse(JSON.parse(text).uptime);
}
