import { describe, expect, test } from 'vitest';
import { actionFolder, type Run, runAction } from '../../../lab/embedded/runner.ts';
import { documentedRules } from './documented-roles.ts';
import { createAccount, digestImage, inShop, releaseOf, type Shop } from './shop.ts';
import { keep, underLoad } from './traffic.ts';

const behindIstio = 'A Deployment behind a VirtualService of Istio';
const istio = { service: 'checkout', route: 'virtualservice/checkout' } as const;

/** Starts a rollback of the shop's workload, with the rights that the README asks for and no others. */
async function startRollback(
  { api, namespace }: Shop,
  rights: string,
  inputs: Readonly<Record<string, string>>,
): Promise<Run> {
  const kubeconfig = await createAccount(api, namespace, 'sluice-rollback', await documentedRules(rights, 'rollback'));
  const common = { kubeconfig, namespace, workload: 'deployment/checkout', 'ready-timeout': '60s' };
  return runAction({
    action: actionFolder('rollback'),
    inputs: { ...common, ...inputs },
    env: { GITHUB_RUN_ID: '2', GITHUB_ACTOR: 'bob' },
  });
}

const images = async (shop: Shop) =>
  new Set((await shop.pods()).flatMap(({ spec }) => spec.containers.map(({ image }) => image)));

/** `/apis/apps/v1/namespaces/shop-1/deployments/checkout` */
const pathOf = ({ namespace }: Shop, kind: string) =>
  `/apis/apps/v1/namespaces/${namespace}/${kind.toLowerCase()}s/checkout`;

/** What `kubectl set image` does. */
const deploy = (shop: Shop, kind: string, image: string) =>
  shop.api.patch(pathOf(shop, kind), [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: image }]);

describe.concurrent('A rollback by hand', () => {
  test('takes back a promoted release, and no request is lost', async () => {
    await inShop({}, async (shop) => {
      const before = await shop.inventory();
      const [found] = await images(shop);
      const inputs = await releaseOf('v2');
      const seen = await underLoad(
        { host: shop.hosts.istio },
        () => shop.start(inputs),
        async (release) => {
          const { outputs, log } = await release.ended;
          expect(outputs.verdict, log).toBe('promoted');
          return startRollback(shop, behindIstio, istio);
        },
      );
      const told = await keep('rollback-promoted', seen);
      expect(told, seen.ended.log).toMatchObject({ verdict: 'rolled-back', lost: 0, after: ['v1'] });
      expect(seen.ended.outputs.digest).toMatch(/^sha256:/);
      expect(seen.ended.outputs).toMatchObject({ revision: '3', 'previous-revision': '2' });
      await shop.settled();
      expect([...(await images(shop))]).toEqual([found]);
      // Only the note of the rollback is new.
      const after = await shop.inventory();
      const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
      expect(changed.filter((path) => !path.endsWith('/deployments/checkout'))).toEqual([]);
    });
  });

  test('ends a rollout that is under way by its own record', async () => {
    await inShop({}, async (shop) => {
      const route = await shop.asWritten(shop.path.virtualService);
      const inputs = { ...(await releaseOf('v2')), steps: '30 hold, 100' };
      let outputs: Readonly<Record<string, string>> = {};
      const seen = await underLoad(
        { host: shop.hosts.istio },
        () => shop.start(inputs),
        async (release) => {
          await shop.until('30 % for the canary', async () => (await shop.weight()) === 30);
          const run = await startRollback(shop, behindIstio, istio);
          ({ outputs } = await release.ended);
          return run;
        },
      );
      const told = await keep('rollback-under-way', seen);
      expect(told, seen.ended.log).toMatchObject({ verdict: 'rolled-back', lost: 0, after: ['v1'] });
      expect(outputs.reason).toMatch(/aborted by somebody who says to be bob/);
      expect(await shop.asWritten(shop.path.virtualService)).toBe(route);
      expect(await shop.record()).toMatchObject({ phase: 'ended', verdict: 'rolled-back' });
    });
  });

  test.each(['Deployment', 'StatefulSet'])('frees a %s from a version that never gets ready', async (kind) => {
    await inShop({}, async (shop) => {
      const [found = ''] = await images(shop);
      if (kind === 'StatefulSet') await becomeStatefulSet(shop, found);
      await deploy(shop, kind, await digestImage('v2-unready'));
      await shop.until('a pod of the new version', async () => (await images(shop)).size === 2);
      const workload = `${kind.toLowerCase()}/checkout`;
      const run = await startRollback(shop, `A ${kind}`, { workload });
      const ended = await run.ended;
      await run.clean();
      expect(ended.outputs, ended.log).toMatchObject({ verdict: 'rolled-back' });
      expect(ended.outputs.reason).toContain('pods of it are ready now');
      await shop.until('the old version alone', async () => (await shop.pods()).length === 2);
      expect([...(await images(shop))]).toEqual([found]);
      expect(JSON.stringify(await shop.api.get(pathOf(shop, kind)))).toContain('sluice.dev/rollback');
    });
  });
});

/** The shop's pods are those of a StatefulSet from now on. */
async function becomeStatefulSet(shop: Shop, image: string): Promise<void> {
  const { api, namespace, pods, until } = shop;
  await api.delete(pathOf(shop, 'Deployment'));
  await until('the Deployment gone', async () => (await pods()).length === 0);
  const container = {
    name: 'service',
    image,
    ports: [{ name: 'http', containerPort: 8080 }],
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1 },
  };
  await api.apply({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'checkout', namespace },
    spec: {
      replicas: 2,
      serviceName: 'checkout',
      selector: { matchLabels: { app: 'checkout' } },
      template: {
        metadata: { labels: { app: 'checkout' } },
        spec: { terminationGracePeriodSeconds: 1, containers: [container] },
      },
    },
  });
  await until('the StatefulSet', async () =>
    /"readyReplicas":2/.test(JSON.stringify(await api.get(pathOf(shop, 'StatefulSet')))),
  );
}
