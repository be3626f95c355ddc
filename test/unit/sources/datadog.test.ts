import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { datadogSource } from '../../../src/sources/datadog.ts';
import { type JsonServer, startJsonServer, stoppedClock } from '../../support/json-server.ts';
import { datadogDouble, NOW } from '../../support/source-doubles.ts';

const signal = new AbortController().signal;
const window = { from: NOW - 360_000, to: NOW - 60_000 };
const query = 'avg:trace.http.request.duration{service:shop}';
let server: JsonServer;

beforeAll(async () => {
  server = await startJsonServer();
});
beforeEach(() => {
  server.requests.length = 0;
});
afterAll(() => server.stop());

function sourceOf(headers: Record<string, string> = {}) {
  return datadogSource({ query, lag: 60_000, staleAfter: 600_000 }, server.reach('Datadog', { headers }), {
    clock: stoppedClock(NOW),
  });
}

describe('a look', () => {
  test('is the newest point whose interval is over, and that is not null', async () => {
    // The point of 70 s ago stands for the 20 s from then on, which end after the window.
    server.answer(
      datadogDouble([
        [120, 0.3],
        [100, 0.4],
        [80, null],
        [70, 9],
      ])(),
    );
    expect(await sourceOf({ 'DD-API-KEY': 'a', 'DD-APPLICATION-KEY': 'b' }).look(window, signal)).toEqual({
      kind: 'values',
      values: [{ of: '', value: 0.4, at: NOW - 80_000 }],
    });
    const [asked] = server.requests;
    expect(Object.fromEntries(asked?.parameters ?? [])).toEqual({
      from: `${(NOW - 1_260_000) / 1_000}`,
      to: `${(NOW - 60_000) / 1_000}`,
      query,
    });
    expect(asked?.headers).toMatchObject({ 'dd-api-key': 'a', 'dd-application-key': 'b' });
  });

  test.each<[string, Parameters<typeof datadogDouble>[0], object, string]>([
    ['nothing but nulls', [[100, null]], {}, 'no value of the last 10m (one point stands for 20 s)'],
    ['nothing but an old point', [[3_600, 1]], {}, 'no value of the last 10m'],
    ['no series', [], { series: [] }, 'the answer is empty'],
  ])('with %s is missing', async (_, points, change, reason) => {
    server.answer(datadogDouble(points)(change));
    expect(await sourceOf().look(window, signal)).toEqual({ kind: 'missing', reason: expect.stringContaining(reason) });
  });

  test.each<[string, object]>([
    ['an error with HTTP 200', { status: 'error', error: 'Error parsing query: unable to parse foo' }],
    ['an error beside data', { error: 'Error parsing query: unable to parse foo' }],
  ])('is %s', async (_, change) => {
    server.answer(datadogDouble([[100, 1]])(change));
    await expect(sourceOf().look(window, signal)).rejects.toMatchObject({
      code: 'bad-query',
      problem: expect.stringContaining('unable to parse foo'),
    });
  });
});

test('the preflight says what null is not', async () => {
  server.answer(datadogDouble([[100, null]])());
  await expect(sourceOf().preflight(signal)).rejects.toMatchObject({
    code: 'bad-query',
    next: expect.stringContaining('default_zero'),
  });
});

test('refused keys are told', async () => {
  server.answer(() => ({ status: 403, body: { errors: ['Forbidden'] } }));
  await expect(sourceOf().look(window, signal)).rejects.toMatchObject({
    code: 'forbidden',
    problem: expect.stringContaining('Forbidden'),
    next: expect.stringContaining('DD-APPLICATION-KEY'),
  });
});
