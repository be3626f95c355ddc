import { afterEach, describe, expect, it } from 'vitest';
import type { Look, Window } from '../../../src/judge/looks/look.ts';
import { createPrometheusApi } from '../../../src/meters/prometheus/api.ts';
import { checkExpression, promqlSource } from '../../../src/sources/promql.ts';
import { ratioSource } from '../../../src/sources/ratio.ts';
import { type Answer, type Asked, startAnswering } from '../../support/answering-server.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

const now = Date.UTC(2026, 0, 1);
const signal = new AbortController().signal;
const window: Window = { from: now - 120_000, to: now };
const total = 'requests_total{app="shop"}';
const bad = 'requests_total{app="shop",code=~"5.."}';

const data = (content: unknown, warnings?: string[]): Answer => ({
  body: { status: 'success', data: content, warnings },
});
const matrix = (...result: unknown[]) => data({ resultType: 'matrix', result });
const vector = (...values: [Record<string, string>, string][]) =>
  data({ resultType: 'vector', result: values.map(([metric, value]) => ({ metric, value: [now / 1_000, value] })) });
/** Points are [seconds before now, value]. */
const series = (labels: Record<string, string>, ...points: [number, number][]) => ({
  metric: { __name__: 'requests_total', app: 'shop', instance: '10.0.0.1:80', job: 'shop', ...labels },
  values: points.map(([age, value]) => [now / 1_000 - age, String(value)]),
});

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function apiOf(answer: (asked: Asked) => Answer) {
  const server = await startAnswering(answer);
  closing.push(server.stop);
  const world = { env: {}, clock: createVirtualClock(now) };
  return { ...server, world, api: createPrometheusApi({ address: server.address }, world) };
}

async function ratioOf(answer: (asked: Asked) => Answer, part: { bad: string } | { good: string } = { bad }) {
  const { api, world, ...server } = await apiOf(answer);
  return { ...server, source: ratioSource({ total, part }, api, world) };
}

const counts = async (answer: Answer, given = window): Promise<Look> =>
  (await ratioOf(() => answer)).source.look(given, signal);

describe('a ratio', () => {
  it('counts between the two ends of the window, from raw samples in one request', async () => {
    const ok = series({ code: '200' }, [150, 900], [120, 1_000], [60, 1_400], [0, 2_000]);
    const failed = series({ code: '500' }, [150, 2], [120, 3], [60, 5], [0, 13]);
    const { source, asked } = await ratioOf(() => matrix(ok, failed));
    expect(await source.look(window, signal)).toMatchObject({ kind: 'counts', total: 1_010, bad: 10 });
    expect(asked.map(({ parameters }) => [parameters.get('query'), parameters.get('time')])).toEqual([
      ['requests_total{app="shop"}[420s]', String(now / 1_000)],
    ]);
  });

  it('counts the first error of a series that appears', async () => {
    const ok = series({ code: '200' }, [150, 900], [120, 1_000], [60, 1_400], [0, 2_000]);
    const failed = series({ code: '500' }, [60, 1], [0, 4]);
    expect(await counts(matrix(ok, failed))).toMatchObject({ total: 1_004, bad: 4 });
  });

  it('takes an error series that does not exist as 0, and says so', async () => {
    const ok = series({ code: '200' }, [150, 900], [120, 1_000], [0, 2_000]);
    expect(await counts(matrix(ok))).toEqual({
      kind: 'counts',
      total: 1_000,
      bad: 0,
      notes: [`${bad} has no series: taken as 0, as ${total} is counted.`],
    });
  });

  it('counts good ones by what is left', async () => {
    const ok = series({ code: '200' }, [120, 1_000], [0, 1_900]);
    const failed = series({ code: '500' }, [120, 0], [0, 100]);
    const { source } = await ratioOf(() => matrix(ok, failed), { good: 'requests_total{app="shop",code="200"}' });
    expect(await source.look(window, signal)).toMatchObject({ total: 1_000, bad: 100 });
  });

  it.each<[string, Answer, string]>([
    ['no series', matrix(), 'has no series'],
    [
      'old measurements',
      matrix(series({ code: '200' }, [400, 1], [380, 2], [360, 3])),
      'was last measured 360 s before',
    ],
    [
      'a partial answer',
      data({ resultType: 'matrix', result: [series({ code: '200' }, [60, 1], [0, 2])] }, ['store down']),
      'partial: store down',
    ],
  ])('of %s is missing', async (_, answer, reason) => {
    expect(await counts(answer)).toMatchObject({ kind: 'missing', reason: expect.stringContaining(reason) });
  });

  it('refuses before the first look a counter that does not exist, with what does', async () => {
    const { source } = await ratioOf(({ path }) =>
      path.includes('values') ? data(['request_total', 'up']) : matrix(),
    );
    await expect(source.preflight(signal)).rejects.toThrow(
      /has no metric requests_total. Similar ones are request_total/,
    );
  });

  it('warns of an error counter that nobody has seen', async () => {
    const ok = series({ code: '200' }, [60, 1], [30, 2], [0, 3]);
    const { source } = await ratioOf(({ path }) => (path.includes('values') ? data(['requests_total']) : matrix(ok)), {
      bad: 'errors_total{app="shop"}',
    });
    expect((await source.preflight(signal)).warnings).toEqual([
      'errors_total{app="shop"} does not exist yet: it counts as 0 until its first series appears. Check its name.',
    ]);
  });

  it.each([
    [total, total, 'picks the same series'],
    ['rate(requests_total[5m])', bad, 'uses rate()'],
    [total, 'requests_total{', 'is not valid PromQL'],
  ])('refuses %s with %s', async (all, part, problem) => {
    const { api, world } = await apiOf(() => matrix());
    await expect(ratioSource({ total: all, part: { bad: part } }, api, world).look(window, signal)).rejects.toThrow(
      problem,
    );
  });
});

describe('a PromQL expression', () => {
  const look = async (answer: (query: string) => Answer, query = 'max(queue)') => {
    const { api, world } = await apiOf(({ parameters }) => answer(parameters.get('query') ?? ''));
    return promqlSource(query, api, world).look(window, signal);
  };
  const measured = (age: number) => vector([{}, String(now / 1_000 - age)]);
  const isAge = (query: string) => query.startsWith('max(timestamp');

  it('gives its value, as old as what it is made of', async () => {
    expect(await look((query) => (isAge(query) ? measured(10) : vector([{}, '7'])))).toEqual({
      kind: 'values',
      values: [{ of: '', value: 7, at: now - 10_000 }],
    });
  });

  it('gives each of several series with its labels', async () => {
    const answer = await look((query) =>
      isAge(query) ? measured(0) : vector([{ pod: 'a' }, '1'], [{ pod: 'b' }, '2']),
    );
    expect(answer).toMatchObject({
      values: [
        { of: 'pod=a', value: 1 },
        { of: 'pod=b', value: 2 },
      ],
    });
  });

  it.each<[string, (query: string) => Answer]>([
    ['nothing', () => vector()],
    ['no number', (query) => (isAge(query) ? measured(0) : vector([{}, 'NaN']))],
    [
      'one of several that is none',
      (query) => (isAge(query) ? measured(0) : vector([{ a: '1' }, '1'], [{ a: '2' }, '+Inf'])),
    ],
    ['an old value', (query) => (isAge(query) ? measured(200) : vector([{}, '7']))],
    [
      'too many series',
      (query) =>
        isAge(query)
          ? measured(0)
          : vector(...Array.from({ length: 101 }, (_, n): [Record<string, string>, string] => [{ n: `${n}` }, '1'])),
    ],
    ['Infinity', (query) => (isAge(query) ? measured(0) : vector([{}, '+Inf']))],
    ['partial', () => data({ resultType: 'scalar', result: [1, '1'] }, ['a store is away'])],
    [
      'partial, as VictoriaMetrics says it',
      () => ({ body: { status: 'success', isPartial: true, data: { resultType: 'scalar', result: [1, '1'] } } }),
    ],
    [
      'of an age that is known in part',
      (query) =>
        isAge(query)
          ? data({ resultType: 'vector', result: [{ metric: {}, value: [now / 1_000, '1'] }] }, ['no store'])
          : vector([{}, '1']),
    ],
    ['a text', () => data({ resultType: 'string', result: [1, 'x'] })],
    ['a range of values', () => matrix(series({}, [10, 1], [0, 2]))],
  ])('is missing where the answer is %s', async (_, answer) => {
    expect(await look(answer)).toMatchObject({ kind: 'missing' });
  });

  it('is a number with a remark on its query', async () => {
    const warnings = ['PromQL info: metric might not be a counter'];
    const answer = await look(() => data({ resultType: 'scalar', result: [now / 1_000, '3'] }, warnings), '1 + 2');
    expect(answer).toMatchObject({ values: [{ value: 3 }] });
  });

  it('asks for the age of every metric that tells of the present', async () => {
    const asked: string[] = [];
    await look((query) => {
      asked.push(query);
      return vector([{}, '1']);
    }, 'a / b - rate(c[5m]) + (a offset 1d)');
    expect(asked.slice(1).toSorted()).toEqual(['a', 'b', 'c'].map((selector) => `max(timestamp(${selector}))`));
  });

  it.each([
    ['sum(gauge', 'is not valid PromQL'],
    ['gauge or vector(0)', 'is padded by "or vector(0)"'],
    ['gaug', 'no metric gaug'],
  ])('refuses %s before the first look', async (query, problem) => {
    const { api, world } = await apiOf(({ path }) => (path.endsWith('/values') ? data(['gauge']) : vector([{}, '1'])));
    const asked = async () => {
      await checkExpression(query, 'query');
      await promqlSource(query, api, world).preflight(signal);
    };
    await expect(asked()).rejects.toMatchObject({ code: 'bad-query', message: expect.stringContaining(problem) });
  });
});
