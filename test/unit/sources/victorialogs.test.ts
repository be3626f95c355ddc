import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { victoriaLogsSource } from '../../../src/sources/victorialogs.ts';
import { type JsonServer, startJsonServer, stoppedClock } from '../../support/json-server.ts';
import { NOW, victoriaLogsDouble } from '../../support/source-doubles.ts';

const signal = new AbortController().signal;
const window = { from: NOW - 90_000, to: NOW - 30_000 };
let server: JsonServer;

beforeAll(async () => {
  server = await startJsonServer();
});
beforeEach(() => {
  server.requests.length = 0;
  server.answer(victoriaLogsDouble({ recent: 900, total: 180, bad: 7 })());
});
afterAll(() => server.stop());

const sourceOf = (query = 'level:error', total = '{app="shop"}') =>
  victoriaLogsSource({ query, total, lag: 30_000, staleAfter: 300_000 }, server.reach('VictoriaLogs'), {
    clock: stoppedClock(NOW),
  });

describe('a look', () => {
  test('counts a half-open window in one query', async () => {
    expect(await sourceOf().look(window, signal)).toEqual({ kind: 'counts', total: 180, bad: 7 });
    expect(server.requests.map(({ parameters }) => parameters.get('query'))).toEqual([
      '_time:[2026-11-28T11:54:30.000Z, 2026-11-28T11:59:30.000Z) ({app="shop"}) | stats ' +
        'count() if (_time:[2026-11-28T11:54:30.000Z, 2026-11-28T11:59:30.000Z)) as recent, ' +
        'count() if (_time:[2026-11-28T11:58:30.000Z, 2026-11-28T11:59:30.000Z)) as total, ' +
        'count() if (_time:[2026-11-28T11:58:30.000Z, 2026-11-28T11:59:30.000Z) (level:error)) as bad',
    ]);
    expect(server.requests[0]?.parameters.get('allow_partial_response')).toBe('0');
  });

  test.each<[string, Readonly<Record<string, number>>, string]>([
    ['no fresh line', { recent: 0, total: 0, bad: 0 }, 'no line arrived'],
    ['a count that is not there', { recent: 1, total: 1 }, 'lacks the counts'],
    ['no count at all', {}, 'lacks the counts'],
    ['more bad ones than there are', { recent: 9, total: 1, bad: 2 }, 'contradict'],
  ])('with %s is missing', async (_, counts, reason) => {
    server.answer(victoriaLogsDouble(counts)());
    expect(await sourceOf().look(window, signal)).toMatchObject({
      kind: 'missing',
      reason: expect.stringContaining(reason),
    });
  });

  test.each([
    ['a) or (b', 'parentheses that do not match'],
    ['(a', 'parentheses that do not match'],
    ['error | fields _msg', 'it has a pipe'],
    ['error # not all', 'it has a pipe or a comment'],
    [' ', 'is empty'],
  ])('with "%s", which is no filter, is refused before it is asked', async (query, problem) => {
    await expect(sourceOf(query).look(window, signal)).rejects.toMatchObject({
      code: 'bad-query',
      problem: expect.stringContaining(problem),
    });
    expect(server.requests).toEqual([]);
  });

  test('takes signs in quotes for what they are', async () => {
    expect(await sourceOf('_msg:"a) | (b" or \'#\' or `"`').look(window, signal)).toMatchObject({ kind: 'counts' });
  });
});

describe('the preflight', () => {
  test('shows fresh lines', async () => {
    expect(await sourceOf().preflight(signal)).toEqual({
      evidence: '180 lines of {app="shop"} in the last 5m, of which 7 match',
    });
  });

  test('finds no line of a filter that matches nothing', async () => {
    server.answer(victoriaLogsDouble({ recent: 0, total: 0, bad: 0 })());
    await expect(sourceOf().preflight(signal)).rejects.toMatchObject({ code: 'not-found' });
  });
});
