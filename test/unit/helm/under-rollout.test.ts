import { expect, it } from 'vitest';
import { parseHistory } from '../../../src/helm/history.ts';
import type { HelmRequest, HelmWorld } from '../../../src/helm/ports.ts';
import { uninstall } from '../../../src/helm/uninstall.ts';

const request: HelmRequest & { readonly keepHistory: boolean } = {
  id: '1',
  release: 'checkout-canary',
  namespace: 'shop',
  change: { timeout: 60_000, wait: true, waitForJobs: false, historyMax: 10, forceConflicts: false },
  undoOnFailure: true,
  test: false,
  dryRun: false,
  keepHistory: false,
};

/** A canary's release that is installed, and a rollout that is not over on these objects. */
function worldOf(underRollout: readonly string[]) {
  let removed = 0;
  const route = { router: 'istio', object: 'VirtualService shop/checkout', weight: 0, data: null };
  const rollouts = new Map(underRollout.map((object) => [object, { startedBy: 'alice, run 1', route }]));
  const installed = [{ revision: 1, status: 'deployed', chart: 'checkout-1.0.0', app_version: '', description: '' }];
  const world: Pick<HelmWorld, 'underRollout' | 'claim' | 'emit' | 'clock'> &
    Record<'helm' | 'objects' | 'changes', object> = {
    underRollout: async () => rollouts,
    claim: async () => ({ lost: new AbortController().signal, release: async () => undefined }),
    emit: () => undefined,
    clock: { now: () => 0, sleep: async () => undefined },
    helm: {
      history: async () => parseHistory(JSON.stringify(installed)),
      release: async () => ({ version: 1, info: { status: 'deployed', notes: '' }, manifest: '' }),
      uninstall: async () => {
        removed += 1;
      },
    },
    objects: { names: async () => ['Deployment shop/checkout-canary'], changes: async () => [] },
    changes: { load: async () => undefined, save: async () => undefined },
  };
  // Nothing else of the adapters is called by an uninstall.
  return { world: world as unknown as HelmWorld, removed: () => removed };
}

it('a canary that a rollout sends requests to is not removed, and the rollout is named', async () => {
  const { world, removed } = worldOf(['Deployment shop/checkout-canary', 'Deployment shop/checkout']);
  await expect(uninstall(world, request, new AbortController().signal)).rejects.toMatchObject({
    code: 'conflict',
    about: 'Deployment shop/checkout-canary',
    problem: expect.stringContaining('VirtualService shop/checkout that is not over (alice, run 1)'),
  });
  expect(removed()).toBe(0);
});

it('a canary that no rollout is about any more is removed', async () => {
  const { world, removed } = worldOf(['Deployment shop/cart']);
  expect((await uninstall(world, request, new AbortController().signal)).verdict).toBe('uninstalled');
  expect(removed()).toBe(1);
});
