import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { close, listen } from '../../lab/embedded/sockets.ts';
import type { Source } from '../../src/gates/ports.ts';
import type { RemoteServer } from '../../src/remote/connection.ts';
import { cloudWatchSource } from '../../src/sources/cloudwatch.ts';
import { datadogSource } from '../../src/sources/datadog.ts';
import { elasticsearchSource } from '../../src/sources/elasticsearch/elasticsearch.ts';
import { jaegerSource } from '../../src/sources/jaeger/jaeger.ts';
import { lokiLinesSource, lokiMetricSource } from '../../src/sources/loki/loki.ts';
import { victoriaLogsSource } from '../../src/sources/victorialogs.ts';
import {
  type AskedRequest,
  type JsonAnswer,
  type JsonServer,
  startJsonServer,
  stoppedClock,
} from '../support/json-server.ts';
import {
  cloudWatchDouble,
  datadogDouble,
  elasticsearchDouble,
  jaegerDouble,
  lokiDouble,
  NOW,
  victoriaLogsDouble,
} from '../support/source-doubles.ts';

/** A source that asks a server, and how its server answers when all is well and when a part is missing. */
interface Target {
  readonly kind: string;
  readonly sourceOf: (server: RemoteServer) => Source;
  readonly whole: (request: AskedRequest) => JsonAnswer;
  readonly partial: Readonly<Record<string, (request: AskedRequest) => JsonAnswer>>;
}

const world = { clock: stoppedClock(NOW), env: {} };
const lag = 30_000;
const staleAfter = 300_000;

const elasticsearch = elasticsearchDouble({ recent: 40, total: 1_200, bad: 7 });
const loki = lokiDouble([
  ['error', '7'],
  ['{app="shop"}', '180'],
]);
const metricOfLoki = 'sum(count_over_time({app="shop"} |= "error" [1m]))';
const victoriaLogs = victoriaLogsDouble({ recent: 900, total: 180, bad: 7 });
const traced = Array.from({ length: 20 }, (_, id) => ({ id, start: NOW - 80_000 + id, error: id === 3 }));
const jaegerOf = (server: RemoteServer) => jaegerSource({ service: 'shop', lag, staleAfter }, server, world);
const cloudWatch = cloudWatchDouble('members', [
  [120, 0.5],
  [180, 0.4],
]);
const datadog = datadogDouble([
  [120, 0.5],
  [100, 0.4],
]);

const targets: readonly Target[] = [
  {
    kind: 'elasticsearch',
    sourceOf: (server) =>
      elasticsearchSource(
        { index: 'logs-*', query: 'log.level:error', timeField: '@timestamp', lag, staleAfter },
        server,
        world,
      ),
    whole: elasticsearch(),
    partial: {
      'a shard is gone': elasticsearch({ _shards: { total: 3, successful: 2, skipped: 0, failed: 1 } }),
      'the search timed out': elasticsearch({ timed_out: true }),
      'a remote cluster is gone': elasticsearch({ _clusters: { total: 2, successful: 1, skipped: 1 } }),
    },
  },
  {
    kind: 'loki, lines',
    sourceOf: (server) => lokiLinesSource({ query: '{app="shop"} |= "error"', lag, staleAfter }, server, world),
    whole: loki(),
    partial: {
      'Loki warns': loki({ warnings: ['some ingesters did not answer'] }),
      'no line arrives': lokiDouble([])(),
    },
  },
  {
    kind: 'loki, a number',
    sourceOf: (server) => lokiMetricSource({ query: metricOfLoki, lag, staleAfter }, server, world),
    whole: loki(),
    partial: { 'Loki warns': loki({ warnings: ['some ingesters did not answer'] }) },
  },
  {
    kind: 'victorialogs',
    sourceOf: (server) =>
      victoriaLogsSource({ query: 'level:error', total: '{app="shop"}', lag, staleAfter }, server, world),
    whole: victoriaLogs(),
    partial: {
      'a count is lacking': victoriaLogsDouble({ recent: 900, total: 180 })(),
      'no line arrives': victoriaLogsDouble({ recent: 0, total: 0, bad: 0 })(),
    },
  },
  {
    kind: 'jaeger',
    sourceOf: jaegerOf,
    whole: jaegerDouble(traced, 'current'),
    partial: { 'no trace arrives': jaegerDouble([], 'current') },
  },
  {
    kind: 'jaeger before 2026',
    sourceOf: jaegerOf,
    whole: jaegerDouble(traced, 'legacy'),
    partial: {
      'no trace arrives': jaegerDouble([], 'legacy'),
      'a part of the storage fails': (request) => {
        const answer = jaegerDouble(traced, 'legacy')(request);
        if (request.path !== '/api/traces' || answer === 'never') return answer;
        return { body: { ...Object(answer.body), errors: [{ code: 500, msg: 'one shard is gone' }] } };
      },
    },
  },
  {
    kind: 'cloudwatch',
    sourceOf: (server) =>
      cloudWatchSource({ of: 'SELECT MAX(Errors) FROM "AWS/Lambda"', period: 60_000, lag, staleAfter }, server, world),
    whole: cloudWatch(),
    partial: {
      'data are partial': cloudWatch({ StatusCode: 'PartialData' }),
      'there are further pages': cloudWatch({}, { NextToken: 'more' }),
      'no value arrives': cloudWatchDouble('members', [])(),
    },
  },
  {
    kind: 'datadog',
    sourceOf: (server) => datadogSource({ query: 'avg:a{*}', lag, staleAfter }, server, world),
    whole: datadog(),
    partial: {
      'the query fails with HTTP 200': datadog({ status: 'error', error: 'timed out' }),
      'no value arrives': datadogDouble([[100, null]])(),
    },
  },
];

/** Nothing that a server of the right kind says. */
const malformed: Readonly<Record<string, unknown>> = {
  'nothing at all': '',
  'an empty object': '{}',
  'an empty list': '[]',
  null: 'null',
  'a web page': '<!doctype html><html><head><title>Log in</title></head><body>x</body></html>',
  'JSON that is cut off': '{"status":"success","data":{"resultType":"vector","resu',
  'JSON of another shape': {
    status: 'success',
    data: { resultType: 'vector', result: [{ metric: {}, value: [1, 'x'] }] },
  },
  'a success without data': { status: 'success', timed_out: false, data: null, errors: null, series: [] },
};

const window = { from: NOW - 90_000, to: NOW - 30_000 };

/** The way in which a call says that nothing is known: an error or a missing answer; else what it took for data. */
async function unknownBy(call: Promise<unknown>): Promise<unknown> {
  const [outcome] = await Promise.allSettled([call]);
  if (outcome?.status === 'rejected') return 'unknown';
  const { value } = outcome ?? {};
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'missing' ? 'unknown' : value;
}

describe.each(targets)('$kind', ({ sourceOf, whole, partial }) => {
  let server: JsonServer;
  const soon = () => AbortSignal.timeout(300);
  const asks = (source: Source, signal: () => AbortSignal) => [
    unknownBy(source.preflight(signal())),
    unknownBy(source.look(window, signal())),
  ];
  const allUnknown = ['unknown', 'unknown'];

  beforeAll(async () => {
    server = await startJsonServer();
  });
  afterAll(() => server.stop());

  test('a whole answer is data', async () => {
    server.answer(whole);
    const source = sourceOf(server.reach('Server'));
    const { signal } = new AbortController();
    await expect(source.preflight(signal)).resolves.toMatchObject({ evidence: expect.any(String) });
    await expect(source.look(window, signal)).resolves.toMatchObject({
      kind: expect.stringMatching(/^(counts|values)$/),
    });
  });

  // Both wait for their deadline, with a server each.
  test.concurrent('an outage is not known', async () => {
    const gone = createServer();
    const address = `http://127.0.0.1:${await listen(gone, 0)}`;
    await close(gone);
    expect(await Promise.all(asks(sourceOf(server.reach('Server', { address })), soon))).toEqual(allUnknown);
  });

  test.concurrent('an answer that does not come is not known', async () => {
    server.answer(() => 'never');
    expect(await Promise.all(asks(sourceOf(server.reach('Server')), soon))).toEqual(allUnknown);
  });

  test.each([401, 403])('credentials that are refused by HTTP %i are named', async (status) => {
    server.answer(() => ({ status, body: { message: 'no' } }));
    const source = sourceOf(server.reach('Server'));
    const { signal } = new AbortController();
    await expect(source.preflight(signal)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(source.look(window, signal)).rejects.toMatchObject({ code: 'forbidden' });
  });

  test.each(Object.entries(malformed))('%s is not known', async (_, body) => {
    for (const status of [200, 400, 404]) {
      server.answer(() => ({ status, body }));
      const { signal } = new AbortController();
      expect(await Promise.all(asks(sourceOf(server.reach('Server')), () => signal))).toEqual(allUnknown);
    }
  });

  test.each(Object.entries(partial))('when %s, nothing is known', async (_, answer) => {
    server.answer(answer);
    const { signal } = new AbortController();
    expect(await Promise.all(asks(sourceOf(server.reach('Server')), () => signal))).toEqual(allUnknown);
  });
});
