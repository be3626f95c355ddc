import { createPrometheusApi } from '../../src/meters/prometheus/api.ts';
import { burnRateSource } from '../../src/sources/burn-rate.ts';
import { rateAnswers } from '../support/rate-answers.ts';
import { describeFaults } from '../support/source-faults.ts';
import { createVirtualClock } from '../support/virtual-clock.ts';

const now = Date.UTC(2026, 10, 28, 12, 30);
const world = { env: {}, clock: createVirtualClock(now) };

describeFaults({
  name: 'burn rates of Prometheus',
  now,
  source: (address) =>
    burnRateSource(
      {
        total: 'requests_total',
        part: { bad: 'failures_total' },
        budget: 0.001,
        windows: [{ short: 300_000, long: 3_600_000, above: 14.4 }],
      },
      createPrometheusApi({ address }, world),
      world,
    ),
  healthy: rateAnswers({ bad: 0.001 }, now),
});
