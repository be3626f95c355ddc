import { readFile } from 'node:fs/promises';
import { request } from 'undici';
import * as z from 'zod';
import { labAgent } from '../../../lab/cluster/host.ts';
import { addresses, endpoints } from '../../../lab/cluster/layout.ts';
import type { Sent } from '../../../lab/cluster/load.ts';
import { createPanel } from '../../../src/judge/panel.ts';
import { reportSchema } from '../../../src/report/canary-report-schema.ts';
import { isBad, isCanary, latest } from './client.ts';
import type { Fault } from './faults.ts';
import { canaryService, gatewayCounter } from './queries.ts';
import type { Breakdown } from './results.ts';
import type { Shift } from './route-watch.ts';
import { secondPrometheusPort } from './second-prometheus.ts';
import type { ConfigName, ToolName } from './tool.ts';

interface Told {
  readonly tool: ToolName;
  readonly config: ConfigName;
  readonly fault: Fault;
  readonly namespace: string;
  readonly files: string;
  readonly sent: readonly Sent[];
  readonly shifts: readonly Shift[];
}

const prometheuses: Partial<Record<ToolName, string>> = {
  'sluice-prometheus-1s': `http://${addresses.node}:${secondPrometheusPort}`,
  'sluice-prometheus-5s': endpoints.prometheus,
};

/** Where the time went in a release of Sluice's that was rolled back for its errors; undefined for any other. */
export async function breakdownOf({ tool, config, fault, namespace, files, sent, shifts }: Told) {
  if (!tool.startsWith('sluice') || config !== 'hold' || fault !== '100%') return undefined;
  const report = reportSchema.safeParse(JSON.parse(await readFile(`${files}.report.json`, 'utf8')));
  const decidedAt = report.data?.breach?.at;
  const canary = sent.filter(isCanary).toSorted((a, b) => answeredAt(a) - answeredAt(b));
  const firstBad = canary.find(isBad);
  const writtenAt = shifts.findLast(({ weight }, index) => weight === 0 && index > 0)?.at;
  const provedAt = proof(sent, shifts.find(({ weight }) => weight > 0)?.at ?? 0);
  if (decidedAt === undefined || !firstBad || writtenAt === undefined || provedAt === undefined) return undefined;
  const measuredAt = (await scrapedAt(tool, namespace, decidedAt)) ?? decidedAt;
  const lastAt = latest(canary.map(({ at }) => at));
  const breakdown: Breakdown = {
    evidence: provedAt - answeredAt(firstBad),
    measured: measuredAt - provedAt,
    decided: decidedAt - measuredAt,
    written: writtenAt - decidedAt,
    followed: lastAt - writtenAt,
  };
  return breakdown;
}

function answeredAt({ at, milliseconds }: Sent): number {
  return Math.round(at + milliseconds);
}

/** When Sluice's judge would have known, had it seen each answer since the shift as the client did. */
function proof(sent: readonly Sent[], from: number): number | undefined {
  const panel = createPanel([{ kind: 'error-rate' }], { steps: 1 });
  panel.enter(5);
  for (const one of sent.filter(({ at }) => at >= from).toSorted((a, b) => answeredAt(a) - answeredAt(b))) {
    const counted = { requests: 1, errors: isBad(one) ? 1 : 0, within: new Map<number, number>() };
    const none = { requests: 0, errors: 0, within: new Map<number, number>() };
    const [canary, stable] = isCanary(one) ? [counted, none] : [none, counted];
    const at = answeredAt(one);
    panel.add({ from: at, to: at, weight: 5, canary, stable });
    if (isCanary(one) && panel.opinions().some(({ state }) => state === 'breach')) return at;
  }
  return undefined;
}

const answer = z.object({
  data: z.object({ result: z.array(z.object({ values: z.array(z.tuple([z.number(), z.string()])) })) }),
});

/** When Prometheus had last scraped the canary's errors before a moment; undefined for meters that read them directly. */
async function scrapedAt(tool: ToolName, namespace: string, before: number): Promise<number | undefined> {
  const prometheus = prometheuses[tool];
  if (prometheus === undefined) return undefined;
  const query = `${gatewayCounter(canaryService(namespace), '5xx')}[10m]`;
  const url = `${prometheus}/api/v1/query?query=${encodeURIComponent(query)}`;
  const { body } = await request(url, { dispatcher: labAgent, signal: AbortSignal.timeout(10_000) });
  const { data } = answer.parse(await body.json());
  const times = data.result.flatMap(({ values }) => values.map(([time]) => time * 1_000));
  const earlier = times.filter((time) => time <= before);
  return earlier.length === 0 ? undefined : Math.round(latest(earlier));
}
