import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Login } from '../../lab/observability/send.ts';
import type { Server } from '../../lab/observability/server.ts';
import { putLines, start } from '../../lab/observability/victorialogs.ts';
import { type Connection, reach } from '../../src/remote/connection.ts';
import { type VictoriaLogsQuery, victoriaLogsSource } from '../../src/sources/victorialogs.ts';
import { itNeedsAnAnswer, lookOf } from './source-cases.ts';

const minute = 60_000;
const now = Math.floor(Date.now() / 1_000) * 1_000;
const clock = { now: () => now, sleep: () => Promise.reject(new Error('nothing sleeps')) };
const window = { from: now - minute, to: now };

/** One line a second before now, of which each tenth is an error; and an app that fell silent an hour ago. */
async function putSome(address: string, as?: Login): Promise<void> {
  const lines = Array.from({ length: 300 }, (_, index) => ({
    at: now - index * 1_000,
    message: index % 10 === 0 ? 'payment (refused) | by "the" bank' : 'order taken',
    fields: { app: 'shop', level: index % 10 === 0 ? 'error' : 'info' },
  }));
  const old = { at: now - 60 * minute, message: 'order taken', fields: { app: 'old', level: 'info' } };
  await putLines(address, [...lines, old], { streamFields: ['app'], ...(as && { as }) });
}

function sourceOf(connection: Connection, more: Partial<VictoriaLogsQuery> = {}) {
  const query = { query: 'level:="error"', total: '{app="shop"}', lag: 0, staleAfter: 5 * minute };
  return victoriaLogsSource({ ...query, ...more }, reach('VictoriaLogs', connection, { env: {} }), { clock });
}

describe('lines of a real VictoriaLogs', () => {
  let server: Server;
  beforeAll(async () => {
    server = await start();
    await putSome(server.address);
  });
  afterAll(() => server?.stop());

  const source = (more: Partial<VictoriaLogsQuery> = {}) => sourceOf({ address: server.address }, more);
  const preflight = (more: Partial<VictoriaLogsQuery> = {}) => source(more).preflight(AbortSignal.timeout(20_000));

  it('are counted in a half-open window', async () => {
    expect(await lookOf(source(), window)).toEqual({ kind: 'counts', total: 60, bad: 6 });
    expect(await lookOf(source(), { from: now - 2 * minute, to: now - minute })).toEqual({
      kind: 'counts',
      total: 60,
      bad: 6,
    });
    expect(await preflight()).toMatchObject({ evidence: expect.stringMatching(/^299 lines .* 29 match$/) });
  });

  it.each([
    ['words', 'refused'],
    ['a phrase', '"payment (refused) | by"'],
    ['a pattern', '~"refused.*bank"'],
    ['several', 'level:="error" or level:="warn"'],
    ['what is not', 'level:!="info"'],
    ['values of a list', 'level:in("error", "fatal")'],
  ])('are counted by %s', async (_, query) => {
    expect(await lookOf(source({ query }), window)).toEqual({ kind: 'counts', total: 60, bad: 6 });
  });

  it.each<[string, Partial<VictoriaLogsQuery>]>([
    ['a stream that does not exist', { total: '{app="nothing"}' }],
    ['a field that no line has', { total: 'ap:="shop"' }],
    ['lines that are old', { total: '{app="old"}' }],
    ['a filter that can not be read', { query: 'level:in(' }],
    ['a filter that is a pipe', { query: '* | stats count() as bad' }],
  ])('%s is found before the first look, and is no count', async (_, query) => {
    await expect(preflight(query)).rejects.toMatchObject({ name: 'SluiceError' });
    const answer = await lookOf(source(query), window);
    expect(answer instanceof Error ? answer.name : answer.kind).toMatch(/^(SluiceError|missing)$/);
  });

  itNeedsAnAnswer({ source: (address) => sourceOf({ address }), server: () => server, window }, (answer) =>
    expect(answer).toEqual({ kind: 'counts', total: 60, bad: 6 }),
  );
});

describe('a VictoriaLogs that asks for a login', () => {
  it('takes the right one only', async () => {
    const login = { username: 'reader', password: 'correct-horse' };
    const server = await start({ login });
    try {
      const { address } = server;
      await putSome(address, login);
      expect(await lookOf(sourceOf({ address }), window)).toMatchObject({ code: 'forbidden' });
      const wrong = { address, authorization: { kind: 'basic', ...login, password: 'guess' } } as const;
      expect(await lookOf(sourceOf(wrong), window)).toMatchObject({ code: 'forbidden' });
      const right = { address, authorization: { kind: 'basic', ...login } } as const;
      expect(await lookOf(sourceOf(right), window)).toEqual({ kind: 'counts', total: 60, bad: 6 });
    } finally {
      await server.stop();
    }
  });
});
