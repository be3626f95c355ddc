import { describe, expect, test } from 'vitest';
import { endpoints } from '../../../lab/cluster/layout.ts';
import { resources } from '../../../src/cluster/resources.ts';
import { chart, type Inputs, image, inPlace, serveCharts } from './helm.ts';
import { HANGS, tellOfCancelledUpgrade, tellOfLostMachine } from './helm-stops.ts';

describe.concurrent('actions/helm-deploy', () => {
  test.each(['helm', 'helm3'] as const)('%s: installs, upgrades, goes back, and removes', (program) =>
    inPlace(async ({ deploy, states, colour, find, release }) => {
      const installed = await deploy({ values: 'password: sesame-open' });
      expect(installed.outputs, installed.log).toMatchObject({
        verdict: 'deployed',
        revision: '1',
        'previous-revision': '',
        'chart-version': '1.2.3',
        'app-version': '7',
        'chart-digest': expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        'manifest-digest': expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        resources: expect.stringContaining('Deployment '),
      });
      expect(installed.summary).toContain('create Secret');
      expect(installed.summary + installed.log).not.toContain('sesame-open');
      expect(installed.summary + installed.log).not.toContain(Buffer.from('sesame-open').toString('base64'));

      const again = await deploy({ values: 'password: sesame-open' });
      expect(again.outputs, again.log).toMatchObject({ verdict: 'unchanged', revision: '1' });
      expect(again.status).toBe(0);
      expect(await states()).toBe('1 deployed');

      const upgraded = await deploy({ set: 'colour=red' });
      expect(upgraded.outputs, upgraded.log).toMatchObject({
        verdict: 'deployed',
        revision: '2',
        'previous-revision': '1',
      });
      expect(upgraded.summary).toMatch(/-\s+colour: blue\n\+\s+colour: red/);
      expect(await colour()).toBe('red');
      expect((await deploy({ 'set-string': 'colour=12e4' })).outputs).toMatchObject({ verdict: 'deployed' });
      expect(await colour()).toBe('12e4');

      const back = await deploy({ mode: 'rollback' });
      expect(back.outputs, back.log).toMatchObject({ verdict: 'rolled-back', revision: '4', 'previous-revision': '3' });
      expect(back.status).toBe(0);
      expect(await colour()).toBe('red');
      await deploy({ mode: 'rollback' });
      expect(await colour()).toBe('blue');
      const beyond = await deploy({ mode: 'rollback' });
      expect(beyond.status).toBe(1);
      expect(beyond.outputs.reason, beyond.log).toContain('no earlier revision that was healthy');

      const gone = await deploy({ mode: 'uninstall' });
      expect(gone.outputs.verdict, gone.log).toBe('uninstalled');
      expect(await states()).toBe('');
      expect(await find(resources.deployment, release)).toBeUndefined();
      expect((await deploy({ mode: 'uninstall' })).outputs).toMatchObject({ verdict: 'uninstalled' });
    }, program),
  );

  test('writes a change that somebody made by hand over, though chart and values are the same', () =>
    inPlace(async ({ deploy, colour, client, namespace, release }) => {
      await deploy({});
      const reference = { type: resources.configMap, namespace, name: release };
      await client.patchMerge(reference, { data: { colour: 'grey' } }, new AbortController().signal);
      const refused = await deploy({});
      expect(refused.status).toBe(1);
      expect(refused.outputs.reason, refused.log).toContain('"sluice" owns .data.colour');
      expect(await colour()).toBe('grey');
      const written = await deploy({ 'force-conflicts': 'true' });
      expect(written.outputs, written.log).toMatchObject({ verdict: 'deployed', revision: '2' });
      expect(await colour()).toBe('blue');
    }));

  test('refuses what can be known to be wrong, before the first write', () =>
    inPlace(async ({ deploy, states }) => {
      await deploy({});
      const refusals: { inputs: Inputs; says: string }[] = [
        { inputs: { set: 'broken=true' }, says: 'nil pointer evaluating' },
        { inputs: { set: 'replicas=many' }, says: 'got string, want integer' },
        { inputs: { set: 'selected=b' }, says: 'immutable' },
        { inputs: { chart: `${chart}-missing` }, says: 'is no folder and no archive' },
        { inputs: { chart: 'oci://127.0.0.1:1/charts/shop', version: '9.9.9' }, says: 'connection refused' },
        { inputs: { version: `sha256:${'0'.repeat(64)}` }, says: 'was asked for' },
        { inputs: { set: 'more=x' }, says: 'got string, want integer' },
      ];
      for (const { inputs, says } of refusals) {
        const { status, outputs } = await deploy(inputs);
        expect([status, outputs.verdict]).toEqual([1, 'failed']);
        expect(outputs.reason).toContain(says);
      }
      expect(await states()).toBe('1 deployed');
    }));

  test('gets a chart from a registry by version and by digest', () =>
    inPlace(async ({ deploy, packed, helm, namespace }) => {
      const registry = `oci://${endpoints.registry}/${namespace}`;
      await helm('push', await packed(), registry, '--plain-http');
      const inputs = { chart: `${registry}/shop`, 'plain-http': 'true' };
      const byVersion = await deploy({ ...inputs, version: '1.2.3' });
      expect(byVersion.outputs, byVersion.log).toMatchObject({ verdict: 'deployed', 'chart-version': '1.2.3' });
      const version = byVersion.outputs['chart-digest'] ?? '';
      expect((await deploy({ ...inputs, version })).outputs).toMatchObject({
        verdict: 'unchanged',
        'chart-digest': version,
      });
      const missing = await deploy({ ...inputs, version: '9.9.9' });
      expect(missing.outputs, missing.log).toMatchObject({
        verdict: 'failed',
        reason: expect.stringContaining('9.9.9'),
      });
    }));

  test('gets a chart from a repository that wants to know who asks', () =>
    inPlace(async ({ deploy, packed, helm }) => {
      await using repository = await serveCharts(await packed(), helm, { username: 'robot', password: 'sesame-open' });
      const inputs = { chart: 'shop', repository: repository.url };
      const stranger = await deploy(inputs);
      expect(stranger.outputs, stranger.log).toMatchObject({
        verdict: 'failed',
        reason: expect.stringContaining('401'),
      });
      const known = await deploy({ ...inputs, username: 'robot', password: 'sesame-open', version: '~1.2' });
      expect(known.outputs, known.log).toMatchObject({ verdict: 'deployed', 'chart-version': '1.2.3' });
      // The one line that the runner takes as a command.
      expect(known.log.replace('::add-mask::sesame-open', '')).not.toContain('sesame-open');
      const absent = await deploy({ ...inputs, username: 'robot', password: 'sesame-open', version: '2.x' });
      expect(absent.outputs, absent.log).toMatchObject({ verdict: 'failed', reason: expect.stringContaining('2.x') });
    }));

  test('installs a canary beside the release, and only where both are told apart', () =>
    inPlace(async ({ deploy, states, colour, find, release, helm }) => {
      const canary = { mode: 'canary', chart, set: 'colour=red' };
      expect((await deploy(canary)).outputs.reason).toContain('is not deployed');
      await deploy({});
      const mixed = await deploy({ ...canary, 'canary-values': `app: ${release}` });
      expect(mixed.outputs.reason, mixed.log).toContain('would have its pods mixed up');
      const beside = await deploy({ ...canary, 'canary-values': 'more: 1' });
      expect(beside.outputs, beside.log).toMatchObject({
        verdict: 'deployed',
        revision: '1',
        stable: 'deployment/shop',
        canary: 'deployment/shop-canary',
      });
      expect(await find(resources.service, 'shop-canary-0')).toBeDefined();
      expect([await states(), await colour()]).toEqual(['1 deployed', 'blue']);
      expect(await helm('get', 'values', 'shop-canary')).toContain('colour: red');
    }));

  test('shows in a dry run what would be written, and writes nothing', () =>
    inPlace(async ({ deploy, states, find }) => {
      const dry = await deploy({ 'dry-run': 'true' });
      expect(dry.summary).toContain('create Deployment');
      expect(dry.summary).toContain('## 📝 Dry run: shop');
      expect(dry.outputs.verdict, dry.log).toBe('');
      expect(await states()).toBe('');
      expect(await find(resources.lease, 'sluice-helm-shop')).toBeUndefined();
    }));

  test('takes back an upgrade whose hook fails', () =>
    inPlace(async ({ deploy, states, colour }) => {
      await deploy({});
      const failed = await deploy({ set: 'colour=red\npostUpgrade=1' });
      expect([failed.status, failed.outputs.verdict], failed.log).toEqual([1, 'rolled-back']);
      expect(failed.outputs.reason, failed.log).toMatch(/hook/);
      expect(await states()).toBe('1 superseded, 2 failed, 3 deployed');
      expect(await colour()).toBe('blue');
    }));

  test('takes back a deploy whose test fails, and lets a failed revision stay where that is asked for', () =>
    inPlace(async ({ deploy, states, colour }) => {
      await deploy({});
      const untested = await deploy({ set: 'colour=red\ntested=1', test: 'true' });
      expect([untested.status, untested.outputs.verdict], untested.log).toEqual([1, 'rolled-back']);
      expect(await states()).toBe('1 superseded, 2 superseded, 3 deployed');
      expect(await colour()).toBe('blue');

      const failed = await deploy({ set: 'colour=green\npostUpgrade=1', 'rollback-on-failure': 'false' });
      expect(failed.log).toContain('is called "undo-on-failure" now');
      expect([failed.status, failed.outputs.verdict], failed.log).toEqual([1, 'failed']);
      expect(failed.outputs.reason, failed.log).toContain('Revision 4 stays');
      expect(await states()).toBe('1 superseded, 2 superseded, 3 deployed, 4 failed');
      expect((await deploy({ set: 'colour=grey' })).outputs).toMatchObject({ verdict: 'deployed', revision: '5' });
    }));

  test('takes back an upgrade that runs into a quota, and removes a first install that does', () =>
    inPlace(async ({ deploy, states, colour, apply }) => {
      // Each of the two would be accepted, but not both.
      const quota = { apiVersion: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas' };
      await apply(quota, 'few', { spec: { hard: { services: '1' } } });
      const first = await deploy({ set: 'more=2' });
      expect(first.outputs.verdict, first.log).toBe('rolled-back');
      expect(first.outputs.reason, first.log).toContain('exceeded quota');
      expect(first.outputs.reason, first.log).toContain('The release was removed');
      expect(await states()).toBe('');

      await deploy({});
      const upgrade = await deploy({ set: 'more=2\ncolour=red' });
      expect(upgrade.outputs.reason, upgrade.log).toContain('exceeded quota');
      expect(await states()).toBe('1 superseded, 2 failed, 3 deployed');
      expect(await colour()).toBe('blue');
    }));

  test('ends an upgrade to an image that does not exist, says so, and sees the former one ready', () =>
    inPlace(async ({ deploy, states, namespace }) => {
      const first = await deploy({ set: `image=${image},replicas=2` });
      expect(first.outputs.verdict, first.log).toBe('deployed');
      expect(first.log).toContain(`Deployment ${namespace}/shop: 2 of 2 updated, 2 available`);
      const bad = await deploy({ set: `image=${image}-missing,replicas=2`, timeout: '3m' });
      expect([bad.status, bad.outputs.verdict], bad.log).toEqual([1, 'rolled-back']);
      expect(bad.outputs.reason, bad.log).toContain(`Deployment ${namespace}/shop`);
      expect(bad.outputs.reason, bad.log).toMatch(/pull/i);
      expect(await states()).toBe('1 superseded, 2 failed, 3 deployed');
    }));

  test('shows the last lines of a container that crashes, and removes the install', () =>
    inPlace(async ({ deploy, states }) => {
      const crashing = image.replace(/v1$/, 'v2-crash');
      const bad = await deploy({ set: `image=${crashing},replicas=1`, timeout: '3m' });
      expect(bad.outputs.verdict, bad.log).toBe('rolled-back');
      expect(bad.outputs.reason, bad.log).toContain('The release was removed');
      expect(bad.log).toMatch(/last lines of container service in pod shop-\S+:\n.*\| .*ends because CRASH is true/);
      expect(await states()).toBe('');
    }));

  test.each([
    { left: 'pending-install', ending: '1 deployed' },
    { left: 'uninstalling', ending: '1 deployed' },
  ])('starts anew where an install was left as $left', ({ left, ending }) =>
    inPlace(async ({ deploy, states, leaveAs }) => {
      await deploy({});
      await leaveAs(left);
      const next = await deploy({ set: 'colour=red' }, { runId: '2' });
      expect(next.outputs.verdict, next.log).toBe('deployed');
      expect(next.log).toContain(`left as ${left}`);
      expect(await states()).toBe(ending);
    }),
  );

  test.each(['pending-upgrade', 'pending-rollback'])('goes back first where a release was left as %s', (left) =>
    inPlace(async ({ deploy, helm, states, colour, leaveAs, release }) => {
      await deploy({});
      await helm('upgrade', release, chart, '--set', 'colour=red,broken=false');
      await leaveAs(left);
      const next = await deploy({ set: 'colour=green' }, { runId: '2' });
      expect(next.outputs.verdict, next.log).toBe('deployed');
      expect(next.log).toContain('Rolling back to revision 1');
      expect(await states()).toMatch(/3 superseded, 4 deployed$/);
      expect(await colour()).toBe('green');
    }),
  );

  test('of two runs at once, one is told who has the release', () =>
    inPlace(async ({ deploy, start, states, find, release }) => {
      await deploy({});
      const first = await start(
        { chart, set: `colour=red,image=${image}\npreUpgrade=${HANGS}`, timeout: '20s' },
        { runId: '1' },
      );
      await expect.poll(() => find(resources.job, `${release}-pre-upgrade`), { timeout: 30_000 }).toBeDefined();
      const second = await deploy({ set: 'colour=green' }, { runId: '2' });
      expect(second.status).toBe(1);
      expect(second.outputs.reason, second.log).toContain('actions/runs/1');
      first.cancel();
      await first.ended;
      await first.clean();
      expect(await states()).toMatch(/deployed$/);
    }));

  test.for(['begins to write', 'waits for its pods'] as const)(
    'is as before when the job is cancelled as it %s',
    (moment) => tellOfCancelledUpgrade(moment),
  );

  test('goes on after a machine was lost as it runs a hook before', () => tellOfLostMachine('runs a hook before'));
});
