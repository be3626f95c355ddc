import { alertsCheck } from './alerts.ts';
import { burnRateCheck } from './burn-rate.ts';
import type { CheckInput, CheckKind } from './check-kind.ts';
import { checkList } from './check-list.ts';
import { cloudWatchCheck } from './cloudwatch.ts';
import { datadogCheck } from './datadog.ts';
import { elasticsearchCheck } from './elasticsearch.ts';
import { eventsCheck } from './events.ts';
import { gitHubCheck } from './github.ts';
import { jaegerCheck } from './jaeger.ts';
import { loadCheck } from './load.ts';
import { lokiCheck } from './loki.ts';
import { podLogsCheck } from './pod-logs.ts';
import { probeCheck } from './probe.ts';
import { promqlCheck } from './promql.ts';
import { ratioCheck } from './ratio.ts';
import { victoriaLogsCheck } from './victorialogs.ts';

/** Every kind of check, in the order of the documentation. */
export const checkKinds: readonly CheckKind[] = [
  ratioCheck,
  promqlCheck,
  alertsCheck,
  burnRateCheck,
  podLogsCheck,
  eventsCheck,
  probeCheck,
  loadCheck,
  gitHubCheck,
  elasticsearchCheck,
  lokiCheck,
  victoriaLogsCheck,
  jaegerCheck,
  cloudWatchCheck,
  datadogCheck,
];

/** The checks of a gate: a YAML list of maps with `check: KIND` and its settings. */
export const gateChecks = checkList<CheckInput>(
  Object.fromEntries(checkKinds.map(({ kind, schema }) => [kind, schema])),
  { nameOf: ({ name }) => name },
);
