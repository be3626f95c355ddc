import { createPrometheusApi } from '../../meters/prometheus/api.ts';
import { reach } from '../../remote/connection.ts';
import type { DocumentedRole, ExamplePlace } from '../../runner/define.ts';
import { openTarget } from '../../traffic/target.ts';
import type { CheckPlace } from '../checks/check-kind.ts';
import { gateChecks } from '../checks/kinds/index.ts';

/** Title → checks of a gate that needs exactly these rights. */
const gates: Readonly<Record<string, string>> = {
  'Servers through the API server (`k8s://…`)': '- {check: promql, query: max(queue_length), above: 100}',
  'Requests that pods count themselves (`http`, `opentelemetry`, `linkerd`)':
    '- {check: requests, metrics: http, workload: deployment/checkout, limit: 1%}',
  'Logs of pods': '- {check: pod-logs, workload: deployment/checkout, pattern: panic, most: 0}',
  'Requests of its own through the API server (`check: load` with `service`)':
    '- {check: load, service: "checkout:8080", requests: [GET /healthz, POST /api/orders], limit: 1%}',
  'Events of a workload': '- {check: events, workload: deployment/checkout, most: 0}',
};

export function gateRoles(example: ExamplePlace): DocumentedRole[] {
  return Object.entries(gates).map(([title, checks]) => ({
    title,
    name: 'sluice-gate',
    permissions: gateChecks.schema.parse(checks).flatMap((check) => check.build(placeOf(example)).source.permissions),
  }));
}

function placeOf({ client, namespace, clock }: ExamplePlace): CheckPlace {
  const world = { client, clock, env: {} };
  return {
    world,
    cluster: () => ({ client, namespace }),
    prometheus: () => createPrometheusApi({ address: 'k8s://monitoring/prometheus:9090' }, world),
    server: (product, name) => reach(product, { address: `k8s://monitoring/${name}:http` }, world),
    serverAt: (product, address) => reach(product, { address }, world),
    loadTarget: (to) =>
      openTarget('the service at', 'address' in to ? to : { address: `k8s://shop/${to.connection}:http` }, world),
    github: () => {
      throw new TypeError('GitHub takes no rights of a cluster');
    },
    expand: (template) => template,
    judging: { alpha: 0.01, parts: 1, partLength: 1, designEffect: 1, mustDetect: 0.05, window: 300_000 },
  };
}
