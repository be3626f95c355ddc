import fc from 'fast-check';
import type { Clock } from '../../../src/core/clock.ts';
import { isRecord } from '../../../src/core/json.ts';
import type { Source } from '../../../src/gates/ports.ts';
import { type RemoteServer, reach } from '../../../src/remote/connection.ts';
import { cloudWatchSource } from '../../../src/sources/cloudwatch.ts';
import { datadogSource } from '../../../src/sources/datadog.ts';
import { elasticsearchSource } from '../../../src/sources/elasticsearch/elasticsearch.ts';
import { namedFields } from '../../../src/sources/elasticsearch/fields.ts';
import { jaegerSource } from '../../../src/sources/jaeger/jaeger.ts';
import { lokiLinesSource, lokiMetricSource } from '../../../src/sources/loki/loki.ts';
import { streamSelectors } from '../../../src/sources/loki/streams.ts';
import { victoriaLogsSource } from '../../../src/sources/victorialogs.ts';
import {
  type AnswerOfDouble,
  cloudWatchDouble,
  datadogDouble,
  elasticsearchDouble,
  jaegerDouble,
  lokiDouble,
  NOW,
  victoriaLogsDouble,
} from '../../support/source-doubles.ts';
import { nearly, nearlyJson, nearlyJsonText } from '../generators.ts';
import { ofText, type Reader, signal, unlessNamed } from '../reader.ts';
import { answeringServer } from '../server.ts';

const clock: Clock = { now: () => NOW, sleep: async () => undefined };
const times = { lag: 30_000, staleAfter: 300_000 };
const window = { from: NOW - 90_000, to: NOW - 30_000 };

type Answers = (path: string) => string;

/** What a double answers, as text. */
function bodies(double: AnswerOfDouble): Answers {
  return (url) => {
    const { pathname: path, searchParams: parameters } = new URL(url, 'http://localhost');
    const answer = double({ url, path, parameters, headers: {} });
    return answer === 'never' ? '' : JSON.stringify(answer.body);
  };
}

/** A source whose server answers all but the first questions with something near to what it should be. */
function reader(
  kind: string,
  sourceOf: (server: RemoteServer) => Source,
  double: AnswerOfDouble,
  paths: string[],
): Reader {
  const whole = bodies(double);
  const samples = paths.map((path) => JSON.parse(whole(path)));
  return {
    name: `answer of ${kind}`,
    share: 0.03,
    cases: fc.record({
      /** Questions that are answered as they should be. */
      right: fc.integer({ min: 0, max: 3 }),
      status: fc.constantFrom(200, 200, 200, 400, 403, 404),
      body: fc.oneof(nearlyJsonText(...samples), nearly('<html><head><title>Log in</title></head>', 'no org id')),
    }),
    async read(value) {
      if (!isRecord(value)) return;
      const { host, answer } = await answeringServer();
      const source = sourceOf(reach(kind, { address: `http://${host}` }, { env: {} }));
      let asked = 0;
      answer((path) => {
        asked += 1;
        const isRight = asked <= Number(value.right);
        return isRight
          ? { status: 200, headers: {}, body: whole(path) }
          : { status: Number(value.status), headers: {}, body: String(value.body) };
      });
      await unlessNamed(() => source.preflight(signal));
      asked = 0;
      await unlessNamed(() => source.look(window, signal));
    },
  };
}

const errors = { query: '{app="shop"} |= "error"', ...times };
const requests = Array.from({ length: 3 }, (_, id) => ({ id, start: NOW - 80_000 + id, error: id === 1 }));
const time = new Date(NOW).toISOString();
const loki = lokiDouble([
  ['error', '7'],
  ['{app="shop"}', '180'],
])();

export const queriedSourceReaders: readonly Reader[] = [
  reader(
    'Elasticsearch',
    (server) =>
      elasticsearchSource({ index: 'logs-*', query: 'log.level:error', timeField: '@timestamp', ...times }, server, {
        clock,
      }),
    elasticsearchDouble({ recent: 40, total: 1_200, bad: 7 })(),
    ['/logs/_field_caps?fields=*', '/logs/_search'],
  ),
  reader('Loki', (server) => lokiLinesSource(errors, server, { clock }), loki, [
    '/loki/api/v1/query?query=error',
    '/loki/api/v1/series?match[]={app="shop"}',
  ]),
  reader('Loki for a number', (server) => lokiMetricSource(errors, server, { clock }), loki, [
    '/loki/api/v1/query?query=error',
  ]),
  reader(
    'VictoriaLogs',
    (server) => victoriaLogsSource({ query: 'level:error', total: '*', ...times }, server, { clock }),
    victoriaLogsDouble({ recent: 900, total: 180, bad: 7 })(),
    ['/select/logsql/stats_query'],
  ),
  reader(
    'Jaeger',
    (server) => jaegerSource({ service: 'shop', ...times }, server, { clock }),
    jaegerDouble(requests, 'current'),
    [
      `/api/v3/traces?query.start_time_min=2026-01-01T00:00:00Z&query.start_time_max=${time}&query.num_traces=9`,
      '/api/v3/services',
    ],
  ),
  reader(
    'Jaeger before 2026',
    (server) => jaegerSource({ service: 'shop', ...times }, server, { clock }),
    jaegerDouble(requests, 'legacy'),
    [`/api/traces?start=0&end=${NOW}000&limit=9`, '/api/services'],
  ),
  reader(
    'CloudWatch',
    (server) => cloudWatchSource({ of: 'SUM(SEARCH(x))', period: 60_000, ...times }, server, { clock }),
    cloudWatchDouble('members', [[120, 0.5]])(),
    ['/?Action=GetMetricData'],
  ),
  reader(
    'Datadog',
    (server) => datadogSource({ query: 'avg:a{*}', ...times }, server, { clock }),
    datadogDouble([[120, 1]])(),
    ['/api/v1/query'],
  ),
  ofText('query of Lucene', nearly('level:error AND (path:"/a:b" OR _exists_:x) -a\\ b:/c:d/'), (text) =>
    namedFields(text),
  ),
  ofText('query of LogQL', nearly('sum(rate({app="{x}"} |= `}` | json [1m])) # {a="b"}'), (text) =>
    streamSelectors(text),
  ),
  {
    name: 'clause of Elasticsearch',
    cases: nearlyJson({
      bool: {
        must: [{ term: { a: 'b' } }, { query_string: { query: 'a:b', fields: ['c^2'] } }],
        filter: { exists: { field: 'd' } },
      },
    }),
    read: (value) => (isRecord(value) ? namedFields(value) : undefined),
  },
];
