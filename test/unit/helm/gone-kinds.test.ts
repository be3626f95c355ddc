import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/core/errors.ts';
import { conclude, deploy } from '../../../src/helm/deploy.ts';
import { parseHistory } from '../../../src/helm/history.ts';
import { helmError } from '../../../src/helm/problems.ts';
import { rollBack } from '../../../src/helm/rollback.ts';
import { deployRequest, helmWorld, releaseOf } from '../../support/helm-world.ts';

const signal = new AbortController().signal;
const policy = 'apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: shop}\n';
const isGone = { unserved: async (manifest: string) => (manifest === policy ? ['PodSecurityPolicy shop'] : []) };
const historyOf = (...statuses: readonly string[]) =>
  parseHistory(
    JSON.stringify(statuses.map((status, index) => ({ revision: index + 1, status, description: 'Upgrade complete' }))),
  );

function errorOf(stderr: string) {
  const call = { command: 'upgrade', release: 'checkout', namespace: 'shop' };
  return helmError(call, { exitCode: 1, stdout: '', stderr });
}

describe('what Helm says of kinds that are gone', () => {
  const gone = 'no matches for kind "PodSecurityPolicy" in version "policy/v1beta1"';
  const mapping = `resource mapping not found for name: "shop" namespace: "" from "": ${gone}\nensure CRDs are installed first`;

  it.each([
    `Error: UPGRADE FAILED: unable to build kubernetes objects from current release manifest: ${mapping}`,
    `Error: UPGRADE FAILED: unable to build kubernetes objects from current release manifest: [${mapping}, ${mapping}]`,
    `Error: UPGRADE FAILED: current release manifest contains removed kubernetes api(s) for this kubernetes version and it is therefore unable to build the kubernetes objects for performing the diff. error from kubernetes: unable to recognize "": ${gone}`,
  ])('in its record leads to the ways out of it: %s', (stderr) => {
    expect(errorOf(stderr)).toMatchObject({
      code: 'unsupported',
      about: 'release shop/checkout',
      next: expect.stringMatching(/`helm mapkubeapis checkout --namespace shop`.*install it again.*mode: uninstall/),
    });
  });

  it.each(['release manifest', 'new release manifest'])('in the chart is told of the chart: %s', (what) => {
    expect(errorOf(`Error: unable to build kubernetes objects from ${what}: ${mapping}`)).toMatchObject({
      code: 'invalid-input',
      about: 'the chart',
      next: expect.stringContaining('kubectl api-resources'),
    });
  });
});

describe('a rollback that Helm would leave as pending', () => {
  const request = { ...deployRequest, revision: undefined };

  it.each([
    ['from a revision', [releaseOf(1), releaseOf(2, { manifest: policy })]],
    ['to a revision', [releaseOf(1, { manifest: policy }), releaseOf(2)]],
  ])('%s with a kind that is gone is refused before Helm begins', async (_, revisions) => {
    const release = async (revision = 2) => revisions.find(({ version }) => version === revision) ?? releaseOf(2);
    const history = async () => historyOf('superseded', 'deployed');
    const rollback = () => Promise.reject(new Error('began'));
    const { world, told } = helmWorld({ history, release, rollback }, isGone);
    for (const dryRun of [true, false]) {
      await expect(rollBack(world, { ...request, dryRun }, signal)).rejects.toMatchObject({
        code: 'unsupported',
        problem: "can't be rolled back by Helm: the cluster does not serve PodSecurityPolicy shop.",
        next: expect.stringContaining('helm mapkubeapis shop --namespace shop'),
      });
    }
    expect(told.events.some(({ type }) => type === 'writing')).toBe(false);
  });

  it('is not begun either to undo an upgrade that failed: the next one goes on from there', async () => {
    let statuses = ['deployed'];
    const { world } = helmWorld(
      {
        history: async () => historyOf(...statuses),
        async upgrade() {
          statuses = ['deployed', 'failed'];
          throw new SluiceError('not-ready', { about: 'Deployment shop/shop', problem: 'was not ready.', next: '' });
        },
        release: async (revision) => releaseOf(revision ?? 1, revision === 1 ? { manifest: policy } : {}),
        rollback: () => Promise.reject(new Error('began')),
      },
      {
        ...isGone,
        changes: async () => [{ object: 'ConfigMap shop/a', action: 'create', before: undefined, after: {} }],
      },
    );
    await expect(deploy(world, deployRequest, signal)).rejects.toThrow(
      /could not be changed.*was not ready.*not be brought back either.*does not serve PodSecurityPolicy shop/,
    );
  });
});

it('an installation that was stopped, and whose definitions are gone by now, is removed all the same', async () => {
  let statuses = ['pending-install'];
  const { world, told } = helmWorld(
    {
      history: async () => historyOf(...statuses),
      uninstall: () =>
        Promise.reject(new SluiceError('failed', { about: '', problem: 'failed to delete release: shop.', next: '' })),
    },
    {
      remains: async () => ({ gone: [], left: [], unknown: ['the cluster does not know Widget.'] }),
      async remove(manifest) {
        told.removed.push(manifest);
        statuses = [];
      },
    },
  );
  const record = { id: '1', baseline: null, latest: 0, undoing: false, keepFailed: false };
  const outcome = await conclude(
    { ...world, changes: { ...world.changes, load: async () => record } },
    deployRequest,
    signal,
  );
  expect(outcome).toMatchObject({ verdict: 'uninstalled' });
  expect(told.removed).toEqual([releaseOf(1).manifest]);
});
