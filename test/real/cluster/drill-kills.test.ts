import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { unlessGone } from '../../../lab/chaos/faults.ts';
import { type ChaosMesh, notBuilt, startChaosMesh } from '../../../lab/chaos/index.ts';
import { endpoints } from '../../../lab/cluster/layout.ts';
import { insidePodNetwork } from '../../../lab/cluster/pod-network.ts';
import { pushShellImage } from '../../../lab/cluster/shell-image.ts';
import type { Run } from '../../../lab/embedded/runner.ts';
import { run as runProgram } from '../../../lab/programs/commands.ts';
import { drain, whereDrainsAreAllowed } from '../../e2e/cluster/drained-node.ts';
import { drill, inDrilledShop, recordOf, requests } from '../../e2e/cluster/drilled-shop.ts';
import { seeded, seedFrom } from '../../e2e/cluster/seeded.ts';
import type { Shop } from '../../e2e/cluster/shop.ts';

const never = new AbortController().signal;
const seed = seedFrom('SLUICE_DRILL_SEED');
const random = seeded(seed);
const KILLS = Number(process.env.SLUICE_DRILL_KILLS ?? 50);
process.stdout.write(`${KILLS} kills, moments by SLUICE_DRILL_SEED=${seed}\n`);

const plain = [
  'pod-kill on app=checkout one',
  'scale-to-zero on deployment/checkout for 8s',
  'istio-delay 1s 50% on virtualservice/checkout for 8s',
  'istio-abort 503 50% on virtualservice/checkout for 8s',
  'cpu-stress 1 on app=checkout one for 8s',
];
const ofChaosMesh = [
  'network-partition on app=checkout one for 8s',
  'network-bandwidth 1mbit on app=checkout one for 8s',
  'network-delay 300ms on app=checkout one for 8s',
];
const kinds = notBuilt().length > 0 ? plain : [...plain, ...ofChaosMesh];

/** The mark after which a drill is killed, and within how many milliseconds. */
const moments = [
  { mark: '', within: 9_000 },
  { mark: 'Injects ', within: 800 },
  { mark: 'Injected: ', within: 7_500 },
  { mark: 'Removes ', within: 1_500 },
] as const;

const sequels = ['its post step', 'another run with mode: clean-up'] as const;

interface Kill {
  readonly number: number;
  readonly faults: string;
  readonly mark: string;
  readonly after: number;
  readonly sequel: (typeof sequels)[number];
}

/** Of every ten, one is of a drain. */
const DRAINS = Math.floor(KILLS / 10);
const kills = Array.from({ length: KILLS - DRAINS }, (_, index): Kill => {
  const { mark, within } = moments[Math.floor(index / kinds.length) % moments.length] ?? moments[0];
  return {
    number: index + 1,
    faults: kinds[index % kinds.length] ?? '',
    mark,
    after: Math.round(random() * within),
    sequel: sequels[index % 3 === 0 ? 1 : 0],
  };
});

const drains = Array.from({ length: DRAINS }, (_, index): Kill => {
  // The last moments first: a kill before the injection is one of all kinds.
  const { mark, within } = moments[3 - (index % 3)] ?? moments[0];
  const after = Math.round(random() * within);
  return {
    number: KILLS - DRAINS + index + 1,
    faults: drain('8s'),
    mark,
    after,
    sequel: sequels[index % 2 === 0 ? 0 : 1],
  };
});

const podList = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string(), uid: z.string() }) })) });
const objectList = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });

/** What of a pod's network acts on packets: queues, rules of iptables, members of ipsets. */
async function networkOf(uid: string): Promise<string> {
  const inside = async (argv: readonly string[]) => {
    const [program = '', ...args] = await insidePodNetwork(uid, argv);
    return (await runProgram(program, args)).split('\n');
  };
  // The count of references changes by itself.
  const queues = (await inside(['tc', 'qdisc', 'show', 'dev', 'eth0'])).map((line) => line.replace(/ refcnt \d+/, ''));
  const rules = actingRules(await inside(['iptables-save']));
  const sets = (await inside(['ipset', 'list'])).filter((line) => /^\d+\.\d+/.test(line));
  return JSON.stringify({ queues, rules, sets });
}

/**
 * The rules that packets come to and that decide something. Until the pod's end, Chaos Mesh leaves chains that nothing jumps to, and
 * empty ones: those do nothing.
 */
function actingRules(lines: readonly string[]): string[] {
  const rules = lines.filter((line) => line.startsWith('-A ')).map((line) => line.split(' '));
  const own = new Set(lines.flatMap((line) => /^:(\S+) -/.exec(line)?.[1] ?? []));
  const of = (chain: string): string[] =>
    rules
      .filter(([, from]) => from === chain)
      .flatMap((rule) => {
        const target = rule[rule.indexOf('-j') + 1] ?? '';
        return own.has(target) ? of(target) : [rule.join(' ')];
      });
  return ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'].flatMap(of);
}

/** All that a drill may change, as the lab has it. A pod is told by its name: one that was killed is another one afterwards. */
async function stateOf(shop: Shop): Promise<Record<string, unknown>> {
  const { items } = podList.parse(await shop.api.get(shop.path.pods));
  const networks = await Promise.all(items.map(async ({ metadata }) => [metadata.uid, await networkOf(metadata.uid)]));
  const chaos = ['networkchaos', 'podnetworkchaos', 'podchaos'].map(async (kind) => {
    const path = `/apis/chaos-mesh.org/v1alpha1/namespaces/${shop.namespace}/${kind}`;
    // Without Chaos Mesh there is none.
    return objectList
      .parse((await unlessGone(shop.api.get(path))) ?? { items: [] })
      .items.map(({ metadata }) => metadata.name);
  });
  const nodes = z
    .object({ items: z.array(z.object({ spec: z.unknown() })) })
    .parse(await shop.api.get('/api/v1/nodes'));
  return {
    objects: await shop.inventory(),
    nodes: nodes.items.map(({ spec }) => JSON.stringify(spec)),
    networks: Object.fromEntries(networks),
    chaos: (await Promise.all(chaos)).flat(),
    pods: items.length,
    record: await recordOf(shop),
  };
}

/** The same, with the networks of the pods that are still the same ones. */
async function expectAsBefore(shop: Shop, before: Record<string, unknown>, log: string): Promise<void> {
  const networks = z.record(z.string(), z.string());
  const old = networks.parse(before.networks);
  const now = await stateOf(shop);
  const found = Object.entries(networks.parse(now.networks));
  // A pod that a fault has replaced is to be as the others were.
  const [any = ''] = Object.values(old);
  const expected = Object.fromEntries(found.map(([uid]) => [uid, old[uid] ?? any]));
  // A line that masks a secret for the runner holds it.
  const told = log.replaceAll(/^::add-mask::.*$/gm, '');
  expect(now, told).toEqual({ ...before, networks: expected });
}

const hasEnded = ({ main }: Run) => main.exitCode !== null || main.signalCode !== null;

/** Kills a drill at a moment, and lets the end be made by others: all is as it was before. */
async function tellOfKill(shop: Shop, kill: Kill, inputs: Readonly<Record<string, string>>): Promise<void> {
  const { number, faults, mark, after, sequel } = kill;
  const before = await stateOf(shop);
  const given = {
    faults,
    requests: requests(shop, endpoints.gateway, 10),
    'stop-when': 'never',
    'max-pods': '2',
    baseline: '2s',
    'steady-for': '3s',
    ...inputs,
  };
  const run = await drill(shop, given);
  await shop.until(`"${mark}"`, async () => run.printed().includes(mark) || hasEnded(run));
  await sleep(after);
  const had = await recordOf(shop);
  const wasOver = hasEnded(run);
  if (sequel === 'its post step') run.main.kill('SIGKILL');
  else run.kill();
  let { log } = await run.ended;
  if (sequel !== 'its post step') {
    const cleaning = await drill(shop, { ...given, mode: 'clean-up' }, { GITHUB_RUN_ID: '2' });
    const cleaned = await cleaning.ended;
    log += cleaned.log;
    expect(cleaned.status, log).toBe(0);
    await cleaning.clean();
  }
  await run.clean();
  await shop.settled();
  await expectAsBefore(shop, before, log);
  const left = wasOver
    ? 'it had ended'
    : had === undefined
      ? 'no record yet'
      : `record with ${had.faults.length} faults`;
  process.stdout.write(`| ${number} | ${faults} | ${after} ms after "${mark}" | ${left} | ${sequel} | as before |\n`);
}

describe('A drill that is killed', () => {
  let chaos: ChaosMesh | undefined;
  let image = '';
  beforeAll(async () => {
    image = await pushShellImage(never);
    if (notBuilt().length === 0) chaos = await startChaosMesh(never);
    return () => chaos?.stop();
  }, 300_000);

  test.concurrent.for(kills)('$number: $faults, $after ms after "$mark", then $sequel', (kill) =>
    inDrilledShop('none', (shop) => tellOfKill(shop, kill, { 'stress-image': image })),
  );
});

/** One after the other: each takes all pods of the node. */
describe('A drain that is killed', () => {
  test.for(drains)('$number: $after ms after "$mark", then $sequel', (kill) =>
    inDrilledShop('none', (shop) => whereDrainsAreAllowed(shop, (inputs) => tellOfKill(shop, kill, inputs))),
  );
});
