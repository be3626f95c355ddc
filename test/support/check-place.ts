import type { BuiltCheck, CheckPlace } from '../../src/actions/checks/check-kind.ts';
import { gateChecks } from '../../src/actions/checks/kinds/index.ts';
import type { KubernetesClient } from '../../src/cluster/client.ts';
import { createPrometheusApi } from '../../src/meters/prometheus/api.ts';
import { reach } from '../../src/remote/connection.ts';
import type { SourceWorld } from '../../src/sources/world.ts';
import { openTarget } from '../../src/traffic/target.ts';
import { createVirtualClock } from './virtual-clock.ts';

interface PlaceFacts {
  readonly client?: KubernetesClient;
  readonly world?: Partial<SourceWorld>;
}

/** The place of checks that are built and not asked: servers have the name of their connection as host. */
export function checkPlace({ client, world: facts }: PlaceFacts = {}): CheckPlace {
  const world = { env: {}, clock: createVirtualClock(), ...facts };
  return {
    world,
    cluster() {
      if (!client) throw new Error('this place has no cluster');
      return { client, namespace: 'shop' };
    },
    prometheus: () => createPrometheusApi({ address: 'http://prometheus.example' }, world),
    server: (product, connection) => reach(product, { address: `http://${connection}.example` }, world),
    serverAt: (product, address) => reach(product, { address }, world),
    loadTarget: (to) =>
      openTarget('the service at', 'address' in to ? to : { address: `http://${to.connection}.example` }, world),
    github() {
      throw new Error('this place has no GitHub');
    },
    expand: (template) => template,
    judging: {
      alpha: 0.01,
      parts: 1,
      partLength: 60_000,
      designEffect: 1,
      mustDetect: 0.05,
      window: 300_000,
    },
  };
}

/** The only check of a list in YAML, as it is built. */
export function builtCheck(yaml: string, place: CheckPlace = checkPlace()): BuiltCheck {
  const [check, ...others] = gateChecks.schema.parse(yaml);
  if (!check || others.length > 0) throw new Error('this is not one check');
  return check.build(place);
}

/** What is wrong with a list of checks; the empty text where nothing is. */
export function checkProblem(yaml: string): string {
  const parsed = gateChecks.schema.safeParse(yaml);
  return parsed.success ? '' : parsed.error.issues.map(({ message }) => message).join('; ');
}
