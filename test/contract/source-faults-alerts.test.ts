import { createPrometheusApi } from '../../src/meters/prometheus/api.ts';
import { reach } from '../../src/remote/connection.ts';
import { alertingRulesSource } from '../../src/sources/alerts/alerting-rules.ts';
import { alertmanagerSource } from '../../src/sources/alerts/alertmanager.ts';
import { alertmanagerAnswers, alertNow, ruleAnswers } from '../support/alert-answers.ts';
import { describeFaults } from '../support/source-faults.ts';
import { createVirtualClock } from '../support/virtual-clock.ts';

const world = { env: {}, clock: createVirtualClock(alertNow) };
const query = {
  matchers: [{ label: 'service', op: '=', value: 'checkout' }],
  onlyNew: false,
  ignore: [],
  heartbeat: undefined,
  pending: false,
} as const;

describeFaults({
  name: 'Alertmanager',
  now: alertNow,
  source: (address) => alertmanagerSource(query, reach('Alertmanager', { address }, world), world),
  healthy: alertmanagerAnswers(),
});

describeFaults({
  name: 'alert rules of Prometheus',
  now: alertNow,
  source: (address) => alertingRulesSource(query, createPrometheusApi({ address }, world), world),
  healthy: ruleAnswers(),
});
