import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic } from '../../lab/observability/send.ts';
import type { Server } from '../../lab/observability/server.ts';
import { putLines, start } from '../../lab/observability/victorialogs.ts';
import { ask, linesOf } from './asking.ts';

const minute = 60_000;
/** A whole second: what is stored has nanoseconds, and what is asked for has fewer. */
const now = Math.floor(Date.now() / 1_000) * 1_000;

describe('VictoriaLogs answers as its API says', () => {
  let server: Server;
  beforeAll(async () => {
    server = await start();
    // One line a second before now, of which each tenth is an error of the canary.
    const lines = Array.from({ length: 300 }, (_, index) => {
      const isBad = index % 10 === 0;
      return {
        at: now - index * 1_000,
        message: isBad ? 'payment refused by the bank' : 'order taken',
        fields: { app: 'checkout', arm: isBad ? 'canary' : 'stable', level: isBad ? 'error' : 'info' },
      };
    });
    await putLines(server.address, lines, { streamFields: ['app', 'arm'] });
  });
  afterAll(() => server?.stop());

  const logsql = (name: string, query: string, more: Readonly<Record<string, string>> = {}) =>
    ask(server.address, `/select/logsql/${name}`, { query, ...more });
  const window = (from: number, to: number) => ({
    start: new Date(from).toISOString(),
    end: new Date(to).toISOString(),
  });

  it('gives lines as one object each, with their stream', async () => {
    const answer = await logsql('query', 'level:="error" | sort by (_time) desc | limit 2');
    expect(linesOf(answer)).toEqual([
      {
        _time: new Date(now).toISOString().replace('.000Z', 'Z'),
        _msg: 'payment refused by the bank',
        _stream: '{app="checkout",arm="canary"}',
        _stream_id: expect.any(String),
        app: 'checkout',
        arm: 'canary',
        level: 'error',
      },
      expect.anything(),
    ]);
  });

  it('counts as Prometheus answers', async () => {
    const query = `{app="checkout"} | stats by (arm) count() as lines`;
    const { status, json } = await logsql('stats_query', query, { time: `${now / 1_000 + 1}` });
    expect({ status, json }).toMatchObject({
      status: 200,
      json: {
        status: 'success',
        data: {
          resultType: 'vector',
          result: expect.arrayContaining([
            { metric: { __name__: 'lines', arm: 'canary' }, value: [expect.any(Number), '30'] },
            { metric: { __name__: 'lines', arm: 'stable' }, value: [expect.any(Number), '270'] },
          ]),
        },
      },
    });
  });

  it('counts in steps of time', async () => {
    const { json } = await logsql('hits', 'level:="error"', { ...window(now - 5 * minute, now), step: '1m' });
    expect(json).toMatchObject({
      hits: [{ fields: {}, timestamps: expect.any(Array), values: expect.any(Array), total: expect.any(Number) }],
    });
  });

  it('counts a half-open time', async () => {
    // The one at the very end is left out, the one at the very beginning is not.
    const query = 'app:="checkout" | stats count() as lines';
    expect(await logsql('stats_query', query, window(now - minute, now))).toMatchObject({
      json: { data: { result: [{ value: [expect.any(Number), '60'] }] } },
    });
  });

  it.each([
    ['a stream that does not exist', '{app="nothing"}'],
    ['a field that no line has', 'levle:="error"'],
    ['a value in another case', 'level:="ERROR"'],
  ])('counts nothing, and says nothing, for %s', async (_, query) => {
    expect(await logsql('query', query)).toMatchObject({ status: 200, text: '' });
    expect(await logsql('stats_query', `${query} | stats count() as lines`)).toMatchObject({
      status: 200,
      json: {
        status: 'success',
        data: { result: [{ metric: { __name__: 'lines' }, value: [expect.anything(), '0'] }] },
      },
    });
    expect(await logsql('stats_query', `${query} | stats by (arm) count() as lines`)).toMatchObject({
      status: 200,
      json: { status: 'success', data: { result: [] } },
    });
  });

  it('gives as many lines as it is asked for, and does not say that there are more', async () => {
    const answer = await logsql('query', '*', { limit: '7' });
    expect(linesOf(answer)).toHaveLength(7);
  });

  it('tells the names of fields and streams', async () => {
    expect(await logsql('field_names', '*', window(now - 10 * minute, now + minute))).toMatchObject({
      json: { values: expect.arrayContaining([{ value: 'level', hits: 300 }]) },
    });
    expect(await logsql('streams', '*', window(now - 10 * minute, now + minute))).toMatchObject({
      json: { values: expect.arrayContaining([{ value: '{app="checkout",arm="canary"}', hits: 30 }]) },
    });
  });

  it.each(['level:', '{app="checkout"', '* | stats cnt() lines', '(a'])('refuses the query %s', async (query) => {
    const { status, text } = await logsql('query', query);
    expect({ status, text }).toEqual({ status: 400, text: expect.stringMatching(/cannot parse|unexpected|missing/) });
  });

  it('does not count what is no count', async () => {
    expect(await logsql('stats_query', 'level:="error"')).toMatchObject({
      status: 422,
      json: { status: 'error', error: expect.stringMatching(/stats/) },
    });
  });

  it('takes lines that are older than what it keeps, and drops them', async () => {
    await putLines(server.address, [{ at: now - 8 * 24 * 60 * minute, message: 'too old', fields: { app: 'old' } }]);
    expect(await logsql('query', 'app:="old"')).toMatchObject({ status: 200, text: '' });
  });

  it('is no Elasticsearch', async () => {
    const { status } = await ask(server.address, '/insert/elasticsearch/logs/_search');
    expect(status).toBeGreaterThanOrEqual(400);
    expect(await ask(server.address, '/loki/select/logsql/query', { query: '*' })).not.toMatchObject({ status: 200 });
  });

  it('keeps its lines when it is started again', async () => {
    await server.restart();
    expect(linesOf(await logsql('query', 'level:="error"', { limit: '1000' }))).toHaveLength(30);
  });
});

describe('a VictoriaLogs that asks for a login', () => {
  it('gives no lines to others', async () => {
    const login = { username: 'reader', password: 'correct-horse' };
    const server = await start({ login });
    try {
      const statusBy = async (headers: Readonly<Record<string, string>>) => {
        const { status } = await ask(server.address, '/select/logsql/query', { query: '*' }, headers);
        return status;
      };
      expect(await statusBy({})).toBe(401);
      expect(await statusBy(basic({ ...login, password: 'guess' }))).toBe(401);
      expect(await statusBy(basic(login))).toBe(200);
    } finally {
      await server.stop();
    }
  });
});
