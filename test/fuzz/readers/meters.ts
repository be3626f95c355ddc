// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of queries
import fc from 'fast-check';
import { kubernetesObject } from '../../../src/cluster/schema.ts';
import { isRecord } from '../../../src/core/json.ts';
import { requireErrors } from '../../../src/meters/counting/require-errors.ts';
import { endingOf, endingOfGrpc, endingOfStatus } from '../../../src/meters/endings/endings.ts';
import { canPick, failurePattern } from '../../../src/meters/endings/status-forms.ts';
import { ownTraffic } from '../../../src/meters/own/own-paths.ts';
import { parseExposition } from '../../../src/meters/pods/exposition.ts';
import { meteredPod } from '../../../src/meters/pods/metrics-endpoint.ts';
import { gaugeOf, seriesOf, singleValue } from '../../../src/meters/prometheus/answers.ts';
import { createPrometheusApi } from '../../../src/meters/prometheus/api.ts';
import { explainRefusal } from '../../../src/meters/prometheus/server-words.ts';
import { expand, ownQueries } from '../../../src/meters/queries/own-queries.ts';
import { parseExpression, refusePadding } from '../../../src/meters/queries/promql.ts';
import { createFilter, equal, format, like, NAME, union } from '../../../src/meters/series/selector.ts';
import { parseAddress } from '../../../src/remote/connection.ts';
import { wordsOf } from '../../../src/remote/refusal.ts';
import { nearly, nearlyJson, nearlyJsonText } from '../generators.ts';
import { ofText, type Reader, signal, unlessNamed } from '../reader.ts';
import { pod } from '../samples.ts';
import { answeringServer } from '../server.ts';

const metric = { __name__: 'http_requests_total', code: '200', pod: 'checkout-1' };
const samples: [number, string][] = [
  [1_800_000_000, '1'],
  [1_800_000_015.5, '+Inf'],
];

const prometheus: Reader = {
  name: 'answer of Prometheus',
  share: 0.08,
  cases: fc.record({
    status: fc.constantFrom(200, 200, 200, 301, 400, 401, 403, 404, 422),
    location: nearly('https://login.example/x?token=abc'),
    body: fc.oneof(
      nearlyJsonText(
        { status: 'success', data: { resultType: 'matrix', result: [{ metric, values: samples }] }, warnings: ['x'] },
        {
          status: 'success',
          data: { resultType: 'vector', result: [{ metric, value: samples[0] }] },
          infos: ['PromQL info: x'],
        },
        { status: 'success', data: { resultType: 'scalar', result: samples[0] } },
        { status: 'success', data: ['a', 'b'] },
        { status: 'success', data: [metric] },
        { status: 'error', errorType: 'bad_data', error: 'parse error at char 1' },
      ),
      nearly('<html><head><title>Log in</title></head>', 'no org id'),
    ),
  }),
  async read(value) {
    if (!isRecord(value)) return;
    const { host, answer } = await answeringServer();
    answer(() => ({
      status: Number(value.status),
      headers: { location: String(value.location), 'content-type': 'application/json' },
      body: String(value.body),
    }));
    const api = createPrometheusApi({ address: `http://${host}` }, { env: {} });
    await unlessNamed(async () => {
      const { data } = await api.query('up', signal);
      seriesOf(data);
      singleValue(data);
      gaugeOf(data, [singleValue(data)], 1_000);
    });
    await unlessNamed(() => api.series('up', 1, signal));
    await unlessNamed(() => api.labelValues('code', 'up', 1, signal));
  },
};

const names = { namespace: 'shop', stable: { workload: 'a', service: 'a' }, canary: { workload: 'b', service: 'b' } };

export const meterReaders: readonly Reader[] = [
  ofText(
    'metrics page',
    nearly(
      '# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\nhttp_requests_total{code="200",path="/a\\"b"} 1027 1395066363000\n',
      '# TYPE cart counter\ncart_total{code="5xx",le="+Inf"} 3.0e+2 # {trace_id="abc"} 1 1.5\n# EOF\n',
      '{"http.requests",code="200"} 12\n',
    ),
    (text) => [parseExposition(text, () => true), parseExposition(text, (name) => name === 'cart_total')],
  ),
  ofText(
    'PromQL',
    nearly(
      'sum(rate(http_requests_total{code=~"5..",job!="x"}[1m])) by (pod)',
      'istio_requests_total{destination_workload="checkout"} offset 5m',
      'histogram_quantile(0.99, sum by (le) (a_bucket)) or vector(0)',
    ),
    async (text) => refusePadding(await parseExpression(text, 'query'), text, 'query'),
  ),
  ofText(
    'queries of a user',
    nearly('http_requests_total{pod=~"${workload}-.*",code=~"5.."}', 'a{x="${arm}"} or vector(0)', '{__name__=~"a.*"}'),
    async (text) => {
      expand(text, 'canary', names);
      const queries = { requests: text, errors: text };
      return ownQueries(queries, names, 'prometheus', {});
    },
  ),
  ofText(
    'pattern of a selector',
    nearly('(/?[a-z]+)+', '5..|2[0-9]{2}', '(a|a)*b', '(?i)x', '[[:alpha:]]+\\pL'),
    (pattern) => {
      const selector = [equal(NAME, 'a'), like('path', pattern)];
      format(union([selector, [equal(NAME, 'a'), equal('path', '/x')]]));
      return createFilter(selector)({ [NAME]: 'a', path: `${'a'.repeat(60)}!` });
    },
  ),
  ofText(
    'value of a label',
    nearly('500', '5xx', 'Internal Server Error', 'DEADLINE_EXCEEDED', 'success', '1e2'),
    async (value) => {
      endingOf({ code: value }, []);
      endingOfStatus(value);
      endingOfGrpc(value);
      const pattern = failurePattern('code', [value, '200']);
      canPick({ label: 'code', op: '=~', value: pattern ?? '5..' }, [value]);
      createFilter([like('code', '(/?[a-z]+)+')])({ code: value });
      const rule = { arm: 'stable' as const, perSecond: 1 as const, selector: [equal(NAME, 'a'), like('code', '5..')] };
      const catalog = {
        about: 'x',
        metricNames: async () => ['a'],
        series: async () => [{ [NAME]: 'a', code: value }],
      };
      const rules = [
        { ...rule, kind: 'errors' as const },
        { ...rule, kind: 'requests' as const, selector: [equal(NAME, 'a')] },
      ];
      await requireErrors(rules, [{ [NAME]: 'a', code: value }], catalog);
    },
  ),
  prometheus,
  ofText(
    'refusal of Prometheus',
    nearly('{"status":"error","error":"x"}', '[{"error":{"message":"a"}}]', '<title>x</title>'),
    (body) => {
      wordsOf(body);
      return [200, 302, 401, 404].map((status) =>
        explainRefusal(`Prometheus ${body}`, { status, body, location: body }, body),
      );
    },
  ),
  ofText(
    'address of Prometheus',
    nearly('k8s://monitoring/https:prometheus:9090/select/0', 'https://a.example/p//', 'http://u:p@a'),
    (text) => parseAddress(text, 'Prometheus'),
  ),
  {
    name: 'pod that is asked for metrics',
    cases: nearlyJson(pod),
    read(value) {
      const object = kubernetesObject.safeParse(value).data;
      if (!object) return undefined;
      return [meteredPod(object, {}, '/metrics'), ownTraffic(object, '/metrics')];
    },
  },
];
