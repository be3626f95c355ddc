import { expect } from 'vitest';
import type { Ended, Run } from '../../../lab/embedded/runner.ts';
import { auditOf, isWrite } from './audit.ts';
import { digestImage, openShop, releaseOf, type Shop } from './shop.ts';
import { figures, isLost, keep, type Seen, underLoad } from './traffic.ts';
import { type Rise, watchWeights } from './weights.ts';

const plan = { steps: '20 for 2s, 60 for 1s, 100', 'min-requests': '10', drain: '2s' } as const;

/** Of a good release hardly one in ten thousand may be taken for a bad one: these tests make many. */
const judge = { 'false-rollback-probability': '0.0001' } as const;

/** All that a release of one workload behind a VirtualService may write. */
const WRITTEN = [
  'configmaps/sluice-checkout',
  'deployments/checkout',
  'deployments/checkout-canary',
  'leases/sluice-checkout',
  'services/checkout-canary',
  'virtualservices/checkout',
];

type Tag = 'v2' | 'v2-slow' | 'v2-errors-10pct' | 'v2-errors-100pct';

/** What may serve in the end: an image of these, or the one that the shop was found with. */
export type Serving = Tag | 'as found';

export type Inputs = Readonly<Record<string, string>>;

/** Inputs that release an image by the plan that is stopped. */
export async function stoppedRelease(tag: Tag): Promise<Inputs> {
  return { ...(await releaseOf(tag)), ...plan, ...judge };
}

/** When no process may raise the weight: from the end of one until the next one began to act. */
interface Silence {
  readonly from: number;
  readonly to: number;
}

/** Milliseconds in which a request lands that a process sent last. */
const UNDER_WAY = 1_000;

/** No process raises the weight any more. */
export function silenceFromNow(): Silence {
  return { from: Date.now() + UNDER_WAY, to: Number.POSITIVE_INFINITY };
}

export interface Stopped {
  /** What was started and came to no end, if another run had to. */
  readonly first?: Ended;
  readonly last?: Run;
  /** What that run was asked for. */
  readonly lastInputs?: Inputs;
  readonly silence?: Silence;
  /** Where the record shows the rollout that was stopped, before another run acts on it. */
  readonly left?: Left;
}
type Left = Awaited<ReturnType<Shop['record']>>;

interface Told extends Stopped {
  readonly seen: Seen;
  readonly shop: Shop;
  /** The rollout's record after all. */
  readonly record: Left;
  /** Asserts all that must be so however it ended, and that an image alone serves in the end. */
  expectServed(serving: Serving): Promise<void>;
}

/**
 * Releases to a new shop under load, stops that, and looks at what is there in the end.
 *
 * @param stop what happens to the release; gives back the run whose end counts, where that is another one
 */
export async function tellOfStop(
  name: string,
  inputs: Inputs,
  stop: (run: Run, shop: Shop, inputs: Inputs) => Promise<Stopped>,
  look: (told: Told) => Promise<void>,
): Promise<void> {
  const shop = await openShop();
  const weights = watchWeights(shop);
  try {
    const before = { inventory: await shop.inventory(), route: await shop.asWritten(shop.path.virtualService) };
    const deployment = `${shop.path.deployments}/checkout`;
    const [imageFound = ''] = (await podImages(shop)).values();
    let stopped: Stopped = {};
    const seen = await underLoad(
      { host: shop.hosts.istio, rate: 40 },
      () => shop.start(inputs),
      async (run) => {
        stopped = await stop(run, shop, inputs);
        return stopped.last;
      },
    );
    const rises = await weights.stop();
    const log = `${stopped.first?.log ?? ''}${seen.ended.log}`;
    await keep(name, { ...seen, ended: { ...seen.ended, log } });
    const record = await shop.record();
    await look({
      ...stopped,
      seen,
      shop,
      record,
      async expectServed(serving) {
        expect(seen.sent.filter(isLost).slice(0, 3)).toEqual([]);
        expectAlongThePlans(rises, [inputs, stopped.lastInputs ?? {}]);
        expectSilence(rises, stopped.silence);
        const image = serving === 'as found' ? imageFound : await digestImage(serving);
        expect(await servingAfter(shop, seen)).toEqual([image]);
        // Whichever way it ended, the route is the one that people wrote.
        expect(await shop.asWritten(shop.path.virtualService)).toBe(before.route);
        expect(await shop.inventory()).toEqual({
          ...before.inventory,
          [deployment]: before.inventory[deployment]?.replace(imageFound, image),
        });
        const written = await writtenIn(shop);
        if (record) expect(written).toContain('configmaps/sluice-checkout');
        expect(written.filter((object) => !WRITTEN.includes(object))).toEqual([]);
      },
    });
  } finally {
    await weights.stop();
    await shop.close();
  }
}

/** The objects that releases have written, as the API server's own log has it: `deployments/checkout`. */
async function writtenIn({ namespace }: Shop): Promise<string[]> {
  const writes = (await auditOf(namespace)).filter((asked) => isWrite(asked) && !asked.uri.includes('dryRun=All'));
  return [...new Set(writes.map(({ resource, name }) => `${resource}/${name}`))];
}

/** The image of each pod, by its name. */
async function podImages(shop: Shop): Promise<Map<string, string>> {
  const pods = await shop.pods();
  return new Map(pods.map(({ metadata, spec }) => [metadata.name, spec.containers.map(({ image }) => image).join()]));
}

/** The images of the pods that answered after the end, each once; `gone` for a pod that is not there any more. */
async function servingAfter(shop: Shop, { sent, endedAt }: Seen): Promise<string[]> {
  const images = await podImages(shop);
  return [...new Set(sent.filter(({ at }) => at > endedAt).map(({ pod }) => images.get(pod) ?? 'gone'))];
}

/** Weight rises from one step of a plan to the next. */
function expectAlongThePlans(rises: readonly Rise[], runs: readonly Inputs[]): void {
  const planned = runs.flatMap(({ steps = '' }) => {
    const weights = steps.split(',').map((step) => Number.parseInt(step, 10));
    return weights.map((weight, index) => `${weights[index - 1] ?? 0} → ${weight}`);
  });
  expect(rises.map(({ from, to }) => `${from} → ${to}`).filter((rise) => !planned.includes(rise))).toEqual([]);
}

/** Nothing rises while there is no process that would see what comes of it. */
function expectSilence(rises: readonly Rise[], silence: Silence | undefined): void {
  expect(rises.filter(({ after, before }) => silence && after >= silence.from && before <= silence.to)).toEqual([]);
}

/** Waits until a run has printed something. An end before that is an error. */
export async function shows(run: Run, shop: Shop, text: string | RegExp): Promise<void> {
  const isThere = () => (typeof text === 'string' ? run.printed().includes(text) : text.test(run.printed()));
  await shop.until(`"${text}" in the log`, async () => isThere() || hasEnded(run));
  if (!isThere()) throw new Error(`It ended without "${text}": ${run.printed().trim().split('\n').at(-1)}`);
}

function hasEnded({ main }: Run): boolean {
  return main.exitCode !== null || main.signalCode !== null;
}

/** What a run prints when it begins to act on what an earlier one has left, or anew. */
const ACTS =
  /Goes on with what|First clearing up|The route goes back|Step \d|nothing was changed|The data plane follows/;

/** Starts a run that finds what a dead one has left, and waits until it acts. */
export async function nextRun(shop: Shop, inputs: Inputs, env: Readonly<Record<string, string>>): Promise<Stopped> {
  const { from } = silenceFromNow();
  const last = await shop.start(inputs, env);
  await shows(last, shop, 'Rollout');
  const left = await shop.record();
  await shop.until('the next run at work', async () => ACTS.test(last.printed()) || hasEnded(last));
  return { last, lastInputs: inputs, left, silence: { from, to: Date.now() } };
}

/** One line for people: what was stopped when, and how it ended. */
export function report(told: Told, when: string): void {
  const { verdict, after, lost, requests } = figures(told.seen);
  process.stdout.write(
    `| ${when} | ${told.record?.phase ?? 'no record'} ${told.record?.verdict ?? ''} | ${verdict || 'none'} | exit ${told.seen.ended.status ?? 'killed'} | ${after.join()} | ${lost} of ${requests} lost |\n`,
  );
}
