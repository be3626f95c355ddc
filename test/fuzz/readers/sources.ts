import fc from 'fast-check';
import { kubernetesObject } from '../../../src/cluster/schema.ts';
import { isRecord } from '../../../src/core/json.ts';
import type { Source } from '../../../src/gates/ports.ts';
import { createPrometheusApi } from '../../../src/meters/prometheus/api.ts';
import { reach } from '../../../src/remote/connection.ts';
import { alertingRulesSource } from '../../../src/sources/alerts/alerting-rules.ts';
import { alertmanagerSource } from '../../../src/sources/alerts/alertmanager.ts';
import { formatFilter, parseMatchers } from '../../../src/sources/alerts/matchers.ts';
import { burnRateSource } from '../../../src/sources/burn-rate.ts';
import { eventsSource } from '../../../src/sources/cluster/events.ts';
import { podLogsSource } from '../../../src/sources/cluster/pod-logs.ts';
import { loadSource } from '../../../src/sources/load.ts';
import { checkAssertions, probeSource } from '../../../src/sources/probe.ts';
import { requestsSource } from '../../../src/sources/requests.ts';
import { openTarget } from '../../../src/traffic/target.ts';
import { alertmanagerStatus, alertRule, gettableAlert, ruleAlert, watchdog } from '../../support/alert-answers.ts';
import { checkoutDeployment, logLine, podObject } from '../../support/pods-double.ts';
import { nearly, nearlyJson, nearlyJsonText } from '../generators.ts';
import { clock, ofText, type Reader, signal, unlessNamed } from '../reader.ts';
import { answeringServer } from '../server.ts';

const world = { env: {}, clock };
const window = { from: 1_799_999_940_000, to: 1_800_000_000_000 };
const statuses = fc.constantFrom(200, 200, 200, 302, 400, 401, 404);

/** A source whose server answers every question with one of these texts. */
function ofAnswer(name: string, bodies: readonly unknown[], make: (address: string) => Source): Reader {
  return {
    name,
    share: 0.08,
    cases: fc.record({
      status: statuses,
      bodies: fc.array(fc.oneof(nearlyJsonText(...bodies), nearly('<title>Log in</title>')), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
    async read(value) {
      const { status, bodies: given } = answerOf(value);
      const { host, answer } = await answeringServer();
      let asked = 0;
      answer(() => {
        asked += 1;
        return { status, headers: { location: 'https://login.example/' }, body: given[asked % given.length] ?? '' };
      });
      const source = make(`http://${host}`);
      await unlessNamed(() => source.preflight(signal));
      return await unlessNamed(() => source.look(window, signal));
    },
  };
}

function answerOf(value: unknown): { readonly status: number; readonly bodies: readonly string[] } {
  const { status, bodies } = Object(value);
  return { status: Number(status), bodies: Array.isArray(bodies) ? bodies.map(String) : [] };
}

const matchers = parseMatchers('service="checkout",severity=~"page|critical"');
const alertQuery = { matchers, onlyNew: true, ignore: ['Watchdog'], pending: true, heartbeat: 'Watchdog' };

const vector = (value: string) => ({
  status: 'success',
  data: { resultType: 'vector', result: [{ metric: {}, value: [1_800_000_000, value] }] },
});
const burnRates = {
  total: 'requests_total',
  part: { bad: 'failures_total' },
  budget: 0.001,
  windows: [{ short: 300_000, long: 3_600_000, above: 14.4 }],
};

const istioSeries = (code: string) => ({
  metric: {
    __name__: 'istio_requests_total',
    reporter: 'source',
    destination_workload: 'checkout',
    destination_workload_namespace: 'shop',
    response_code: code,
    pod: 'gateway-1',
  },
  values: [
    [1_799_999_930, '5'],
    [1_799_999_960.5, '9'],
    [1_799_999_990, '12'],
  ],
});

/** Objects of a cluster, the first one as what is listed, and the text of a log. */
const clusterSources: Reader = {
  name: 'pods, events and logs of a workload',
  cases: fc.record({
    item: nearlyJson(
      podObject('a', { restartCount: 2, running: 1_799_999_990_000, last: [1_799_990_000_000, 1_799_999_980_000] }),
      podObject('b', { terminated: [1_799_990_000_000, 1_799_999_990_000] }),
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'e', uid: 'e', creationTimestamp: '2027-01-15T08:00:00Z' },
        reason: 'BackOff',
        message: 'x',
        count: 3,
        series: { count: 2, lastObservedTime: '2027-01-15T08:00:00.000000Z' },
        involvedObject: { kind: 'Deployment', name: 'checkout' },
        eventTime: null,
      },
    ),
    log: nearly(
      `${logLine(1_799_990_000_000, 'starts')}${logLine(1_799_999_990_000, 'ERROR x')}`,
      'unable to retrieve',
    ),
  }),
  async read(value) {
    if (!isRecord(value)) return;
    const item = kubernetesObject.safeParse(value.item).data;
    if (!item) return;
    const client = {
      find: async () => checkoutDeployment,
      list: async () => [item],
      logSince: async () => String(value.log),
    };
    const target = { kind: 'deployment', name: 'checkout' } as const;
    const place = { client, namespace: 'shop' };
    const logs = { target, container: undefined, pattern: 'ERROR', total: undefined, acceptLost: true };
    for (const source of [podLogsSource(logs, place), eventsSource({ target, reasons: [], ignore: [] }, place)]) {
      await unlessNamed(() => source.preflight(signal));
      await unlessNamed(() => source.look(window, signal));
    }
  },
};

export const sourceReaders: readonly Reader[] = [
  ofText(
    'JSONPath of a probe',
    nearly(
      '$.checks[*].state',
      "$..['a b'][?@.ms < 50 && length(@.name) == 2]",
      '$[?(@.a == 1)][::-1]',
      '$[?match(@.a, "x")]',
    ),
    (path) => unlessNamed(() => checkAssertions([{ path, matches: path }])),
  ),
  ofAnswer('answer to a probe', [{ status: 'healthy', checks: [{ name: 'db', ms: 12 }], id: 1 }], (address) =>
    probeSource(
      {
        path: '/health',
        status: undefined,
        within: undefined,
        json: [
          { path: '$..ms', below: 50 },
          { path: '$.status', matches: '^heal' },
          { path: '$.id', equals: 1 },
        ],
      },
      reach('the service at', { address }, world),
      world,
    ),
  ),
  ofAnswer('answer to a request of our own', [{ kind: 'Status', apiVersion: 'v1', message: 'no' }, 'fine'], (address) =>
    loadSource(
      {
        requests: [
          { method: 'GET', path: '/a', headers: {}, status: undefined },
          { method: 'POST', path: '/b', headers: {}, body: '1', status: [201] },
        ],
        rate: 100,
        duration: 30,
        timeout: 5_000,
        slowerThan: 1,
        answersWith: { 'content-type': 'application/json' },
        mark: '1',
        forecast: '',
        warnings: [],
      },
      openTarget('the service at', { address }, world),
      world,
    ),
  ),
  ofText(
    'matchers of alerts',
    nearly('{service="checkout", severity=~"page|critical"}', 'a!~"x\\"y\\\\",b=c,', '"foo.bar"="x"', 'service=='),
    (text) => parseMatchers(parseMatchers(text).map(formatFilter).join(',')).map(formatFilter),
  ),
  ofAnswer(
    'answer of Alertmanager',
    [alertmanagerStatus(), [watchdog, gettableAlert({ alertname: 'A', service: 'checkout', severity: 'page' })]],
    (address) => alertmanagerSource(alertQuery, reach('Alertmanager', { address }, world), world),
  ),
  ofAnswer(
    'alert rules of Prometheus',
    [
      {
        status: 'success',
        data: {
          groups: [
            { name: 'a', interval: 30, rules: [alertRule('A', { alerts: [ruleAlert('firing')] }), alertRule('B')] },
          ],
        },
      },
    ],
    (address) => alertingRulesSource(alertQuery, createPrometheusApi({ address }, world), world),
  ),
  ofAnswer('rates of Prometheus', [vector('0.5'), vector('NaN')], (address) =>
    burnRateSource(burnRates, createPrometheusApi({ address }, world), world),
  ),
  ofAnswer(
    'requests by the metrics of Istio',
    [
      { status: 'success', data: { resultType: 'matrix', result: [istioSeries('200'), istioSeries('503')] } },
      { status: 'success', data: ['istio_requests_total', '250', '300'] },
    ],
    (address) =>
      requestsSource(
        {
          metrics: { kind: 'istio', reporter: 'source', by: 'workload' },
          names: { namespace: 'shop', stable: { workload: 'checkout' }, canary: { workload: 'checkout' } },
          arm: 'stable',
        },
        createPrometheusApi({ address }, world),
        world,
      ),
  ),
  clusterSources,
];
