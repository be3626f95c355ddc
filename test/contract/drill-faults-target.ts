import { createClient } from '../../src/cluster/client.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { FaultWorld } from '../../src/drills/faults/world.ts';
import type { Effect, Fault } from '../../src/drills/ports.ts';
import { create, deployment, deployments, eventually, pods, target, workload } from './api-server-target.ts';

/** The world of a drill on the target. */
export const client = createClient(target.connection);
export const world: FaultWorld = {
  client,
  clock: systemClock,
  drill: 'nightly',
  run: 'owner/repo#1',
  random: () => 0.5,
};
export const signal = new AbortController().signal;
export const { namespace } = target;

/** A Deployment with a Service, whose pods are ready. */
export async function serve(name: string, replicas: number, podSpec: object = {}): Promise<void> {
  const containers = [{ name: 'app', image: target.has.image, ports: [{ containerPort: 8080 }] }];
  const manifest = deployment(name, { replicas }, containers);
  const { template } = manifest.spec;
  const spec = { ...manifest.spec, template: { ...template, spec: { ...template.spec, ...podSpec } } };
  await create(deployments(), { ...manifest, spec });
  await create(`/api/v1/namespaces/${namespace}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
  });
  await eventually(deployments(name), (_, body) => workload.parse(body).status?.availableReplicas === replicas);
}

export async function protect(name: string, spec: object): Promise<void> {
  const budgets = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
  const selector = { matchLabels: { app: name } };
  await create(budgets, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name },
    spec: { selector, ...spec },
  });
  await eventually(`${budgets}/${name}`, (_, body) => JSON.stringify(body).includes('"observedGeneration":1'));
}

export async function clear(name: string): Promise<void> {
  await target.call('DELETE', deployments(name));
  await target.call('DELETE', `/api/v1/namespaces/${namespace}/services/${name}`);
  await target.call('DELETE', `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/${name}`);
  await eventually(
    `${pods()}?labelSelector=app%3D${name}`,
    (_, body) => !JSON.stringify(body).includes('"containers"'),
  );
}

/** Asks until the fault is felt, for what the cluster does in its own time. */
export async function untilFelt(fault: Fault, mark: Parameters<Fault['effect']>[0]): Promise<Effect> {
  for (const end = Date.now() + 60_000; ; ) {
    const effect = await fault.effect(mark, signal);
    if (effect.felt === 'felt') return effect;
    if (Date.now() > end) throw new Error(`not felt: ${effect.evidence}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
