import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Api } from '../../../lab/cluster/kubernetes.ts';
import { peersDir } from '../../../lab/cluster/layout.ts';
import { load, type Sent } from '../../../lab/cluster/load.ts';
import { isLost } from '../../e2e/cluster/traffic.ts';
import { breakdownOf } from './breakdown.ts';
import { isBad, isCanary, seen } from './client.ts';
import { type Canary, crashLater } from './crash.ts';
import type { Fault } from './faults.ts';
import type { Result } from './results.ts';
import type { Shift, watchRoutes } from './route-watch.ts';
import { openShop } from './shop.ts';
import type { ConfigName, Ending, Tool, ToolName } from './tool.ts';

/** Requests a second to every shop. */
const RATE = 100;

/** Milliseconds of requests before a release: a few scrapes. */
const BEFORE = 15_000;
/** Milliseconds after which it is clear what a tool does about a crash loop, with steps of seconds. */
const CRASH_LIMIT = 90_000;

export interface Job {
  readonly tool: ToolName;
  readonly config: ConfigName;
  readonly fault: Fault;
}

interface World {
  readonly api: Api;
  readonly tools: Readonly<Record<ToolName, Tool>>;
  readonly routes: ReturnType<typeof watchRoutes>;
  /** Milliseconds after which a release counts as undecided. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** One release in a shop of its own, under load, from before its begin until after its end. */
export async function measure({ tool: name, config, fault }: Job, world: World): Promise<Result> {
  const { api, tools, routes, signal } = world;
  const tool = tools[name];
  const shop = await openShop(api, prefixOf(name));
  const ended = new AbortController();
  const files = join(peersDir, `${shop.namespace}-${config}-${fault.replace('%', 'pct')}`);
  try {
    await tool.install(shop, config);
    const canary: Canary = { pods: new Set(), firstAt: undefined };
    const sending = load({
      host: shop.host,
      rate: RATE,
      duration: Number.POSITIVE_INFINITY,
      signal: AbortSignal.any([signal, ended.signal]),
      onAnswer(sent) {
        if (!isCanary(sent)) return;
        canary.firstAt ??= Date.now();
        canary.pods.add(sent.pod);
      },
    });
    await sleep(BEFORE, undefined, { signal });
    const releasedAt = Date.now();
    const limit = AbortSignal.any([
      signal,
      AbortSignal.timeout(fault === 'crash' && config !== 'sample' ? CRASH_LIMIT : world.limit),
    ]);
    const crash = fault === 'crash' ? crashLater(shop, canary) : undefined;
    const ending = await tool
      .release({ shop, config, fault, files, signal: limit })
      .catch((error: unknown): Ending => undecided(error, limit, signal));
    const endedAt = Date.now();
    await crash?.stop();
    await sleep(tool.aftermath, undefined, { signal });
    ended.abort();
    const sent = await sending;
    await keepRequests(files, sent, routes.of(shop.namespace));
    const shifts = routes.of(shop.namespace);
    const what = seen(sent, crash?.at());
    const breakdown = await breakdownOf({ tool: name, config, fault, files, sent, shifts, namespace: shop.namespace });
    return {
      id: shop.namespace,
      tool: name,
      config,
      fault,
      at: new Date(releasedAt).toISOString(),
      ...ending,
      duration: (endedAt - releasedAt) / 1_000,
      requests: sent.length,
      ...what,
      ...(breakdown && { breakdown }),
    };
  } finally {
    ended.abort();
    await shop.close();
  }
}

function prefixOf(tool: ToolName): string {
  return tool.replace('sluice-', 's-').replace('prometheus', 'prom');
}

function undecided(error: unknown, limit: AbortSignal, signal: AbortSignal): Ending {
  signal.throwIfAborted();
  if (!limit.aborted) throw error;
  return { verdict: 'undecided', reason: 'it had not ended within the limit of the benchmark' };
}

/** All but stable's good answers, and each weight that the route got. */
async function keepRequests(files: string, sent: readonly Sent[], shifts: readonly Shift[]): Promise<void> {
  const telling = sent.filter((one) => isCanary(one) || isLost(one) || isBad(one));
  const lines = [...shifts, ...telling].map((one) => `${JSON.stringify(one)}\n`).join('');
  await writeFile(`${files}.requests.jsonl.gz`, await promisify(gzip)(lines));
}
