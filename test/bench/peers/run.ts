/** `npm run bench:peers`: Sluice, Flagger and Argo Rollouts on the same lab. Needs a lab that is up, and minutes. */
import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import parseDuration from 'parse-duration';
import * as z from 'zod';
import { connect } from '../../../lab/cluster/kubernetes.ts';
import { peersDir } from '../../../lab/cluster/layout.ts';
import { presence } from '../../../lab/cluster/status.ts';
import { argo } from './argo.ts';
import { type Stop, startControllers } from './controllers.ts';
import { writeDocument } from './document.ts';
import { faultNames } from './faults.ts';
import { flagger } from './flagger.ts';
import { type Job, measure } from './measure.ts';
import { keepResult, type Result, readResults } from './results.ts';
import { watchRoutes } from './route-watch.ts';
import { startSecondPrometheus } from './second-prometheus.ts';
import { sluice } from './sluice.ts';
import { table } from './table.ts';
import { configNames, type Tool, type ToolName, toolNames } from './tool.ts';

const usage = `npm run bench:peers -- [OPTIONS]

  --tools    of ${toolNames.join(', ')}; sluice for its four meters
  --configs  of ${configNames.join(', ')}
  --faults   of ${faultNames.join(', ')}
  --runs     of each (5)
  --parallel releases at once (8)
  --limit    after which a release counts as undecided (10m)
  --table    measure nothing: print what was measured and write docs/peers.md`;

/** Milliseconds between the first runs. */
const STAGGER = 5_000;

const tools: Readonly<Record<ToolName, Tool>> = {
  'sluice-pods': sluice('pods'),
  'sluice-gateway': sluice('gateway'),
  'sluice-prometheus-1s': sluice('prometheus-1s'),
  'sluice-prometheus-5s': sluice('prometheus-5s'),
  argo,
  flagger,
};

const list = <const T extends readonly string[]>(
  names: T,
  aliases: Readonly<Record<string, readonly T[number][]>> = {},
) =>
  z
    .string()
    .transform((text) => text.split(',').flatMap((name) => aliases[name] ?? [name]))
    .pipe(z.array(z.enum(names)));

const options = z.object({
  tools: list(toolNames, { sluice: toolNames.filter((name) => name.startsWith('sluice')) }).default([...toolNames]),
  configs: list(configNames).default(['hold', 'ramp']),
  faults: list(faultNames).default([...faultNames]),
  runs: z.coerce.number().int().positive().default(5),
  parallel: z.coerce.number().int().positive().default(8),
  limit: z
    .string()
    .default('10m')
    .transform((text) => parseDuration(text) ?? Number.NaN)
    .pipe(z.number().positive()),
  table: z.boolean().default(false),
});

function readCommandLine(): z.infer<typeof options> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      tools: text,
      configs: text,
      faults: text,
      runs: text,
      parallel: text,
      limit: text,
      table: { type: 'boolean' },
    },
  });
  return options.parse(values);
}

/** One run of each after the other, so that whatever disturbs the lab for a while disturbs all alike. */
function jobsOf({ tools: names, configs, faults, runs }: z.infer<typeof options>): Job[] {
  const once = names.flatMap((tool) =>
    configs
      .filter((config) => tools[tool].configs.includes(config))
      .flatMap((config) => faults.map((fault) => ({ tool, config, fault }))),
  );
  // Those that take longest begin first, so that the last ones don't have the lab for themselves.
  const longest = once.toSorted((a, b) => faultNames.indexOf(a.fault) - faultNames.indexOf(b.fault));
  return Array.from({ length: runs }, () => longest).flat();
}

async function measureAll(wanted: z.infer<typeof options>, signal: AbortSignal): Promise<void> {
  if ((await presence()) !== 'cluster') throw new Error('The lab is not up: npm run lab -- up');
  await mkdir(peersDir, { recursive: true });
  const api = await connect();
  const stops: Stop[] = [];
  if (wanted.tools.some((tool) => tool === 'argo' || tool === 'flagger'))
    stops.push(await startControllers(api, signal));
  if (wanted.tools.includes('sluice-prometheus-1s')) stops.push(await startSecondPrometheus(api, signal));
  const watching = new AbortController();
  const routes = watchRoutes(api, watching.signal);
  const world = { api, tools, routes, limit: wanted.limit, signal };
  const jobs = jobsOf(wanted);
  const queue = jobs.entries();
  const work = async (worker: number) => {
    // Not all at once: pods and controllers need most of their time at the beginning.
    await sleep(worker * STAGGER, undefined, { signal });
    for (const [index, job] of queue) {
      if (signal.aborted) return;
      const name = `${index + 1} of ${jobs.length}: ${job.tool} ${job.config} ${job.fault}`;
      try {
        const one = await measure(job, world);
        await keepResult(one);
        console.log(`${name}: ${tell(one)}`);
      } catch (error) {
        console.log(`${name}: no result: ${error instanceof Error ? error.message : error}`);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: wanted.parallel }, (_, worker) => work(worker)));
  } finally {
    watching.abort();
    for (const stop of stops) await stop();
  }
}

function tell({ id, verdict, seconds, canary, bad, lost, duration, p99 }: Result): string {
  return `${verdict} after ${duration} s, canary ${canary} in ${seconds} s, bad ${bad}, lost ${lost}, p99 ${p99} ms (${id})`;
}

async function main(signal: AbortSignal): Promise<void> {
  const wanted = readCommandLine();
  if (!wanted.table) await measureAll(wanted, signal);
  const results = await readResults();
  console.log(table(results));
  if (wanted.table) await writeDocument(results);
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => interrupted.abort(new Error(`ended by ${name}`)));
try {
  await main(interrupted.signal);
} catch (error) {
  console.error(error instanceof z.ZodError ? `${z.prettifyError(error)}\n\n${usage}` : error);
  process.exitCode = 1;
}
process.exit();
