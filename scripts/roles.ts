/** The RBAC Roles of the documentation, from the same lists of rights that a run checks before its first write. */
import { KubeConfig } from '@kubernetes/client-node';
import { permissionsOf } from '../src/actions/canary/assemble.ts';
import { canaryInputs, inputList } from '../src/actions/canary/inputs.ts';
import { meterOptions, routerOptions, targetOf } from '../src/actions/canary/settings.ts';
import { rollbackRights } from '../src/actions/rollback/assemble.ts';
import { loadRollbackInputs } from '../src/actions/rollback/inputs.ts';
import { steerPermissions } from '../src/actions/steer/assemble.ts';
import { waitPermissions } from '../src/apply/wait.ts';
import { createClient } from '../src/cluster/client.ts';
import { permissionTo, renderRoles } from '../src/cluster/permissions.ts';
import { resources } from '../src/cluster/resources.ts';
import { connect } from '../src/cluster/transport.ts';
import { systemClock as clock } from '../src/core/clock.ts';
import type { Permission } from '../src/core/permission.ts';
import { parsePlan } from '../src/judge/plan-syntax.ts';
import { createLedger } from '../src/ledger/ledger.ts';
import { createMeter } from '../src/meters/index.ts';
import { createRouter } from '../src/routes/weights/index.ts';
import { derivedArms, existingArms } from '../src/workloads/arms/arms.ts';

const namespace = 'shop';
const common = { steps: '5 for 2m, 100', workload: 'deployment/checkout', image: 'checkout:2', service: 'checkout' };

/** Title → inputs of a release that needs exactly these rights. */
const releases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Istio, metrics from the pods': { ...common, route: 'virtualservice/checkout' },
  'Gateway API, Prometheus at a URL': {
    ...common,
    route: 'httproute/checkout',
    prometheus: 'https://prometheus.example',
  },
  'NGINX, Prometheus through the API server': {
    ...common,
    route: 'ingress/checkout',
    prometheus: 'k8s://monitoring/prometheus:9090',
  },
  'Traefik, metrics from the pods': { ...common, route: 'traefikservice/checkout' },
  'Pod counts (no mesh), metrics from the pods': { ...common, router: 'replicas' },
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

/** One folded section a release, and one for what is looked at where it may be. */
export function roleSections(): string {
  const required = Object.entries(releases).map(([title, given]) =>
    section(title, renderRoles(rightsOf(given).filter(({ optional }) => !optional))),
  );
  const besides = rightsOf(releases['Istio, metrics from the pods'] ?? {}).filter(({ optional }) => optional);
  return [
    ...required,
    section('Besides, to look at what else selects the pods', renderRoles(besides, 'sluice-look')),
  ].join('\n');
}

/** The Role of `actions/steer`. */
export function steerRole(): string {
  return `\`\`\`yaml\n${renderRoles(steerPermissions(namespace), 'sluice-steer')}\`\`\``;
}

/** Title → inputs of a rollback that needs exactly these rights. */
const rollbacks: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'A Deployment': { workload: 'deployment/checkout' },
  'A Deployment behind a VirtualService of Istio': {
    workload: 'deployment/checkout',
    service: 'checkout',
    route: 'virtualservice/checkout',
  },
  'A StatefulSet': { workload: 'statefulset/checkout' },
};

/** One folded section a rollback. */
export function rollbackRoleSections(): string {
  return Object.entries(rollbacks)
    .map(([title, given]) => section(title, renderRoles(rollbackRights(loadRollbackInputs(given), nowhere()))))
    .join('\n');
}

function section(title: string, yaml: string): string {
  return `<details><summary>${title}</summary>\n\n\`\`\`yaml\n${yaml}\`\`\`\n\n</details>`;
}

/** Nothing is asked of its client. */
function nowhere() {
  return { client: createClient(connect(new KubeConfig(), {})), namespace, clock };
}

/** What a release needs whose chart has the objects of an ordinary service. */
export function helmRoles(): string {
  const { service, configMap, secret, deployment, lease, ingress, horizontalPodAutoscaler, job } = resources;
  const chart = [service, configMap, deployment, ingress, horizontalPodAutoscaler, job];
  const all = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
  const workload = [{ type: deployment, namespace, name: 'checkout' }];
  const permissions = [
    ...[...chart, secret].map((type) => permissionTo(all, type, namespace)),
    permissionTo(['get', 'create', 'update', 'patch'], lease, namespace),
    ...waitPermissions(workload),
  ];
  return section('An ordinary service', renderRoles(permissions));
}

function rightsOf(given: Readonly<Record<string, string>>): Permission[] {
  // As the runner does: every input is there, those that are not given are empty.
  const inputs = canaryInputs.parse(Object.fromEntries(inputList.map(({ name }) => [name, given[name] ?? ''])));
  const loaded = { inputs, plan: parsePlan(given.steps ?? ''), config: [] };
  const { client } = nowhere();
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
