import { afterAll, describe, expect, it } from 'vitest';
import { carryOut } from '../../../src/change/carry-out.ts';
import { releaseChange } from '../../../src/helm/change.ts';
import { createHelm } from '../../../src/helm/cli.ts';
import { type History, parseHistory } from '../../../src/helm/history.ts';
import { createReleaseObjects } from '../../../src/helm/objects.ts';
import type { HelmRequest, HelmWorld } from '../../../src/helm/ports.ts';
import { deployment } from '../../support/deployment.ts';
import { createQuickClock, startEmbeddedCluster } from '../../support/embedded-cluster.ts';

const cluster = await startEmbeddedCluster({ 'app:1': {}, 'app:missing': { pullFailure: 'pull access denied' } });
afterAll(() => cluster.stop());

const request: HelmRequest = {
  id: '1',
  release: 'shop',
  namespace: 'default',
  change: { timeout: 600_000, wait: true, waitForJobs: false, historyMax: 10, forceConflicts: false },
  undoOnFailure: true,
  test: false,
  dryRun: false,
};

/** Helm without its waiting for pods: only who watches beside it ends it. */
function worldOf(): { world: HelmWorld; told: string[]; written: (history: History) => void } {
  const { client } = cluster;
  const clock = createQuickClock(100);
  const told: string[] = [];
  let history: History = [];
  const world: HelmWorld = {
    helm: {
      ...createHelm({
        file: 'none',
        release: 'shop',
        namespace: 'default',
        env: {},
        flags: [],
        onLine: () => undefined,
      }),
      history: async () => history,
      uninstall: async () => {
        history = [];
      },
    },
    objects: createReleaseObjects({
      client,
      clock,
      release: 'shop',
      namespace: 'default',
      createNamespace: false,
      timeout: 600_000,
      jobs: false,
      forceConflicts: false,
      tell: (text) => void told.push(text),
    }),
    changes: { load: async () => undefined, save: async () => undefined },
    clock,
    emit: () => undefined,
    claim: async () => ({ lost: new AbortController().signal, release: async () => undefined }),
    stable: undefined,
    underRollout: async () => new Map(),
    fetchChart: () => Promise.reject(new Error('is not asked for')),
    missingNamespace: async () => undefined,
  };
  return {
    world,
    told,
    written: (now) => {
      history = now;
    },
  };
}

const installing = parseHistory(
  JSON.stringify([
    {
      revision: 1,
      updated: '2026-01-01T00:00:00Z',
      status: 'pending-install',
      chart: 'shop-1.2.3',
      app_version: '7',
      description: 'Initial install underway',
    },
  ]),
);

describe('The watch beside Helm', () => {
  it('sees what Helm has written in its first moment, and ends a Helm that waits for it in vain', async () => {
    const { world, told, written } = worldOf();
    const wanted = deployment('fast', 'app:missing');
    const writes = [{ object: 'Deployment default/fast', action: 'create' as const, before: undefined, after: wanted }];
    const act = {
      manifest: JSON.stringify(wanted),
      writes,
      endEarly: true,
      act: async (signal: AbortSignal) => {
        cluster.api.put(wanted);
        written(installing);
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        });
      },
    };
    const isWrong = () => {
      throw new Error('has another ending');
    };
    const change = releaseChange(world, request, {
      plan: async ({ history }) => ({ isNeeded: true, history, writes }),
      announce: () => '',
      act: () => act,
      words: { planned: isWrong, unchanged: isWrong, applied: isWrong, undone: 'rolled-back' },
    });
    const undone = await carryOut(change, new AbortController().signal);
    expect(undone?.verdict).toBe('rolled-back');
    expect(undone?.reason).toContain('Deployment default/fast: pod fast-');
    expect(undone?.reason).toContain("can't get its image app:missing");
    expect(told.join('\n')).toContain('Deployment default/fast: 1 of 1 updated, 0 available');
  });
});
