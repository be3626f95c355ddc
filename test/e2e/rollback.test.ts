import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { deployments, statefulSets } from '../../lab/embedded/api-server/resources.ts';
import type { Lab, LabOptions } from '../../lab/embedded/index.ts';
import { actionFolder, type Ended, type Run, runAction } from '../../lab/embedded/runner.ts';
import { type ReleaseOptions, reached } from '../../lab/embedded/scenarios.ts';
import { rollbackRights } from '../../src/actions/rollback/assemble.ts';
import { loadRollbackInputs } from '../../src/actions/rollback/inputs.ts';
import { createClient } from '../../src/cluster/client.ts';
import { loadConfig } from '../../src/cluster/kubeconfig.ts';
import { connect } from '../../src/cluster/transport.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import { rollbackReportSchema } from '../../src/report/rollback-report.ts';
import {
  annotations,
  expectNoSecret,
  expectServed,
  inLab,
  namesOf,
  objectOf,
  servesOnly,
  writesTo,
} from '../support/release.ts';

const istio = { service: 'checkout', route: 'virtualservice/checkout', 'stable-subset': 'stable' } as const;
const hold = { steps: '30 hold, 100' } as const;
const route = (lab: Lab) => objectOf(lab, 'networking.istio.io/v1', 'VirtualService')?.spec;

interface Stage {
  readonly lab: Lab;
  readonly start: (options?: ReleaseOptions) => Promise<Run>;
  readonly release: (options?: ReleaseOptions) => Promise<Ended>;
  /** Starts a rollback of the shop; an empty input is left out. */
  readonly startBack: (inputs?: Readonly<Record<string, string>>, kubeconfig?: string) => Promise<Run>;
  readonly back: (inputs?: Readonly<Record<string, string>>, kubeconfig?: string) => Promise<Ended>;
}

async function inShop(options: LabOptions, tell: (stage: Stage) => Promise<void>): Promise<void> {
  await inLab(options, async ({ lab, start, release }) => {
    const runs: Run[] = [];
    const startBack: Stage['startBack'] = async (inputs = {}, kubeconfig = lab.kubeconfigPath) => {
      const common = { kubeconfig, workload: 'deployment/checkout', ...istio, 'ready-timeout': '20s', drain: '0s' };
      const env = { GITHUB_RUN_ID: `9${runs.length}`, GITHUB_ACTOR: 'bob', RUNNER_NAME: `runner-9${runs.length}` };
      const run = await runAction({ action: actionFolder('rollback'), inputs: { ...common, ...inputs }, env });
      runs.push(run);
      return run;
    };
    try {
      await tell({ lab, start, release, startBack, back: async (...given) => (await startBack(...given)).ended });
    } finally {
      for (const run of runs) run.main.kill('SIGKILL');
      await Promise.all(runs.map((run) => run.clean()));
    }
  });
}

/** What `kubectl edit` does. */
function change(lab: Lab, edit: (text: string) => string): void {
  const key = { resource: deployments, namespace: lab.namespace, name: 'checkout' };
  lab.api.registry.modify(key, (found) => JSON.parse(edit(JSON.stringify(found))), { manager: 'kubectl-edit' });
}

/** What `kubectl set image` does. */
function deploy(lab: Lab, image: string, resource: typeof deployments = deployments): void {
  const key = { resource, namespace: lab.namespace, name: 'checkout' };
  lab.api.registry.modify(key, (found) => JSON.parse(JSON.stringify(found).replaceAll(imageOf(lab, resource), image)), {
    manager: 'kubectl-set',
  });
}

function imageOf(lab: Lab, resource: typeof deployments = deployments): string {
  const text = JSON.stringify(lab.api.storage.get(resource, lab.namespace, 'checkout')?.spec);
  return /"image":"([^"]+)"/.exec(text)?.[1] ?? '';
}

/** A newer version of the shop that nobody has released by Sluice. */
async function deployed(lab: Lab): Promise<void> {
  deploy(lab, lab.canaryImage);
  await rolledOut(lab);
}

/** Waits until the workload's pods are of one version and available. */
function rolledOut(lab: Lab, resource: typeof deployments = deployments): Promise<void> {
  return lab.until(() => {
    const { metadata, spec, status } = JSON.parse(
      JSON.stringify(lab.api.storage.get(resource, lab.namespace, 'checkout')),
    );
    const all = [status?.updatedReplicas, status?.replicas, status?.readyReplicas];
    return status?.observedGeneration === metadata.generation && all.every((count) => count === spec.replicas);
  });
}

describe.concurrent('A rollback by hand', () => {
  it('goes back to the version before a promotion, and sees that it serves everything', async () => {
    await inShop({}, async ({ lab, release, back }) => {
      const first = await release();
      expect(first.outputs.verdict, first.log).toBe('promoted');
      const found = route(lab);
      const before = lab.api.audit.length;
      const ended = await back();
      expect(ended.outputs, ended.log).toMatchObject({
        verdict: 'rolled-back',
        revision: '3',
        'previous-revision': '2',
      });
      expect(ended.outputs.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(ended.outputs.reason).toMatch(/served when the rollout of alice, .* began/);
      expect(ended.status).toBe(0);
      const report = rollbackReportSchema.parse(JSON.parse(await readFile(ended.outputs.report ?? '', 'utf8')));
      expect(report).toMatchObject({ verdict: 'rolled-back', from: { number: 2 }, to: { number: 3 } });
      expect(ended.summary).toContain('⏪ Rolled back: Deployment shop/checkout');
      expect(imageOf(lab)).toBe(lab.stableImage);
      expect(route(lab)).toEqual(found);
      await servesOnly(lab, '1.0.0');
      expectServed(lab);
      // Neither the number of pods nor an autoscaler nor the route was written.
      const written = new Set(
        lab.api.audit
          .slice(before)
          .filter(({ verb, fieldManager }) => !['get', 'list', 'watch'].includes(verb) && fieldManager === 'sluice')
          .map(({ verb, resource }) => `${verb} ${resource}`),
      );
      expect([...written].sort()).toEqual(['patch deployments.apps', 'update leases.coordination.k8s.io']);

      // Run again, it does not go further back.
      const again = await back();
      expect(again.outputs, again.log).toMatchObject({ verdict: 'unchanged', revision: '3', 'previous-revision': '' });
      // The way back is the number that the first run has told.
      const forward = await back({ revision: '2' });
      expect(forward.outputs, forward.log).toMatchObject({ verdict: 'rolled-back', revision: '4' });
      expect(annotations(forward, 'warning').join()).toContain('left by hand by bob');
      await servesOnly(lab, '1.1.0');
    });
  });

  it('needs the rights of its README and no others', async () => {
    await inShop({}, async ({ lab, back }) => {
      await deployed(lab);
      const config = loadConfig({ kubeconfig: lab.kubeconfigPath, context: '', env: {} });
      const client = createClient(connect(config, {}));
      const inputs = loadRollbackInputs({ workload: 'deployment/checkout', ...istio });
      const rules = rollbackRights(inputs, { client, namespace: lab.namespace, clock }).map((right) => ({
        apiGroups: [right.apiGroup],
        resources: [right.resource],
        verbs: right.verbs,
        namespaces: [right.namespace],
      }));
      await client.close();
      lab.api.setUser({ name: 'limited', token: 'limited-token', rules });
      const kubeconfig = lab.api.kubeconfig({ user: 'limited', namespace: lab.namespace });
      const ended = await back({}, kubeconfig);
      expect(ended.outputs.verdict, ended.log).toBe('rolled-back');
      expect(ended.log.replaceAll(/^::add-mask::.*$/gm, '')).not.toContain('limited-token');

      lab.api.setUser({ name: 'limited', token: 'limited-token', rules: rules.slice(1) });
      const refused = await back({ revision: '2' }, kubeconfig);
      expect(refused.outputs.verdict).toBe('failed');
      expect(annotations(refused, 'error')[0]).toMatch(/kind: Role[\s\S]*deployments/);
    });
  });

  it('ends a rollout that is under way by its own record first', async () => {
    await inShop({}, async ({ lab, start, back }) => {
      const found = route(lab);
      const run = await start({ inputs: hold });
      await reached(lab, run, 30);
      const ended = await back();
      expect(ended.outputs, ended.log).toMatchObject({ verdict: 'rolled-back', revision: '1' });
      expect(ended.summary).not.toContain('left by hand');
      expect(ended.outputs.reason).toMatch(/it served when the rollout began that is undone \(alice/);
      const rollout = await run.ended;
      expect(rollout.outputs.verdict, rollout.log).toBe('rolled-back');
      expect(rollout.outputs.reason).toMatch(
        /aborted by somebody who says to be bob, .*rolled back by hand to revision 1/,
      );
      expect(route(lab)).toEqual(found);
      expect(namesOf(lab, 'apps/v1', 'Deployment')).toEqual(['checkout']);
      expect(imageOf(lab)).toBe(lab.stableImage);
      expect((await back()).outputs.verdict).toBe('unchanged');
      expectServed(lab);
    });
  });

  it('ends a rollout that a dead run has left, where the inputs name the route', async () => {
    await inShop({}, async ({ lab, start, back }) => {
      const found = route(lab);
      const run = await start({ inputs: hold });
      await reached(lab, run, 30);
      run.kill();
      await run.ended;
      const refused = await back({ service: '', route: '', 'stable-subset': '' });
      expect(annotations(refused, 'error')[0], refused.log).toMatch(/VirtualService shop\/checkout: .*Give "route"/);
      expect(lab.canaryWeight()).toBe(30);
      const ended = await back();
      expect(ended.outputs, ended.log).toMatchObject({ verdict: 'rolled-back', revision: '1' });
      expect(route(lab)).toEqual(found);
      expect(namesOf(lab, 'apps/v1', 'Deployment')).toEqual(['checkout']);
      expectServed(lab);
    });
  });

  it('gives the route back of two workloads whose rollout a dead run has left', async () => {
    await inShop({ router: 'gateway-api', arms: 'both' }, async ({ lab, start, back }) => {
      const route = 'httproute/checkout';
      const services = { 'stable-service': 'checkout', 'canary-service': 'checkout-canary' };
      const arms = { workload: '', image: '', stable: 'deployment/checkout', canary: 'deployment/checkout-canary' };
      const run = await start({ inputs: { ...hold, ...arms, ...services, service: '' } });
      await reached(lab, run, 30);
      run.kill();
      await run.ended;
      const inputs = { ...services, route, service: '', 'stable-subset': '' };
      const canary = await back({ ...inputs, workload: 'deployment/checkout-canary' });
      expect(annotations(canary, 'error')[0], canary.log).toMatch(
        /is the canary of a rollout.*Name Deployment shop\/checkout/,
      );
      const ended = await back(inputs);
      expect(ended.outputs, ended.log).toMatchObject({ verdict: 'rolled-back', revision: '1' });
      expect(lab.canaryWeight()).toBe(0);
      expectServed(lab);
    });
  });

  it('never chooses what a rollout has rolled back', async () => {
    await inShop({ canary: { errorRate: 1 } }, async ({ lab, release, back }) => {
      const bad = await release();
      expect(bad.outputs.verdict, bad.log).toBe('rolled-back');
      // Somebody deploys it all the same, and then another one.
      deploy(lab, lab.canaryImage);
      await rolledOut(lab);
      lab.images.set('registry.example/checkout:1.2.0', {});
      deploy(lab, 'registry.example/checkout:1.2.0');
      await rolledOut(lab);
      const ended = await back();
      expect(ended.outputs.verdict, ended.log).toBe('rolled-back');
      expect(imageOf(lab)).toBe(lab.stableImage);
      expect(ended.summary).toMatch(/1\.1\.0` \| ⛔ \| rolled back in the rollout of alice/);
    });
  });

  it('goes back to the pods that still serve, from a version that never gets ready', async () => {
    await inShop({}, async ({ lab, back }) => {
      lab.images.set('registry.example/checkout:1.2.0', {});
      deploy(lab, 'registry.example/checkout:1.2.0');
      await rolledOut(lab);
      lab.images.set('registry.example/checkout:1.3.0', { crashAfter: 10 });
      // As a release with `config-files` leaves it.
      const checksum = '"annotations":{"sluice.dev/config-checksum":"2","prometheus.io/scrape"';
      change(lab, (text) =>
        text.replace('checkout:1.2.0', 'checkout:1.3.0').replace('"annotations":{"prometheus.io/scrape"', checksum),
      );
      await lab.until(
        () =>
          objectOf(lab, 'apps/v1', 'Deployment')?.metadata.annotations?.['deployment.kubernetes.io/revision'] === '3',
      );
      const ended = await back({ service: '', route: '', 'stable-subset': '' });
      expect(ended.outputs, ended.log).toMatchObject({ verdict: 'rolled-back', 'previous-revision': '3' });
      expect(ended.outputs.reason).toContain('pods of it are ready now');
      expect(annotations(ended, 'warning').join()).toMatch(/content of ConfigMaps or Secrets.*stays as it is/);
      expect(imageOf(lab)).toBe('registry.example/checkout:1.2.0');
      await rolledOut(lab);
    });
  });

  it('frees a StatefulSet that waits for a pod which never gets ready', async () => {
    await inShop({ workload: 'StatefulSet' }, async ({ lab, back }) => {
      lab.images.set('registry.example/checkout:1.3.0', { neverReady: true });
      deploy(lab, 'registry.example/checkout:1.3.0', statefulSets);
      await lab.until(() => namesOf(lab, 'apps/v1', 'ControllerRevision').length === 2);
      await lab.until(() => JSON.stringify(objectOf(lab, 'v1', 'Pod', 'checkout-1') ?? '').includes('1.3.0'));
      const inputs = { workload: 'statefulset/checkout', service: '', route: '', 'stable-subset': '' };
      const ended = await back(inputs);
      expect(ended.outputs, ended.log).toMatchObject({ verdict: 'rolled-back', 'previous-revision': '2' });
      expect(imageOf(lab, statefulSets)).toBe(lab.stableImage);
      await rolledOut(lab, statefulSets);
    });
  });

  it('is gone on with by the next run when it is killed half way', async () => {
    await inShop({}, async ({ lab, startBack, back }) => {
      await deployed(lab);
      lab.images.set(lab.stableImage, { readyAfter: 3_000 });
      const run = await startBack();
      await lab.until(() => imageOf(lab) === lab.stableImage);
      run.kill();
      await run.ended;
      const ended = await back();
      expect(ended.outputs, ended.log).toMatchObject({
        verdict: 'rolled-back',
        revision: '3',
        'previous-revision': '2',
      });
      expect(ended.outputs.reason).toMatch(/what bob, .* began is gone on with/);
      expect(imageOf(lab)).toBe(lab.stableImage);
    });
  });

  it('says when it is cancelled that what was written stays', async () => {
    await inShop({}, async ({ lab, startBack }) => {
      await deployed(lab);
      lab.images.set(lab.stableImage, { readyAfter: 20_000 });
      const run = await startBack();
      await lab.until(() => imageOf(lab) === lab.stableImage);
      run.cancel();
      const ended = await run.ended;
      expect(ended.status).toBe(1);
      expect(ended.outputs.verdict).toBe('failed');
      expect(annotations(ended, 'error')[0]).toMatch(/asked to stop; what was written stays\. Run again to go on/);
      expectServed(lab);
    });
  });

  it('fails while the old pods go on serving when the version can not run any more', async () => {
    await inShop({}, async ({ lab, back }) => {
      await deployed(lab);
      lab.images.set(lab.stableImage, { pullFailure: 'pull access denied' });
      // Longer than a pull secret may take to arrive.
      const ended = await back({ 'ready-timeout': '50s' });
      expect(ended.status).toBe(1);
      expect(ended.outputs.verdict).toBe('failed');
      expect(annotations(ended, 'error')[0]).toMatch(/Pod shop\/checkout-.*ImagePull[\s\S]*Revision 1 stays asked for/);
      await servesOnly(lab, '1.1.0');
      expectServed(lab);
    });
  });

  it('is refused before the first write, with what there is', async () => {
    await inShop({ arms: 'both' }, async ({ lab, back }) => {
      const none = await back();
      expect(annotations(none, 'error')[0]).toMatch(/Deployment shop\/checkout: has no earlier version/);
      const unknown = await back({ revision: '7' });
      expect(annotations(unknown, 'error')[0]).toMatch(
        /no revision "7" any more.*1 \(registry\.example\/checkout:1\.0\.0\)/,
      );
      const wrong = await back({ revision: 'yesterday', route: '' });
      expect(annotations(wrong, 'error')[0]).toMatch(/"revision": "yesterday" names no revision/);
      const absent = await back({ workload: 'deployment/chekout' });
      expect(annotations(absent, 'error')[0]).toMatch(/chekout/);
      for (const { status } of [none, unknown, wrong, absent]) expect(status).toBe(1);
      expect(writesTo(lab)).toEqual([]);
    });
  });

  it('shows in a dry run what it would choose and write', async () => {
    await inShop({}, async ({ lab, back }) => {
      await deployed(lab);
      change(lab, (text) => text.replace(/"image":/, '"env":[{"name":"KEY","value":"hunter2-secret"}],$&'));
      await rolledOut(lab);
      const before = writesTo(lab).length;
      const ended = await back({ 'dry-run': 'true' });
      expect(ended.outputs, ended.log).toMatchObject({ verdict: '' });
      expect(ended.summary).toMatch(/Dry run[\s\S]*-.*value: \(hidden, as found\)\n-.*name: KEY/);
      expectNoSecret(ended, ['hunter2-secret', 'embedded-admin-token']);
      expect(ended.status).toBe(0);
      expect(writesTo(lab)).toHaveLength(before);
    });
  });
});
