import { endingOfStatus } from '../endings/endings.ts';
import { equal, escapeRegex, like } from '../series/selector.ts';
import { type Found, portPattern } from './cluster-names.ts';
import { ARMS, metricRules, type Names, type Rule, requireName } from './rules.ts';

/**
 * https://kubernetes.github.io/ingress-nginx/user-guide/monitoring/. The label `canary` names the upstream by which a canary
 * ingress replaced the service: `NAMESPACE-SERVICE-PORT`, empty for requests that were not shifted. All Ingresses to the
 * service share that upstream, and are shifted and counted together.
 */
export function nginxRules(names: Names, { ports }: Found): Rule[][] {
  const service = requireName(names.stable.service, 'stable', 'service', 'nginx');
  const canary = requireName(names.canary.service, 'canary', 'service', 'nginx');
  const upstream = {
    stable: equal('canary', ''),
    // Only series of this Ingress and its Service begin like this, whatever the port's name is.
    canary: like(
      'canary',
      `${escapeRegex(`${names.namespace}-${canary}`)}-${portPattern(ports?.canary) ?? '[a-z0-9-]+'}`,
    ),
  };
  // A scrape with labels of these names renames the metric's own; many scrapes have a namespace, fewer a service.
  const spellings = [
    { namespace: 'namespace', service: 'service' },
    { namespace: 'exported_namespace', service: 'exported_service' },
    { namespace: 'exported_namespace', service: 'service' },
  ];
  return spellings.map((label) =>
    ARMS.flatMap((arm) => {
      const common = [equal(label.namespace, names.namespace), equal(label.service, service), upstream[arm]];
      return metricRules(arm, common, {
        requests: 'nginx_ingress_controller_requests',
        endings: [{ label: 'status', read: endingOfStatus }],
        histogram: 'nginx_ingress_controller_request_duration_seconds',
        perSecond: 1,
      });
    }),
  );
}
