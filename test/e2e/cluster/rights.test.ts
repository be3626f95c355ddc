import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { logDir } from '../../../lab/cluster/layout.ts';
import { type AuditedRequest, auditOf, isWrite } from './audit.ts';
import { documentedRules, type Rule } from './documented-roles.ts';
import { createAccount, openShop, type RouterKind, releaseOf, rightsFor, type routes } from './shop.ts';
import { keep, underLoad } from './traffic.ts';

const routers = ['istio', 'gateway-api', 'replicas'] as const satisfies readonly (keyof typeof routes)[];

/** `patch deployments` for each right of the rules. */
function rightsOf(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ resources, verbs }) =>
    resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
  );
}

function without(rules: readonly Rule[], right: string): Rule[] {
  const [taken, from] = right.split(' ');
  return rules
    .map((rule) => ({
      ...rule,
      verbs: rule.verbs.filter((verb) => !(verb === taken && rule.resources.some((resource) => resource === from))),
    }))
    .filter(({ verbs }) => verbs.length > 0);
}

/** The rights by which the API server let requests through. Server-side apply of a new object takes `create` as well. */
function rightsUsed(requests: readonly AuditedRequest[]): string[] {
  const used = requests
    // What there is, and what oneself may do, everybody may ask.
    .filter(({ resource }) => resource !== '' && !resource.startsWith('selfsubject'))
    .flatMap(({ verb, resource, code }) => [
      `${verb} ${resource}`,
      ...(verb === 'patch' && code === 201 ? [`create ${resource}`] : []),
    ]);
  return [...new Set(used)].sort();
}

describe.concurrent('The documented Role', () => {
  test.each(routers)('for %s has no right that a release does not need, and its lack is told', async (router) => {
    const rules = await documentedRules(rightsFor[router]);
    const rights = rightsOf(rules);
    const shop = await openShop({ rights: rules });
    try {
      const inputs = { ...(await releaseOf('v2', router)), ...anyPrometheus(router) };
      const queue = rights.entries();
      const told = new Map<string, string>();
      const worker = async () => {
        for (const [index, right] of queue) {
          const kubeconfig = await createAccount(shop.api, shop.namespace, `limited-${index}`, without(rules, right));
          const run = await shop.start({ ...inputs, kubeconfig });
          const { log, status } = await run.ended;
          await run.clean();
          told.set(right, status === 1 ? (/^::error .*$/m.exec(log)?.[0] ?? 'no error') : `exit status ${status}`);
        }
      };
      await Promise.all([worker(), worker(), worker()]);
      expect(told.size).toBeGreaterThan(20);
      for (const [right, message] of told) {
        // What is Sluice's own is asked for by its name.
        expect(message).toMatch(
          new RegExp(`are missing: ${right}( sluice-checkout)? in namespace ${shop.namespace}\\.`),
        );
        expect(message).toContain('nothing was changed');
      }
      expect(await shop.record()).toBeUndefined();
    } finally {
      await shop.close();
    }
  });

  test('for Istio is what releases use, with an autoscaler, a disruption budget and a DestinationRule', async () => {
    const shop = await openShop({ rights: rightsFor.istio });
    try {
      await dress(shop.api, shop.namespace);
      const host = shop.hosts.istio;
      const bad = await underLoad({ host }, async () => shop.start(await releaseOf('v2-errors-100pct')));
      expect(await keep('rights-bad', bad), bad.ended.log).toMatchObject({ verdict: 'rolled-back', lost: 0 });
      await shop.settled();
      const good = await underLoad({ host }, async () => shop.start(await releaseOf('v2')));
      expect(await keep('rights-good', good), good.ended.log).toMatchObject({
        verdict: 'promoted',
        lost: 0,
        after: ['v2'],
      });
      const requests = await auditOf(shop.namespace);
      expect(requests.filter(({ code }) => code === 403)).toEqual([]);
      expect(rightsUsed(requests)).toEqual(rightsOf(await documentedRules(rightsFor.istio)).sort());
    } finally {
      await shop.close();
    }
  });
});

test.concurrent('A rollout asks the API server for little: fewer than five writes a step, and no list of pods again and again', async () => {
  const shop = await openShop();
  try {
    const steps = '10 for 3s, 25 for 3s, 50 for 3s, 100';
    const seen = await underLoad({ host: shop.hosts.istio }, async () =>
      shop.start({ ...(await releaseOf('v2')), steps }),
    );
    expect(await keep('audited', seen), seen.ended.log).toMatchObject({ verdict: 'promoted', lost: 0 });
    const requests = await auditOf(shop.namespace);
    const kinds = Object.entries(Object.groupBy(requests, ({ verb, resource }) => `${verb} ${resource}`));
    const table = kinds.map(([kind, of = []]) => `${`${of.length}`.padStart(5)}  ${kind}`).sort();
    const artifact = join(logDir, 'releases', 'audited-requests');
    await writeFile(`${artifact}.jsonl`, requests.map((one) => `${JSON.stringify(one)}\n`).join(''));
    await writeFile(`${artifact}.txt`, `${table.join('\n')}\n`);
    process.stdout.write(`requests of a rollout of four steps:\n${table.join('\n')}\n`);

    const shifts = requests.filter(({ verb, resource }) => verb === 'patch' && resource === 'virtualservices');
    // Four steps, the way back to the workload that was promoted, and the field manager that goes at the end.
    expect(shifts).toHaveLength(6);
    for (const [index, { at }] of shifts.slice(0, 4).entries()) {
      const until = shifts[index + 1]?.at ?? 0;
      const writes = requests.filter((one) => one.at >= at && one.at < until && isWrite(one) && !isRenewal(one));
      // The last step's time goes on with the promotion: the stable workload and what it holds on to.
      if (index < 3) expect(writes.length).toBeLessThan(5);
    }
    const minutes =
      (Date.parse(seen.ended.outputs['ended-at'] ?? '') - Date.parse(seen.ended.outputs['started-at'] ?? '')) / 60_000;
    expect(requests.filter(isRenewal).length / minutes).toBeLessThan(30);
    // A list begins a watch; then changes come by themselves, however long it takes.
    const ofPods = (wanted: string) =>
      requests.filter(({ verb, resource }) => verb === wanted && resource === 'pods').length;
    expect(ofPods('list')).toBeLessThanOrEqual(ofPods('watch'));
    expect(ofPods('list')).toBeLessThan(6);
  } finally {
    await shop.close();
  }
});

function isRenewal({ verb, resource }: AuditedRequest): boolean {
  return verb === 'update' && resource === 'leases';
}

/** Rights are checked before the metrics: no requests are needed there. */
function anyPrometheus(router: RouterKind): Record<string, string> {
  return router === 'gateway-api' ? { prometheus: 'http://prometheus.example' } : {};
}

/** What a service in production has beside its Deployment. */
async function dress(api: Awaited<ReturnType<typeof openShop>>['api'], namespace: string): Promise<void> {
  const metadata = { name: 'checkout', namespace };
  await api.apply({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata,
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
      minReplicas: 2,
      maxReplicas: 4,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ],
    },
  });
  await api.apply({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata,
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'checkout' } } },
  });
  await api.apply({
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata,
    spec: { host: 'checkout', trafficPolicy: { connectionPool: { http: { http1MaxPendingRequests: 100 } } } },
  });
}
