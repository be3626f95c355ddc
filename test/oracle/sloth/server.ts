import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { request } from 'undici';
import { parse, stringify } from 'yaml';
import * as z from 'zod';
import { close, listen } from '../../../lab/embedded/sockets.ts';
import { type Server, startServer } from '../../../lab/observability/server.ts';
import { freePort } from '../../../lab/programs/processes.ts';
import { waitUntil } from '../../../lab/programs/wait.ts';
import type { GeneratedSeries } from './series.ts';

const rulesFile = z.object({
  groups: z.array(z.object({ name: z.string(), rules: z.array(z.record(z.string(), z.unknown())) })),
});
const answer = z.object({
  data: z.object({
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        value: z.tuple([z.number(), z.string()]).optional(),
        values: z.array(z.tuple([z.number(), z.string()])).optional(),
      }),
    ),
  }),
});

const evaluations = z.object({ data: z.object({ groups: z.array(z.object({ lastEvaluation: z.string() })) }) });

/** What was found for one objective, all of it at one instant. */
export interface Evaluated {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly isFiring: Readonly<Record<'page' | 'ticket', boolean>>;
  /** The shares of bad events that Sloth's rules recorded, by window as Sloth names it: `5m`. */
  readonly shares: ReadonlyMap<string, number>;
}

/** A real Prometheus that has scraped the series and evaluated Sloth's rules. */
export interface RulesServer {
  readonly address: string;
  /** By the name of the objective. */
  readonly evaluated: ReadonlyMap<string, Evaluated>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * @param program the path of `prometheus`
 * @param cases the series of each objective, by what their label `case` says
 */
export async function evaluateRules(
  program: string,
  cases: ReadonlyMap<string, readonly GeneratedSeries[]>,
  signal: AbortSignal,
): Promise<RulesServer> {
  const loaded = new Set<string>();
  // Each case is a target of its own, as a large answer may take longer than a scrape may. What is stored is not given again.
  const exporter = createServer(({ url = '' }, response) => {
    const name = url.slice(1);
    const body = loaded.has(name) ? '' : expositionOf(name, cases.get(name) ?? []);
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(body);
  });
  const exporterPort = await listen(exporter, 0);
  const server = await startServer('prometheus', async (folder) => {
    const address = `127.0.0.1:${await freePort()}`;
    await writeFile(join(folder, 'rules.yml'), await rulesByObjective());
    await writeFile(join(folder, 'prometheus.yml'), stringify(loading(exporterPort, [...cases.keys()])));
    return {
      argv: [
        program,
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        '--storage.tsdb.retention.time=10y',
        `--web.listen-address=${address}`,
        '--web.enable-lifecycle',
        '--log.level=error',
      ],
      address: `http://${address}`,
      ready: `http://${address}/-/ready`,
    };
  });
  const stop = async () => {
    await server.stop();
    await close(exporter);
  };
  try {
    await waitUntil(
      async () => {
        for (const { metric } of await ask(server.address, LOADED)) loaded.add(metric.case ?? '');
        return loaded.size === cases.size;
      },
      { what: 'the generated series are scraped', timeout: PATIENCE, signal },
    );
    await configure(server, evaluating, signal);
    const instants = await evaluatedOnce(server.address, signal);
    await configure(server, { storage }, signal);
    const evaluated = new Map<string, Evaluated>();
    for (const [name, at] of instants) evaluated.set(name, await evaluatedAt(server.address, name, at));
    return { address: server.address, evaluated, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const LOADED = 'generated_series_are_loaded';
/** Milliseconds, on a machine on which much else runs. */
const PATIENCE = 120_000;
/** What Sloth records of every objective, whether it is measured or not. */
const ALWAYS = 'slo:objective:ratio';

/** Series with the times of their samples, which Prometheus takes over; all of them are stored at once. */
function expositionOf(name: string, series: readonly GeneratedSeries[]): string {
  const lines = series.flatMap(({ name: metric, labels, samples }) => {
    const selector = `${metric}{${Object.entries(labels).map(([label, value]) => `${label}="${value}"`)}}`;
    return samples.map(([at, value]) => `${selector} ${value} ${at}\n`);
  });
  // With a time of its own it stays as it is when it is not given again.
  return [...lines, `${LOADED}{case="${name}"} 1 ${Date.now()}\n`].join('');
}

const storage = { tsdb: { out_of_order_time_window: '10d' } };

function loading(port: number, cases: readonly string[]) {
  const static_configs = cases.map((name) => ({
    targets: [`127.0.0.1:${port}`],
    labels: { __metrics_path__: `/${name}` },
  }));
  const scrape = { scrape_interval: '2s', scrape_timeout: '2s', honor_labels: true };
  return { storage, scrape_configs: [{ job_name: 'generated', ...scrape, static_configs }] };
}

const evaluating = { storage, global: { evaluation_interval: '3s' }, rule_files: ['rules.yml'] };

/**
 * Sloth's rules as they are, with those of one objective in one group: Prometheus evaluates a group for one instant, each rule
 * after the one before it. In the groups of Sloth, an alert may see rates that were recorded some seconds before.
 */
async function rulesByObjective(): Promise<string> {
  const { groups } = rulesFile.parse(parse(await readFile(join(import.meta.dirname, 'rules.yaml'), 'utf8')));
  const together = Map.groupBy(groups, ({ name }) => /case-\d+$/.exec(name)?.[0] ?? name);
  return stringify({
    groups: [...together].map(([name, those]) => ({ name, rules: those.flatMap(({ rules }) => rules) })),
  });
}

async function ask(address: string, query: string, at?: number) {
  const parameters = new URLSearchParams({ query, ...(at !== undefined && { time: `${at / 1_000}` }) });
  const { body } = await request(`${address}/api/v1/query?${parameters}`);
  return answer.parse(await body.json()).data.result;
}

async function configure(server: Server, configuration: unknown, signal: AbortSignal): Promise<void> {
  await writeFile(join(server.folder, 'prometheus.yml'), stringify(configuration));
  const { statusCode, body } = await request(`${server.address}/-/reload`, { method: 'POST', signal });
  if (statusCode !== 200) throw new Error(`Prometheus refuses its configuration: ${await body.text()}`);
  await body.dump();
}

/** The first instant of each objective, as soon as all its rules were evaluated. */
async function evaluatedOnce(address: string, signal: AbortSignal): Promise<Map<string, number>> {
  await waitUntil(
    async () => {
      const { body } = await request(`${address}/api/v1/rules`, { signal });
      const { groups } = evaluations.parse(await body.json()).data;
      return groups.length > 0 && groups.every(({ lastEvaluation }) => !lastEvaluation.startsWith('0001'));
    },
    { what: 'all rules are evaluated', timeout: PATIENCE, signal },
  );
  const recorded = await ask(address, `${ALWAYS}[5m]`);
  return new Map(
    recorded.flatMap(({ metric, values = [] }) =>
      values.slice(0, 1).map(([at]) => [metric.sloth_slo ?? '', Math.round(at * 1_000)] as const),
    ),
  );
}

async function evaluatedAt(address: string, name: string, at: number): Promise<Evaluated> {
  const firing = await ask(address, `ALERTS{sloth_slo="${name}",alertstate="firing"}`, at);
  const recorded = await ask(address, `{__name__=~"slo:sli_error:ratio_rate.+",sloth_slo="${name}"}`, at);
  const isFiring = (severity: string) => firing.some(({ metric }) => metric.sloth_severity === severity);
  return {
    at,
    isFiring: { page: isFiring('page'), ticket: isFiring('ticket') },
    shares: new Map(
      recorded.map(({ metric, value }) => [
        metric.sloth_window ?? '',
        value ? Number(value[1].replace('Inf', 'Infinity')) : NaN,
      ]),
    ),
  };
}
