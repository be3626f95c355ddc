import { glob, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { notBuilt, startChaosMesh } from '../../../lab/chaos/index.ts';
import { pushShellImage } from '../../../lab/cluster/shell-image.ts';
import { LAB } from '../../../lab/programs/commands.ts';
import type { DrillReport } from '../../../src/report/drill/drill-report.ts';
import { drain, whereDrainsAreAllowed } from '../../e2e/cluster/drained-node.ts';
import { drill, inDrilledShop, recordOf, reportOf, requests } from '../../e2e/cluster/drilled-shop.ts';
import { type Observed, startObserver } from '../../e2e/cluster/observer.ts';
import { askFrom, queuesOf } from '../../e2e/cluster/pod-requests.ts';
import type { Shop } from '../../e2e/cluster/shop.ts';
import { shows } from '../../e2e/cluster/stops.ts';

const never = new AbortController().signal;

interface Case {
  readonly faults: string;
  readonly inputs?: Readonly<Record<string, string>>;
  /** The lab's own word for it while the fault is there: a sentence. It throws where the fault is not felt, or felt where it must not. */
  readonly truth: (about: { shop: Shop; found: readonly Pod[]; seen: () => readonly Observed[] }) => Promise<string>;
  readonly felt?: 'felt' | 'not-felt';
}

const podList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        name: z.string(),
        namespace: z.string(),
        uid: z.string(),
        labels: z.record(z.string(), z.string()).default({}),
      }),
      status: z.object({ podIP: z.string().default('') }),
    }),
  ),
});
type Pod = z.infer<typeof podList>['items'][number];
const podsOf = async ({ api, path }: Shop) => podList.parse(await api.get(path.pods)).items;

/** Drills, asks the lab for the truth while the fault is there, and compares; nothing may be left. */
async function compare(shop: Shop, { faults, inputs, truth, felt = 'felt' }: Case): Promise<DrillReport> {
  await using observer = await startObserver(2_000);
  const found = await podsOf(shop);
  const inventory = await shop.inventory();
  const run = await drill(shop, {
    faults,
    requests: requests(shop, observer.url, 40, '2s'),
    'stop-when': 'never',
    ...inputs,
  });
  await shows(run, shop, 'Injected: ');
  const told = await truth({ shop, found, seen: observer.seen }).catch((error: unknown) => `UNTRUE: ${error}`);
  const { outputs, log } = await run.ended;
  expect(outputs.felt, log).toBe(felt);
  expect(told).not.toContain('UNTRUE');
  if (felt === 'not-felt') expect(outputs.verdict).toBe('incomplete');
  expect(outputs.left).toBe('');
  await shop.settled();
  expect(await shop.inventory()).toEqual(inventory);
  expect(await recordOf(shop)).toBeUndefined();
  const report = await reportOf(outputs);
  process.stdout.write(
    `| ${faults} | ${felt} | ${report.faults[0]?.effect?.evidence} | ${told} | ${outputs.verdict} |\n`,
  );
  await run.clean();
  return report;
}

/** Waits until something is so, and says it. */
async function holds(shop: Shop, sentence: string, condition: () => Promise<boolean>): Promise<string> {
  await shop.until(sentence, condition, 20_000);
  return sentence;
}

const isGone = async (shop: Shop, found: readonly Pod[], least = 1) => {
  const uids = new Set((await podsOf(shop)).map(({ metadata }) => metadata.uid));
  return found.filter(({ metadata }) => !uids.has(metadata.uid)).length >= least;
};

/** Seconds of processor time of all processes of a pod, as the kernel counts them. */
async function processorTime(uid: string): Promise<number> {
  let ticks = 0;
  for await (const path of glob('/proc/[0-9]*/cgroup')) {
    const cgroups = await readFile(path, 'utf8').catch(() => '');
    if (!cgroups.includes(`/pod${uid}/`)) continue;
    const stat = await readFile(path.replace(/cgroup$/, 'stat'), 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks / 100;
}

const plain: readonly Case[] = [
  {
    faults: 'pod-kill on app=checkout one',
    truth: ({ shop, found }) => holds(shop, 'one pod is gone', () => isGone(shop, found)),
  },
  {
    faults: 'scale-to-zero on deployment/checkout for 10s',
    inputs: { 'max-pods': '2' },
    truth: ({ shop }) => holds(shop, 'there is no pod', async () => (await podsOf(shop)).length === 0),
  },
  {
    faults: 'istio-delay 1s 50% on virtualservice/checkout for 10s',
    inputs: { 'max-pods': '2' },
    truth: ({ shop, seen }) =>
      holds(shop, 'requests took a second longer', async () => seen().filter(({ took }) => took >= 1_450).length >= 20),
  },
  {
    faults: 'istio-abort 503 50% on virtualservice/checkout for 10s',
    inputs: { 'max-pods': '2' },
    truth: ({ shop, seen }) =>
      holds(shop, 'requests got 503', async () => seen().filter(({ status }) => status === 503).length >= 20),
  },
];

describe.concurrent('A fault that is felt', () => {
  test.for(plain)('$faults', (one) => inDrilledShop('none', async (shop) => void (await compare(shop, one))));

  test('cpu-stress', async () => {
    const image = await pushShellImage(never);
    await inDrilledShop('none', async (shop) => {
      await compare(shop, {
        faults: 'cpu-stress 1 on app=checkout one for 15s',
        inputs: { 'stress-image': image },
        truth: () =>
          holds(shop, 'the kernel counts 2 s of processor time', async () => {
            const stress = (await podsOf(shop)).find(({ metadata }) => metadata.name.startsWith('sluice-stress'));
            return stress !== undefined && (await processorTime(stress.metadata.uid)) >= 2;
          }),
      });
    });
  });
});

describe.skipIf(notBuilt().length > 0)('Of Chaos Mesh', () => {
  test('partition and bandwidth are felt, a delay is not, and does not spoil what follows', async () => {
    const chaos = await startChaosMesh(never);
    try {
      await inDrilledShop('none', async (shop) => {
        await compare(shop, {
          faults: 'network-partition on app=checkout one for 15s',
          truth: ({ found }) =>
            holds(shop, 'packets of one pod are dropped', async () => {
              const [a, b] = found;
              if (!a || !b) throw new Error('The shop has no two pods.');
              const { status } = await askFrom(a.metadata.uid, `http://${b.status.podIP}:8080/`, 1_500);
              return status === undefined;
            }),
        });
        // With one pod, each fault hits the same.
        await shop.api.merge(`${shop.path.deployments}/checkout`, { spec: { replicas: 1 } });
        await shop.settled();
        const queue = async (found: readonly Pod[]) => queuesOf(found[0]?.metadata.uid ?? '');
        const delayed = await compare(shop, {
          faults: 'network-delay 300ms on app=checkout one for 10s',
          felt: 'not-felt',
          truth: async ({ found }) =>
            (await queue(found)).includes('netem') ? 'UNTRUE: it is there' : 'there is no netem',
        });
        const slow: Case = {
          faults: 'network-bandwidth 1mbit on app=checkout one for 10s',
          truth: ({ found }) => holds(shop, 'tc has tbf', async () => (await queue(found)).includes('tbf')),
        };
        const next = await compare(shop, slow);
        expect(next.faults[0]?.aim?.pods).toEqual(delayed.faults[0]?.aim?.pods);
      });
    } finally {
      await chaos.stop();
    }
  });
});

describe('A node that is drained', () => {
  test('is felt', async () => {
    await inDrilledShop('none', async (shop) => {
      const node = async () =>
        JSON.stringify(z.object({ spec: z.unknown() }).parse(await shop.api.get(`/api/v1/nodes/${LAB}`)).spec);
      const before = await node();
      await whereDrainsAreAllowed(shop, async (inputs) => {
        const truth: Case['truth'] = ({ found }) =>
          holds(
            shop,
            'its pods are gone, and it is cordoned',
            async () => (await isGone(shop, found, 2)) && (await node()).includes('unschedulable'),
          );
        await compare(shop, { faults: drain('20s'), inputs, truth });
      });
      expect(await node()).toBe(before);
    });
  });
});
