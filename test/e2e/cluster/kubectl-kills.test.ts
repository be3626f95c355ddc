import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createInventoryStore } from '../../../src/apply/inventory.ts';
import { parseManifests, resolveObjects } from '../../../src/apply/objects.ts';
import type { KubernetesClient } from '../../../src/cluster/client.ts';
import { systemClock as clock } from '../../../src/core/clock.ts';
import { conclude } from '../../../src/kubectl/conclude.ts';
import { deploy } from '../../../src/kubectl/deploy.ts';
import type { DeployOptions, DeployWorld } from '../../../src/kubectl/world.ts';
import { claimLease } from '../../../src/ledger/lease.ts';
import { createSeal } from '../../../src/ledger/seal.ts';
import { dyingClient } from '../../support/embedded-cluster.ts';
import { configMapOf, deploymentOf, inPlace, type Place, together } from './kubectl.ts';

const never = new AbortController().signal;

/** All processes have the same credentials. */
const seal = createSeal();

function worldOf({ namespace }: Place, client: KubernetesClient): DeployWorld {
  const store = createInventoryStore(client, namespace, 'shop', seal);
  const holder = { identity: 'run', description: 'run' };
  return {
    client,
    store,
    clock,
    emit: () => undefined,
    claim: (signal) =>
      claimLease(
        { client, lease: store.lease, rollout: 'shop', holder, clock, duration: 15_000, nonce: randomUUID },
        signal,
      ),
  };
}

function optionsOf({ namespace }: Place): DeployOptions {
  return {
    id: 'run',
    startedBy: 'alice',
    name: 'shop',
    namespace,
    createNamespace: false,
    prune: true,
    pruneKinds: [],
    force: false,
    wait: true,
    undoOnFailure: true,
    timeout: 30_000,
    maxRestarts: 3,
    dryRun: false,
  };
}

async function objectsOf({ client, namespace }: Place, text: string) {
  return resolveObjects(client, parseManifests([{ name: 'app.yaml', text }]), namespace, never);
}

const before = together(configMapOf('a', '1'), configMapOf('gone', '1'), deploymentOf('web'));
const after = together(configMapOf('a', '2'), configMapOf('new', '1'), deploymentOf('web', { env: { NEW: 'yes' } }));

async function apply(place: Place, client: KubernetesClient, text: string) {
  return deploy(worldOf(place, client), optionsOf(place), await objectsOf(place, text), never);
}

/** Begins a deployment whose process dies instead of this write. True when it came to its end before. */
async function killedAt(place: Place, write: number): Promise<boolean> {
  try {
    return (await apply(place, dyingClient(place.client, write), after)) === 'deployed';
  } catch {
    return false;
  }
}

/** One kill before each write of a deployment, in a place of its own. */
async function atEachWrite(check: (place: Place, found: unknown, asked: unknown) => Promise<void>): Promise<number> {
  for (let write = 1; ; write += 1) {
    let wasOver = false;
    await inPlace(async (place) => {
      await apply(place, place.client, after);
      const asked = await place.contents();
      await apply(place, place.client, before);
      const found = await place.contents();
      wasOver = await killedAt(place, write);
      if (!wasOver) await check(place, found, asked);
    });
    if (wasOver) return write - 1;
  }
}

describe.concurrent('a deployment that is killed before any of its writes', () => {
  test('ends as asked when it is run again', async () => {
    const writes = await atEachWrite(async (place, _, asked) => {
      expect(['deployed', 'unchanged']).toContain(await apply(place, place.client, after));
      expect(await place.contents()).toEqual(asked);
      expect(await place.inventory()).toMatchObject({ phase: 'ended' });
      expect(await apply(place, place.client, after)).toBe('unchanged');
    });
    expect(writes).toBeGreaterThan(10);
  });

  test('is as it was, or as asked where it was beyond the waiting, when its post step concludes it', async () => {
    await atEachWrite(async (place, found, asked) => {
      const verdict = await conclude(worldOf(place, place.client), optionsOf(place), never);
      const wasBegun = verdict !== undefined;
      if (wasBegun) expect(await place.snapshot()).toBeUndefined();
      const ended = (await place.inventory())?.verdict;
      if (verdict === 'undone' || !wasBegun) expect([found, asked]).toContainEqual(await place.contents());
      if (verdict === 'undone') expect(await place.contents()).toEqual(found);
      if (verdict === 'deployed') expect(await place.contents()).toEqual(asked);
      expect(['deployed', 'undone']).toContain(ended);
    });
  });
});
