import type { Arm } from '../../judge/readings.ts';
import type { MeterOptions } from '../../meters/index.ts';
import type { OwnQueries } from '../../meters/queries/own-queries.ts';
import type { Queries } from '../../meters/queries/queries.ts';
import type { PerArm } from '../../runner/input-types.ts';
import { prometheusConnection } from '../checks/prometheus-inputs.ts';
import { meterOf, metricsOf } from './contradictions.ts';
import type { CanaryInputs } from './inputs.ts';
import { namesOf } from './judge-settings.ts';
import type { Place } from './router-options.ts';

/** The options of the meter; latency bounds come from the checks. */
export function meterOptions(inputs: CanaryInputs, place: Place): MeterOptions {
  if (meterOf(inputs) === 'none') return { kind: 'none' };
  const { namespace, workloads } = place;
  const common = {
    names: namesOf(inputs, place),
    queries: queriesOf(inputs),
    latencyBounds: inputs.checks.flatMap((one) => (one.check === 'latency' ? [one.bound / 1_000] : [])),
  };
  if (meterOf(inputs) === 'prometheus') {
    const selectors = { stable: workloads.stable.pods, canary: workloads.canary.pods };
    const known = selectors.stable !== '' && selectors.canary !== '';
    const connection = prometheusConnection(inputs);
    return { kind: 'prometheus', connection, ...common, ...(known && { pods: { namespace, selectors } }) };
  }
  const { 'metrics-port': port, 'metrics-path': path, 'metrics-from': from } = inputs;
  const source =
    from?.kind === 'gateway'
      ? { kind: 'gateway' as const, namespace: from.namespace ?? namespace, selector: from.selector }
      : { kind: 'arms' as const, stable: workloads.stable.pods, canary: workloads.canary.pods };
  return { kind: 'pods', ...common, source, ...(port !== undefined && { port }), ...(path !== undefined && { path }) };
}

function queriesOf(inputs: CanaryInputs): Queries {
  const metrics = metricsOf(inputs);
  switch (metrics) {
    case undefined:
      return { kind: 'own', ...ownQueriesOf(inputs) };
    case 'istio':
      return { kind: 'istio', reporter: inputs['istio-reporter'] ?? 'source', by: 'workload' };
    default:
      return { kind: metrics };
  }
}

function ownQueriesOf(inputs: CanaryInputs): OwnQueries {
  const { 'query-requests': requests = '', 'query-errors': errors = '', 'query-latency': latency } = inputs;
  const of = (arm: Arm) => {
    const pick = (query: PerArm) => (typeof query === 'string' ? query : query[arm]);
    return { requests: pick(requests), errors: pick(errors), ...(latency !== undefined && { latency: pick(latency) }) };
  };
  return { stable: of('stable'), canary: of('canary') };
}
