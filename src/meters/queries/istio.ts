import { endingOfFlags, endingOfGrpc, endingOfStatus } from '../endings/endings.ts';
import { equal } from '../series/selector.ts';
import type { DefaultQueries } from './default-queries.ts';
import { ARMS, metricRules, type Names, type Rule, requireName } from './rules.ts';

/** https://istio.io/latest/docs/reference/config/metrics/ */
export function istioRules(queries: Extract<DefaultQueries, { kind: 'istio' }>, names: Names): Rule[] {
  return ARMS.flatMap((arm) => {
    const one = names[arm];
    const destination =
      queries.by === 'workload'
        ? [equal('destination_workload', one.workload), equal('destination_workload_namespace', names.namespace)]
        : [
            equal('destination_service_name', requireName(one.service, arm, 'service', 'istio')),
            equal('destination_service_namespace', names.namespace),
            equal('destination_version', requireName(one.version, arm, 'version', 'istio')),
          ];
    const common = [equal('reporter', queries.reporter), ...destination];
    return metricRules(arm, common, {
      requests: 'istio_requests_total',
      endings: [
        { label: 'response_code', read: endingOfStatus },
        { label: 'grpc_response_status', read: endingOfGrpc },
        { label: 'response_flags', read: endingOfFlags },
      ],
      histogram: 'istio_request_duration_milliseconds',
      perSecond: 1_000,
    });
  });
}
