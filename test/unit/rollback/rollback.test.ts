import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Command } from '../../../src/canary/ports.ts';
import type { KubernetesClient } from '../../../src/cluster/client.ts';
import { resources } from '../../../src/cluster/resources.ts';
import { createLedger } from '../../../src/ledger/ledger.ts';
import { LAST_HEALTHY } from '../../../src/rollback/choose.ts';
import { rollback } from '../../../src/rollback/rollback.ts';
import type { RollbackWorld } from '../../../src/rollback/world.ts';
import { createContext } from '../../../src/workloads/arms-context.ts';
import { rollbackWorkload } from '../../../src/workloads/rollback/target.ts';
import {
  Crash,
  createQuickClock,
  dyingClient,
  type EmbeddedCluster,
  startEmbeddedCluster,
} from '../../support/embedded-cluster.ts';
import { putShop } from '../../support/shop.ts';

const image = (version: number) => `registry.example/checkout:${version}`;
const running = () => new AbortController().signal;

/** The adapters of a rollback of the shop's Deployment, without a route. */
function worldOf(cluster: EmbeddedCluster, namespace: string, client: KubernetesClient): RollbackWorld {
  const clock = createQuickClock(20);
  const rollout = 'checkout';
  const holder = { identity: 'run-1', description: 'bob' };
  const context = createContext({ client, namespace, clock, rollout, drain: 0, lifetime: cluster.lifetime });
  return {
    workload: rollbackWorkload(context, { kind: 'Deployment', name: 'checkout', service: undefined, gitops: 'refuse' }),
    ledger: createLedger({ client, namespace, rollout, holder, clock, version: '1', nonce: () => crypto.randomUUID() }),
    clock,
    router: undefined,
    statements: async () => [],
    command: async (_: Command) => undefined,
    concluding: () => undefined,
    tell: () => undefined,
    considered: () => undefined,
    planned: () => undefined,
  };
}

const options = {
  wanted: LAST_HEALTHY,
  startedBy: 'bob',
  readyTimeout: 600_000,
  confirmTimeout: 60_000,
  undoTimeout: 60_000,
  dryRun: false,
};

describe('a rollback by hand', () => {
  let cluster: EmbeddedCluster;

  beforeAll(async () => {
    cluster = await startEmbeddedCluster(Object.fromEntries([1, 2, 3].map((version) => [image(version), {}])));
  });
  afterAll(() => cluster.stop());

  const reference = (namespace: string) => ({ type: resources.deployment, namespace, name: 'checkout' });

  /** A shop of three versions, of which the last one serves. */
  async function shopOfThree(namespace: string): Promise<void> {
    putShop(cluster, namespace, { image: image(1) });
    for (const version of [1, 2, 3]) await deploy(namespace, version);
  }

  async function deploy(namespace: string, version: number): Promise<void> {
    const path = '/spec/template/spec/containers/0/image';
    await cluster.client.patchJson(reference(namespace), [{ op: 'replace', path, value: image(version) }], running());
    const { workload } = worldOf(cluster, namespace, cluster.client);
    const { current } = await workload.look(running());
    await workload.confirm(current, () => undefined, running());
  }

  async function served(namespace: string): Promise<string> {
    return JSON.stringify((await cluster.client.get(reference(namespace), running())).spec);
  }

  it('that dies at any write and is run again ends at the same version, and goes no further back', async () => {
    let deaths = 0;
    for (let death = 1; ; death += 1) {
      const namespace = `dies-${death}`;
      await shopOfThree(namespace);
      const dying = worldOf(cluster, namespace, dyingClient(cluster.client, death));
      const died = await rollback(dying, options, running()).then(
        () => false,
        (error: unknown) => {
          if (error instanceof Crash) return true;
          throw error;
        },
      );
      if (died) deaths += 1;
      const outcome = await rollback(worldOf(cluster, namespace, cluster.client), options, running());
      expect(outcome.to.images.get('app')).toBe(image(2));
      expect(await served(namespace)).toContain(image(2));
      if (!died) break;
    }
    // The Lease, the plan, the template, and the plan's end; the Lease is given back after that.
    expect(deaths).toBeGreaterThanOrEqual(4);
  });

  it('tells of pods of the version before that do not end, and does not wait for ever', async () => {
    await shopOfThree('unending');
    const world = worldOf(cluster, 'unending', cluster.client);
    const told: string[] = [];
    const workload = { ...world.workload, leftovers: async () => 2 };
    const tell = (_: string, text: string) => void told.push(text);
    const outcome = await rollback({ ...world, workload, tell }, options, running());
    expect(outcome.verdict).toBe('rolled-back');
    expect(told).toContainEqual(expect.stringContaining('have not ended after 60 s: 2'));
  });

  it('goes on from the version that somebody deploys meanwhile, and not from its own plan', async () => {
    await shopOfThree('deployed-meanwhile');
    const dying = worldOf(cluster, 'deployed-meanwhile', dyingClient(cluster.client, 3));
    await expect(rollback(dying, options, running())).rejects.toThrow(Crash);
    await deploy('deployed-meanwhile', 1);
    const outcome = await rollback(worldOf(cluster, 'deployed-meanwhile', cluster.client), options, running());
    // The plan that was given up speaks against the third version.
    expect(outcome.to.images.get('app')).toBe(image(2));
  });

  it('does not fight over a template that somebody writes at the same time', async () => {
    await shopOfThree('written-meanwhile');
    const { workload } = worldOf(cluster, 'written-meanwhile', cluster.client);
    const { revisions, current } = await workload.look(running());
    const [, , first] = revisions;
    if (!first) throw new Error('the shop has fewer versions');
    await deploy('written-meanwhile', 2);
    await expect(workload.put(current, first, running())).rejects.toMatchObject({ code: 'conflict' });
    expect(await served('written-meanwhile')).toContain(image(2));
  });
});
