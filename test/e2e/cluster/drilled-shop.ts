import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { endpoints } from '../../../lab/cluster/layout.ts';
import { actionFolder, type Run, runAction } from '../../../lab/embedded/runner.ts';
import { type DrillReport, drillReportSchema } from '../../../src/report/drill/drill-report.ts';
import { inShop, type Shop, type ShopOptions } from './shop.ts';

/** What a VirtualService says of retries. Istio's own default retries twice. */
const RETRIES = {
  none: { attempts: 0 },
  two: { attempts: 2, retryOn: 'connect-failure,refused-stream,reset,503' },
} as const;

const own: ShopOptions = { rights: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] };

/** A shop whose owners allow drills, and whose requests take so long that some are on their way whenever a pod ends. */
export async function inDrilledShop(
  retries: keyof typeof RETRIES,
  tell: (shop: Shop) => Promise<void>,
  env: readonly { readonly name: string; readonly value: string }[] = [],
): Promise<void> {
  await inShop(own, async (shop) => {
    await shop.api.merge(`/api/v1/namespaces/${shop.namespace}`, {
      metadata: { labels: { 'sluice.dev/drill': 'allowed' } },
    });
    const http = [{ name: 'primary', retries: RETRIES[retries], route: [{ destination: { host: 'checkout' } }] }];
    await shop.api.merge(shop.path.virtualService, { spec: { http } });
    // A pod that ends takes with it what it has not answered yet.
    await shop.api.patch(`${shop.path.deployments}/checkout`, [
      { op: 'remove', path: '/spec/template/spec/containers/0/lifecycle' },
      { op: 'add', path: '/spec/template/spec/containers/0/env', value: [{ name: 'LATENCY', value: '500ms' }, ...env] },
    ]);
    await shop.settled();
    await tell(shop);
  });
}

/** Own requests to the shop through the gateway, or through who stands before it. */
export const requests = ({ hosts }: Shop, url: string = endpoints.gateway, rate = 60, timeout = '5s') =>
  `{check: load, url: "${url}", requests: [GET /], rate: ${rate}/s, timeout: ${timeout}, headers: {host: ${hosts.istio}}}`;

const brief = { baseline: '5s', 'steady-for': '6s', 'recovery-timeout': '60s', 'undo-timeout': '60s' };

/** Starts the built action as a runner would. */
export function drill(
  shop: Shop,
  inputs: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const { kubeconfig, namespace } = shop;
  const given = { kubeconfig, namespace, service: 'checkout', requests: requests(shop), ...brief, ...inputs };
  return runAction({ action: actionFolder('drill'), inputs: given, env });
}

export const injected = (run: Run) => async () => /injected/i.test(run.printed());

/** The record of the drill; undefined where there is none. */
export const recordOf = async ({ api, namespace }: Shop) => {
  const found = await api
    .get(`/api/v1/namespaces/${namespace}/configmaps/sluice-drill-checkout`)
    .catch(() => undefined);
  const text = z.looseObject({ data: z.looseObject({ record: z.string() }) }).safeParse(found).data?.data.record;
  return text === undefined ? undefined : z.looseObject({ faults: z.array(z.unknown()) }).parse(JSON.parse(text));
};

export const withoutFault = async (shop: Shop) =>
  !JSON.stringify(await shop.api.get(shop.path.virtualService)).includes('"fault"');

/** The report that a drill has written. */
export async function reportOf(outputs: Readonly<Record<string, string>>): Promise<DrillReport> {
  return drillReportSchema.parse(JSON.parse(await readFile(outputs.report ?? '', 'utf8')));
}
