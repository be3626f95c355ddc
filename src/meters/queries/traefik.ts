import { endingOfStatus } from '../endings/endings.ts';
import { escapeRegex, like } from '../series/selector.ts';
import { type Found, portPattern } from './cluster-names.ts';
import { ARMS, metricRules, type Names, type Rule, requireName } from './rules.ts';

/**
 * https://doc.traefik.io/traefik/observability/metrics/overview/. A service is named `NAMESPACE-SERVICE-PORT@PROVIDER`, with
 * several hyphens reduced to one, whether an Ingress, a TraefikService or an HTTPRoute refers to it.
 */
export function traefikRules(names: Names, { ports }: Found): Rule[][] {
  return ['service', 'exported_service'].map((label) =>
    ARMS.flatMap((arm) => {
      const service = requireName(names[arm].service, arm, 'service', 'traefik');
      const start = `${names.namespace}-${service}`.replace(/-+/g, '-');
      return metricRules(
        arm,
        [like(label, `${escapeRegex(start)}-${portPattern(ports?.[arm]) ?? '[^-@]+'}@kubernetes.*`)],
        {
          requests: 'traefik_service_requests_total',
          endings: [{ label: 'code', read: endingOfStatus }],
          histogram: 'traefik_service_request_duration_seconds',
          perSecond: 1,
        },
      );
    }),
  );
}
