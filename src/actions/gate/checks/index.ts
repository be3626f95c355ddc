import { alertsCheck } from './alerts.ts';
import { burnRateCheck } from './burn-rate.ts';
import type { CheckInput, CheckKind } from './check-kind.ts';
import { checkList } from './check-list.ts';
import { eventsCheck } from './events.ts';
import { podLogsCheck } from './pod-logs.ts';
import { promqlCheck } from './promql.ts';
import { ratioCheck } from './ratio.ts';

/** Every kind of check, in the order of the documentation. */
const checkKinds: readonly CheckKind[] = [
  ratioCheck,
  promqlCheck,
  alertsCheck,
  burnRateCheck,
  podLogsCheck,
  eventsCheck,
];

/** The checks of a gate: a YAML list of maps with `check: KIND` and its settings. */
export const gateChecks = checkList<CheckInput>(
  Object.fromEntries(checkKinds.map(({ kind, schema }) => [kind, schema])),
  { nameOf: ({ name }) => name },
);
