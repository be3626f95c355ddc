import type { Permission } from '../../core/permission.ts';
import { parsePlan } from '../../judge/plan-syntax.ts';
import { createLedger } from '../../ledger/ledger.ts';
import { createMeter } from '../../meters/index.ts';
import { createRouter } from '../../routes/weights/index.ts';
import type { DocumentedRole, ExamplePlace } from '../../runner/define.ts';
import { derivedArms, existingArms } from '../../workloads/arms/arms.ts';
import { permissionsOf } from './assemble.ts';
import { canaryInputs, inputList } from './inputs.ts';
import { meterOptions } from './meter-options.ts';
import { targetOf } from './rollout-settings.ts';
import { routerOptions } from './router-options.ts';

const ordinary = { steps: '5 for 2m, 100', workload: 'deployment/checkout', image: 'checkout:2', service: 'checkout' };

/** Title → inputs of a release that needs exactly these rights. */
const releases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Istio, metrics from the pods': { ...ordinary, route: 'virtualservice/checkout' },
  'Gateway API, Prometheus at a URL': {
    ...ordinary,
    route: 'httproute/checkout',
    prometheus: 'https://prometheus.example',
  },
  'NGINX, Prometheus through the API server': {
    ...ordinary,
    route: 'ingress/checkout',
    prometheus: 'k8s://monitoring/prometheus:9090',
  },
  'Traefik, metrics from the pods': { ...ordinary, route: 'traefikservice/checkout' },
  'Pod counts (no mesh), metrics from the pods': { ...ordinary, router: 'replicas' },
  'Two workloads that exist, Istio subsets, Prometheus at a URL': {
    steps: '5 for 2m, 100',
    stable: 'deployment/checkout-v1',
    canary: 'deployment/checkout-v2',
    service: 'checkout',
    'stable-subset': 'v1',
    'canary-subset': 'v2',
    route: 'virtualservice/checkout',
    prometheus: 'https://prometheus.example',
  },
};

/** One Role per kind of release, and one for the optional reads. */
export function canaryRoles(place: ExamplePlace): DocumentedRole[] {
  const required = Object.entries(releases).map(([title, given]) => ({
    title,
    permissions: rightsOf(given, place).filter(({ optional }) => !optional),
  }));
  const besides = rightsOf(releases['Istio, metrics from the pods'] ?? {}, place).filter(({ optional }) => optional);
  const title = 'Besides, to look at what else selects the pods';
  return [...required, { title, name: 'sluice-look', permissions: besides }];
}

function rightsOf(given: Readonly<Record<string, string>>, { client, namespace, clock }: ExamplePlace): Permission[] {
  // Fills in the inputs as the runner does: each is present, and empty where it is not given.
  const inputs = canaryInputs.parse(Object.fromEntries(inputList.map(({ name }) => [name, given[name] ?? ''])));
  const loaded = { inputs, plan: parsePlan(given.steps ?? ''), config: [], shared: [] };
  const signal = new AbortController().signal;
  const arms = { client, namespace, clock, rollout: 'checkout', drain: 0, lifetime: signal };
  const target = targetOf(loaded, namespace);
  const pods = { kind: 'Deployment', name: 'checkout', pods: 'app=checkout' } as const;
  const place = { namespace, workloads: { stable: pods, canary: { ...pods, name: 'checkout-canary' } } };
  const holder = { identity: 'docs', description: 'docs' };
  return permissionsOf({
    router: createRouter(routerOptions(inputs, place), client, { clock }),
    meter: createMeter(meterOptions(inputs, place), { client, clock, env: {}, signal }),
    arms: target.kind === 'existing' ? existingArms(arms, target.workloads) : derivedArms(arms, target.release),
    ledger: createLedger({ client, namespace, rollout: 'checkout', holder, clock, version: '', nonce: () => '' }),
  });
}
