import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ChaosMesh, notBuilt, startChaosMesh } from '../../../lab/chaos/index.ts';
import { kubeconfigPath } from '../../../lab/cluster/layout.ts';
import { createClient, type KubernetesClient } from '../../../src/cluster/client.ts';
import { loadConfig } from '../../../src/cluster/kubeconfig.ts';
import { type ResourceType, resources } from '../../../src/cluster/resources.ts';
import { connect } from '../../../src/cluster/transport.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { Json } from '../../../src/core/json.ts';
import { shortChaosFault } from '../../../src/drills/faults/chaos-mesh/plans.ts';
import { removeChaosMesh } from '../../../src/drills/faults/chaos-mesh/remove.ts';
import type { ChaosWorld, PodTarget } from '../../../src/drills/faults/chaos-mesh/target.ts';
import type { Fault } from '../../../src/drills/ports.ts';
import { openShop, type Shop } from './shop.ts';

const signal = new AbortController().signal;
const kinds: readonly ResourceType[] = ['NetworkChaos', 'PodNetworkChaos'].map((kind) => ({
  apiVersion: 'chaos-mesh.org/v1alpha1',
  kind,
  plural: kind.toLowerCase(),
}));

/** The cases of the contract test, against Chaos Mesh's own controller and daemon. */
describe.skipIf(notBuilt().length > 0)(
  'faults of a drill on Chaos Mesh (skipped where it was not built: npm run lab -- build chaos)',
  () => {
    let chaos: ChaosMesh;
    let shop: Shop;
    let client: KubernetesClient;
    const told: string[] = [];
    beforeAll(async () => {
      shop = await openShop();
      return () => shop.close();
    });
    beforeAll(async () => {
      chaos = await startChaosMesh(signal);
      const connection = connect(
        loadConfig({ kubeconfig: await readFile(kubeconfigPath, 'utf8'), context: '', env: {} }),
        {},
      );
      client = createClient(connection);
      return async () => {
        await connection.close();
        await chaos.stop();
      };
    });

    async function fault(kind: string, args: string[]): Promise<Fault> {
      await shop.settled();
      const world: ChaosWorld = {
        client,
        clock: systemClock,
        drill: 'checkout',
        run: 'run-1',
        random: Math.random,
        tell: (message) => told.push(message),
        async choose({ namespace, mode }: PodTarget) {
          const found = await client.list(resources.pod, namespace, {}, signal);
          const pods = found.map(({ metadata: { name, uid = '' } }) => ({ namespace, name, uid, node: '' }));
          return { pods: mode.kind === 'one' ? pods.slice(0, 1) : pods, candidates: pods.length };
        },
      };
      const target: PodTarget = { namespace: shop.namespace, selector: 'app', mode: { kind: 'one' } };
      const bounds = { namespace: shop.namespace, namespaces: [shop.namespace], maxDuration: 120_000 };
      const written = { kind, arguments: args, values: {} };
      return shortChaosFault({ written, text: kind, target, lasts: 60_000 }, bounds, world);
    }

    async function injected(of: Fault, felt: string): Promise<Json> {
      const { mark } = await of.aim(signal);
      await of.inject(mark, signal);
      await shop.until(felt, async () => (await of.effect(mark, signal)).felt === felt, 20_000);
      return mark;
    }

    const left = async () =>
      (await Promise.all(kinds.map((type) => client.list(type, shop.namespace, {}, signal)))).flat().length;

    it.each([
      ['network-partition', ['both']],
      ['network-bandwidth', ['1mbit']],
    ])('%s is felt, and nothing is left of it', async (kind, args) => {
      const one = await fault(kind, args);
      const mark = await injected(one, 'felt');
      await one.remove(mark, signal);
      expect(await left()).toBe(0);
    });

    it('a delay is not felt, and does not spoil the next fault', async () => {
      const delay = await fault('network-delay', ['300ms']);
      await delay.remove(await injected(delay, 'not-felt'), signal);
      expect(await left()).toBe(0);
      expect(told.join()).toContain('its finalizer chaos-mesh/records was taken away');
      const bandwidth = await fault('network-bandwidth', ['1mbit']);
      await bandwidth.remove(await injected(bandwidth, 'felt'), signal);
      expect(await left()).toBe(0);
    });

    it('another process removes a fault by its mark', async () => {
      const mark = await injected(await fault('network-bandwidth', ['1mbit']), 'felt');
      await removeChaosMesh({ client, clock: systemClock, drill: 'checkout' }, mark, signal);
      expect(await left()).toBe(0);
    });
  },
);
