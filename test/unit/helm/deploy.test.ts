import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/core/errors.ts';
import { deploy } from '../../../src/helm/deploy.ts';
import { uninstall } from '../../../src/helm/uninstall.ts';
import { deployRequest, helmWorld, releaseOf, unknownKind } from '../../support/helm-world.ts';

const signal = new AbortController().signal;
const said = (problem: string) => new SluiceError('failed', { about: 'release shop/shop', problem, next: '' });
const write = { object: 'ConfigMap shop/a', action: 'create' as const, before: undefined, after: {} };

describe('what helm lint says', () => {
  it.each([
    "helm lint: Chart.yaml: appVersion should be of type string but it's of type float64.",
    'helm lint: templates/: shop/templates/cm.yaml:5:44: nil pointer evaluating interface {}.uid.',
  ])('is told, and stops nothing that Helm installs: %s', async (problem) => {
    const { world, told } = helmWorld(
      { history: async () => [], render: async () => releaseOf(1), lint: () => Promise.reject(said(problem)) },
      { changes: async () => [write] },
    );
    expect(await deploy(world, deployRequest, signal)).toMatchObject({ verdict: 'deployed' });
    expect(told.acts).toEqual(['upgrade']);
    expect(told.events).toContainEqual({ type: 'note', at: 0, level: 'warning', text: problem });
  });

  it('is not needed for a refusal: what Helm does not render is refused', async () => {
    const refused = said('helm upgrade: nil pointer evaluating');
    const { world, told } = helmWorld({ lint: () => Promise.reject(refused), render: () => Promise.reject(refused) });
    await expect(deploy(world, deployRequest, signal)).rejects.toBe(refused);
    expect(told.acts).toEqual([]);
  });
});

describe('a chart with definitions of kinds and objects of them', () => {
  const definitions: string = 'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n';
  const isNew = { history: async () => [], definitions: (): Promise<string> => Promise.resolve(definitions) };
  const rendered = { ...releaseOf(1), manifest: 'kind: Widget' };

  it('is installed where the cluster can not render it before', async () => {
    const { world, told } = helmWorld({
      ...isNew,
      render: async (_, __, where) => (where === 'client' ? rendered : Promise.reject(unknownKind)),
    });
    expect(await deploy(world, deployRequest, signal)).toMatchObject({
      verdict: 'deployed',
      reason: expect.stringContaining('Revision 1'),
    });
    expect(told.acts).toEqual(['upgrade']);
    expect(told.wanted).toMatchObject([{ manifest: 'kind: Widget', definitions }]);
    // What Helm has really written, and not what was rendered without a cluster.
    expect(told.watched).toEqual([releaseOf(1).manifest]);
  });

  it.each([
    ['has no definitions', { ...isNew, definitions: (): Promise<string> => Promise.resolve('') }],
    ['is installed already: Helm does not update its definitions', { definitions: isNew.definitions }],
  ])('is refused as by Helm where it %s', async (_, helm) => {
    const { world, told } = helmWorld({ ...helm, render: () => Promise.reject(unknownKind) });
    await expect(deploy(world, deployRequest, signal)).rejects.toBe(unknownKind);
    expect(told.acts).toEqual([]);
  });
});

it('a dry run has no verdict, and says what would change', async () => {
  const { world } = helmWorld({ history: async () => [] }, { changes: async () => [write] });
  const outcome = await deploy(world, { ...deployRequest, dryRun: true }, signal);
  expect(outcome).toEqual({ verdict: undefined, reason: 'Dry run: 1 object would change in release shop/shop.' });
});

describe('hooks', () => {
  const hook = (name: string, image: string, path = 'shop/templates/test.yaml', event = 'test') => ({
    path,
    events: [event],
    manifest: `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\n  labels: {run: ${name}}\nspec: {containers: [{image: "${image}"}]}\n`,
  });
  /** Deploys what has this hook over a release that has another one; `renderings` are asked for in turn. */
  async function again(found: ReturnType<typeof hook>, ...renderings: ReturnType<typeof hook>[]) {
    let asked = -1;
    const { world, told } = helmWorld({
      release: async () => releaseOf(1, { hooks: [found] }),
      render: async () => {
        asked += 1;
        return releaseOf(2, { hooks: [renderings[asked] ?? found] });
      },
    });
    const { verdict } = await deploy(world, deployRequest, signal);
    const notes = told.events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
    return { verdict, notes };
  }

  it('with another random name make no new revision', async () => {
    expect((await again(hook('test-abcde', 't:1'), hook('test-vwxyz', 't:1'))).verdict).toBe('unchanged');
  });

  it('whose name holds the number of the revision make none', async () => {
    const path = 'shop/templates/migrate.yaml';
    const of = (revision: number) => hook(`migrate-${revision}`, 'm:1', path, 'pre-upgrade');
    expect((await again(of(1), of(2))).verdict).toBe('unchanged');
  });

  it('with something else that is random make none', async () => {
    expect((await again(hook('test', 't:abc'), hook('test', 't:def'), hook('test', 't:ghi'))).verdict).toBe(
      'unchanged',
    );
  });

  it('that have changed make one, and the log says why', async () => {
    const { verdict, notes } = await again(hook('test', 't:1'), hook('test', 't:2'), hook('test', 't:2'));
    expect(verdict).toBe('deployed');
    expect(notes).toContain('Writing revision 2: 0 objects (its hooks have changed).');
  });
});

describe('a hook with generateName, which Helm would fail at after it has recorded a revision', () => {
  const hookAt = (event: string) => ({
    path: `shop/templates/${event}.yaml`,
    events: [event],
    manifest: 'apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: migrate-, annotations: {a: b}}\n',
  });
  const run = (event: string, more: object = {}, isNew = false) => {
    const { world, told } = helmWorld({
      ...(isNew && { history: async () => [] }),
      render: async () => releaseOf(isNew ? 1 : 2, { hooks: [hookAt(event)], manifest: '' }),
    });
    return { told, outcome: deploy(world, { ...deployRequest, ...more }, signal) };
  };

  it.each([
    ['pre-upgrade', {}, false],
    ['post-upgrade', { dryRun: true }, false],
    ['pre-install', {}, true],
    ['test', { test: true }, false],
  ])('is refused where it would run: %s', async (event, more, isNew) => {
    const { told, outcome } = run(event, more, isNew);
    await expect(outcome).rejects.toMatchObject({
      about: `hooks of the chart (shop/templates/${event}.yaml)`,
      next: expect.stringContaining('before-hook-creation'),
    });
    expect(told.acts).toEqual([]);
  });

  it.each(['pre-install', 'test', 'pre-delete'])('stops no upgrade that does not run it: %s', async (event) => {
    expect(await run(event).outcome).toMatchObject({ verdict: 'deployed' });
  });
});

describe('an uninstall', () => {
  const request = { ...deployRequest, keepHistory: false };

  it('that does not come to its end says what is gone, what is left and why; and that something was changed', async () => {
    const { world, told } = helmWorld(
      { uninstall: () => Promise.reject(said('helm uninstall: context deadline exceeded.')) },
      {
        remains: async () => ({
          gone: ['ConfigMap shop/plain'],
          left: ['ConfigMap shop/held (waits for its finalizer field.example/hold)'],
          unknown: [],
        }),
      },
    );
    await expect(uninstall(world, request, signal)).rejects.toMatchObject({
      problem:
        'helm uninstall: context deadline exceeded. Of its objects 1 of 2 are gone. Left: ConfigMap shop/held (waits for its finalizer field.example/hold).',
      next: expect.stringContaining('finalizers'),
    });
    expect(told.events).toContainEqual({ type: 'writing', at: 0, begun: true });
    expect(told.removed).toEqual([]);
  });

  it('of a release with objects of a kind that is gone is done without Helm, which stops there', async () => {
    const unknown = ['shop/templates/w.yaml: the cluster does not know Widget of field.example/v1.'];
    const { world, told } = helmWorld(
      { uninstall: () => Promise.reject(said('helm uninstall: failed to delete release: shop.')) },
      { remains: async () => ({ gone: [], left: ['Deployment shop/shop (is not being deleted)'], unknown }) },
    );
    expect(await uninstall(world, request, signal)).toMatchObject({ verdict: 'uninstalled' });
    expect(told.removed).toEqual([releaseOf(1).manifest]);
    await expect(uninstall(world, { ...request, keepHistory: true }, signal)).rejects.toThrow(
      /failed to delete release/,
    );
  });

  it('that Helm ends for another reason is not done without it', async () => {
    const { world, told } = helmWorld(
      { uninstall: () => Promise.reject(said('helm uninstall: pre-delete hooks failed.')) },
      { remains: async () => ({ gone: [], left: [], unknown: ['a Widget'] }) },
    );
    await expect(uninstall(world, request, signal)).rejects.toThrow(/pre-delete hooks failed/);
    expect(told.removed).toEqual([]);
  });
});
