import fc from 'fast-check';
import type { Source } from '../../../src/gates/ports.ts';
import { createPrometheusApi } from '../../../src/meters/prometheus/api.ts';
import { reach } from '../../../src/remote/connection.ts';
import { alertingRulesSource } from '../../../src/sources/alerts/alerting-rules.ts';
import { alertmanagerSource } from '../../../src/sources/alerts/alertmanager.ts';
import { formatFilter, parseMatchers } from '../../../src/sources/alerts/matchers.ts';
import { alertmanagerStatus, alertRule, gettableAlert, ruleAlert, watchdog } from '../../support/alert-answers.ts';
import { nearly, nearlyJsonText } from '../generators.ts';
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

export const sourceReaders: readonly Reader[] = [
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
];
