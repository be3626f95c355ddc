import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { unlessGone } from '../../../lab/chaos/faults.ts';
import { type ChaosMesh, notBuilt, startChaosMesh } from '../../../lab/chaos/index.ts';
import { askFrom, queuesOf, serveFrom } from './pod-requests.ts';
import { openShop, type Shop } from './shop.ts';

const never = new AbortController().signal;
const apiVersion = 'chaos-mesh.org/v1alpha1';

const podList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), uid: z.string() }),
      status: z.object({ podIP: z.string() }),
    }),
  ),
});
type Pod = z.infer<typeof podList>['items'][number];

const faultType = z.object({
  spec: z.looseObject({}),
  status: z
    .object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) })
    .prefault({}),
});
const podNetwork = z.object({ status: z.object({ failedMessage: z.string().default('') }).prefault({}) });

type Condition = 'Selected' | 'AllInjected' | 'AllRecovered';

/** What Chaos Mesh says of a fault is compared with what pods see of it. */
describe.skipIf(notBuilt().length > 0)(
  'Chaos Mesh on the lab (skipped where it was not built: npm run lab -- build chaos)',
  () => {
    let chaos: ChaosMesh;
    let shop: Shop;
    beforeAll(async () => {
      shop = await openShop();
      return () => shop.close();
    });
    beforeAll(async () => {
      chaos = await startChaosMesh(never);
      return () => chaos.stop();
    });

    const pods = async () => podList.parse(await shop.api.get(shop.path.pods)).items;

    async function twoPods(): Promise<[Pod, Pod]> {
      await shop.settled();
      const [a, b] = await pods();
      if (!a || !b) throw new Error('The shop has no two pods.');
      return [a, b];
    }

    const chosen = ({ metadata }: Pod) => ({ mode: 'all', selector: { pods: { [shop.namespace]: [metadata.name] } } });

    /** Makes a fault, which goes with the test. */
    async function make(kind: 'PodChaos' | 'NetworkChaos', title: string, spec: Readonly<Record<string, unknown>>) {
      // A test that is repeated makes another one.
      const name = `${title}-${randomBytes(2).toString('hex')}`;
      const collection = `/apis/${apiVersion}/namespaces/${shop.namespace}/${kind.toLowerCase()}`;
      const path = `${collection}/${name}`;
      await shop.api.post(collection, { apiVersion, kind, metadata: { name, namespace: shop.namespace }, spec });
      const end = async () => void (await unlessGone(shop.api.delete(path)));
      onTestFinished(end);
      const read = async () => faultType.parse(await shop.api.get(path));
      const says = async (condition: Condition) => {
        const { conditions } = (await read()).status;
        return conditions.some(({ type, status }) => type === condition && status === 'True');
      };
      return {
        read,
        says,
        until: (condition: Condition) => shop.until(`${name} ${condition}`, () => says(condition), 20_000),
        end,
      };
    }

    it('pod-kill takes the pod away', async () => {
      const [victim, other] = await twoPods();
      const fault = await make('PodChaos', 'kill', { action: 'pod-kill', ...chosen(victim) });
      await fault.until('AllInjected');
      const isGone = async () => (await pods()).every(({ metadata }) => metadata.uid !== victim.metadata.uid);
      await shop.until('the end of the pod', isGone);
      const left = await twoPods();
      expect(left.map(({ metadata }) => metadata.uid)).toContain(other.metadata.uid);
    });

    it('a partition cuts two pods off from each other, until it goes', async () => {
      const [a, b] = await twoPods();
      const asks = () => askFrom(a.metadata.uid, `http://${b.status.podIP}:8080/`, 3_000);
      expect(await asks()).toMatchObject({ status: 200 });
      const spec = { action: 'partition', direction: 'both', ...chosen(a), target: chosen(b), duration: '60s' };
      const fault = await make('NetworkChaos', 'partition', spec);
      await fault.until('AllInjected');
      expect(await asks()).not.toHaveProperty('status');
      await fault.end();
      await shop.until('the way back', async () => (await asks()).status === 200);
    });

    it('a bandwidth without a target slows answers down, until its duration is over', async () => {
      const [a, b] = await twoPods();
      const server = await serveFrom(b.metadata.uid, 9_999, 100_000);
      onTestFinished(() => void server.kill());
      const bandwidth = { rate: '1mbit', limit: 20_971_520, buffer: 10_000 };
      const spec = { action: 'bandwidth', ...chosen(b), bandwidth, duration: '5s' };
      const fault = await make('NetworkChaos', 'bandwidth', spec);
      await fault.until('AllInjected');
      expect(await queuesOf(b.metadata.uid)).toContain('tbf');
      const { status, took } = await askFrom(a.metadata.uid, `http://${b.status.podIP}:9999/`, 10_000);
      expect(status).toBe(200);
      // 90 KB behind a bucket of 10 KB take 0.7 s at 1 Mbit/s.
      expect(took).toBeGreaterThan(600);
      await fault.until('AllRecovered');
      expect(await queuesOf(b.metadata.uid)).not.toContain('tbf');
    });

    it('a delay is selected and never injected, as the kernel has no netem', async () => {
      const [a, b] = await twoPods();
      const fault = await make('NetworkChaos', 'delay', { action: 'delay', ...chosen(b), delay: { latency: '300ms' } });
      // The webhooks fill in what is left out.
      expect((await fault.read()).spec).toMatchObject({ delay: { latency: '300ms', jitter: '0ms', correlation: '0' } });
      const state = `/apis/${apiVersion}/namespaces/${shop.namespace}/podnetworkchaos/${b.metadata.name}`;
      await shop.until('its failure', async () =>
        podNetwork.parse(await shop.api.get(state)).status.failedMessage.includes('unable to set tcs'),
      );
      expect(await fault.says('Selected')).toBe(true);
      expect(await fault.says('AllInjected')).toBe(false);
      expect(await queuesOf(b.metadata.uid)).not.toContain('netem');
      expect(await askFrom(a.metadata.uid, `http://${b.status.podIP}:8080/`, 3_000)).toMatchObject({ status: 200 });
    });

    it('goes with all its faults, those that never end among them', async () => {
      await chaos.stop();
      await expect(shop.api.get(`/apis/${apiVersion}`)).rejects.toThrow('HTTP 404');
      await expect(shop.api.get('/api/v1/namespaces/chaos-mesh')).rejects.toThrow('HTTP 404');
    });
  },
);
