import { endingOfClass } from '../endings/endings.ts';
import { equal, escapeRegex, like, NAME } from '../series/selector.ts';
import { ARMS, type Names, type Rule, requireName } from './rules.ts';

/** Envoy's counters of requests without a status, one for each way in which they end. */
export const envoyGivenUp = [
  'upstream_rq_cancelled',
  'upstream_rq_tx_reset',
  'upstream_rq_pending_failure_eject',
  'upstream_cx_destroy_local_with_active_rq',
] as const;

/**
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats. The spelling depends on the
 * bootstrap. Istio's own makes the class of the status a label of `upstream_rq` (beside series of single codes, which count the
 * same requests again). Envoy's default tags make it `upstream_rq_xx`. Without a tag for Istio's cluster names, Envoy cuts
 * these at their dots, so that one half stays in the metric's name (perhaps followed by `external_` or `internal_`, which again
 * count the same requests). These are HTTP statuses, without gRPC errors. A request whose client gives up has no status: it
 * resets an HTTP/2 stream, ends an HTTP/1 connection, or leaves the queue for one.
 */
export function envoyRules(names: Names): Rule[][] {
  const spellings = [
    { root: equal, prefix: 'envoy_cluster_', label: '', requests: 'upstream_rq', classes: '.xx', whole: true },
    {
      root: equal,
      prefix: 'envoy_cluster_',
      label: 'envoy_',
      requests: 'upstream_rq_xx',
      classes: '.',
      whole: true,
    },
    {
      root: like,
      prefix: `envoy_cluster_${names.namespace.replaceAll('-', '_')}_svc_cluster_local_+`,
      label: 'envoy_',
      requests: 'upstream_rq_xx',
      classes: '.',
      whole: false,
    },
  ] as const;
  return spellings.map(({ root, prefix, label, requests, classes, whole }) =>
    ARMS.flatMap((arm): Rule[] => {
      const service = requireName(names[arm].service, arm, 'service', 'envoy');
      const start = `outbound\\|[0-9]+\\|${escapeRegex(names[arm].version ?? '')}\\|${escapeRegex(service)}`;
      const cluster = like(
        `${label}cluster_name`,
        whole ? `${start}\\.${escapeRegex(names.namespace)}\\.svc\\.[^|]*` : start,
      );
      const status = `${label}response_code_class`;
      return [
        {
          arm,
          kind: 'requests',
          selector: [root(NAME, `${prefix}${requests}`), cluster, like(status, classes)],
          perSecond: 1,
          endings: [{ label: status, read: endingOfClass }],
        },
        {
          arm,
          kind: 'requests',
          selector: [like(NAME, `${prefix}(${envoyGivenUp.join('|')})`), cluster],
          perSecond: 1,
          endings: [{ label: status, read: endingOfClass, absent: 'unanswered' }],
        },
        { arm, kind: 'bucket', selector: [root(NAME, `${prefix}upstream_rq_time_bucket`), cluster], perSecond: 1_000 },
      ];
    }),
  );
}
