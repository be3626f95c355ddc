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
import { measure } from './measure.ts';
import { keepResult, type Result, readResults, wasLate } from './results.ts';
import { watchRoutes } from './route-watch.ts';
import { jobsOf, type Selection, sluices, whole } from './schedule.ts';
import { startSecondPrometheus } from './second-prometheus.ts';
import { sluice } from './sluice.ts';
import { breakdownTable, table } from './table.ts';
import { configNames, type Tool, type ToolName, toolNames } from './tool.ts';

const usage = `npm run bench:peers -- [OPTIONS]

Without --tools, --configs, --faults and --runs: all that docs/peers.md is made of.

  --tools    of ${toolNames.join(', ')}; sluice for its four meters
  --configs  of ${configNames.join(', ')}
  --faults   of ${faultNames.join(', ')}
  --runs     of each (5), with those that were measured before
  --parallel releases at once (10); only one of these commands at a time
  --pace     between the beginnings of two releases (12s)
  --for      no release begins later than that (3h)
  --limit    after which a release counts as undecided (45m)
  --table    measure nothing: print what was measured and write docs/peers.md`;

/** How often a release is measured again for which the lab was too busy. */
const AGAIN = 3;

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

const duration = (usual: string) =>
  z
    .string()
    .default(usual)
    .transform((text) => parseDuration(text) ?? Number.NaN)
    .pipe(z.number({ error: 'A duration looks like 30s or 10m.' }).positive());

const options = z.object({
  tools: list(toolNames, { sluice: sluices }).optional(),
  configs: list(configNames).optional(),
  faults: list(faultNames).optional(),
  runs: z.coerce.number().int().positive().optional(),
  parallel: z.coerce.number().int().positive().default(10),
  pace: duration('12s'),
  for: duration('3h'),
  limit: duration('45m'),
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
      pace: text,
      for: text,
      table: { type: 'boolean' },
    },
  });
  return options.parse(values);
}

/** What the options ask for; all that the page is made of where they name nothing. */
function selectionsOf({ tools, configs, faults, runs }: z.infer<typeof options>): readonly Selection[] {
  if (!tools && !configs && !faults && runs === undefined) return whole;
  return [
    {
      tools: tools ?? toolNames,
      configs: configs ?? ['hold', 'ramp'],
      faults: faults ?? faultNames,
      runs: runs ?? 5,
    },
  ];
}

async function measureAll(wanted: z.infer<typeof options>, signal: AbortSignal): Promise<void> {
  if ((await presence()) !== 'cluster') throw new Error('The lab is not up: npm run lab -- up');
  await mkdir(peersDir, { recursive: true });
  const api = await connect();
  const measured = (await readResults()).filter((one) => !wasLate(one));
  const jobs = jobsOf(selectionsOf(wanted), measured).map((job) => ({ job, again: AGAIN }));
  const needs = (...names: ToolName[]) => jobs.some(({ job }) => names.includes(job.tool));
  const stops: Stop[] = [];
  if (needs('argo', 'flagger')) stops.push(await startControllers(api, signal));
  if (needs('sluice-prometheus-1s')) stops.push(await startSecondPrometheus(api, signal));
  const watching = new AbortController();
  const routes = watchRoutes(api, watching.signal);
  const world = { api, tools, routes, limit: wanted.limit, signal };
  const end = Date.now() + wanted.for;
  let begun = 0;
  let turn = Promise.resolve();
  // Not several at once: pods and controllers need most of their time at the beginning.
  const begin = () => {
    const mine = turn;
    turn = mine.then(() => sleep(wanted.pace, undefined, { signal })).catch(() => undefined);
    return mine;
  };
  const work = async () => {
    for (;;) {
      await begin();
      const next = signal.aborted || Date.now() > end ? undefined : jobs.shift();
      if (!next) return;
      const { job, again } = next;
      begun += 1;
      const name = `${begun}, ${jobs.length} to go: ${job.tool} ${job.config} ${job.fault}`;
      try {
        const one = await measure(job, world);
        await keepResult(one);
        console.log(`${name}: ${tell(one)}`);
        if (wasLate(one) && again > 0) jobs.push({ job, again: again - 1 });
      } catch (error) {
        console.log(`${name}: no result: ${error instanceof Error ? error.message : error}`);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: wanted.parallel }, work));
  } finally {
    watching.abort();
    for (const stop of stops.toReversed()) await stop();
  }
}

function tell({ id, verdict, seconds, canary, bad, lost, duration, p99 }: Result): string {
  return `${verdict} after ${duration} s, canary ${canary} in ${seconds} s, bad ${bad}, lost ${lost}, p99 ${p99} ms (${id})`;
}

async function main(signal: AbortSignal): Promise<void> {
  const wanted = readCommandLine();
  if (!wanted.table) await measureAll(wanted, signal);
  const results = await readResults();
  const counted = results.filter((one) => !wasLate(one));
  console.log(`${table(counted)}\n\n${breakdownTable(counted)}`);
  console.log(`${results.length - counted.length} of ${results.length} left out, as the lab was too busy`);
  if (wanted.table) await writeDocument(counted);
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
