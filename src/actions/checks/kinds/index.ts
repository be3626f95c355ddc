import * as z from 'zod';
import type { CheckInput, CheckKind } from '../check-kind.ts';
import { checkList } from '../check-list.ts';
import { alertsCheck } from './alerts.ts';
import { burnRateCheck } from './burn-rate.ts';
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
import { requestsCheck } from './requests.ts';
import { victoriaLogsCheck } from './victorialogs.ts';

/** Every kind of check, in the order of the documentation. */
export const checkKinds: readonly CheckKind[] = [
  requestsCheck,
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

/** A check of a gate, with what it counts for. */
export interface GateCheckInput extends CheckInput {
  readonly onBreach: 'fail' | 'warn';
  readonly key: boolean;
  readonly weight: number;
}

/** The checks of a gate: a YAML list of maps with `check: KIND` and its settings. */
export const gateChecks = checkList<GateCheckInput>(
  Object.fromEntries(checkKinds.map(({ kind, schema }) => [kind, schema.transform(ofGate)])),
  { nameOf: ({ name }) => name },
);

function ofGate(check: CheckInput, context: z.core.$RefinementCtx<CheckInput>): GateCheckInput {
  const { onBreach = 'fail', key = false, weight = 1 } = check;
  if (onBreach === 'fail' || onBreach === 'warn') return { ...check, onBreach, key, weight };
  context.addIssue('"on-breach": must be fail or warn: a gate changes nothing');
  return z.NEVER;
}
