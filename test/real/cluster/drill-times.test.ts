import { describe, expect, test } from 'vitest';
import { notBuilt, startChaosMesh } from '../../../lab/chaos/index.ts';
import { type AuditedRequest, auditOf, isWrite } from '../../e2e/cluster/audit.ts';
import { drill, inDrilledShop, reportOf, requests } from '../../e2e/cluster/drilled-shop.ts';
import { isBad, type Observed, startObserver } from '../../e2e/cluster/observer.ts';
import type { Shop } from '../../e2e/cluster/shop.ts';

const RATE = 80;

/** Every failure is one of the fault. */
const flawless = [{ name: 'ERROR_RATE', value: '0' }];

interface Drilled {
  readonly seen: readonly Observed[];
  readonly asked: readonly AuditedRequest[];
  readonly report: Awaited<ReturnType<typeof reportOf>>;
  readonly log: string;
}

/** Drills before an observer, who writes down the requests; the API server writes down what was injected and removed. */
async function observe(shop: Shop, inputs: Readonly<Record<string, string>>, seconds = 5): Promise<Drilled> {
  await using observer = await startObserver(seconds * 1_000);
  const given = {
    requests: requests(shop, observer.url, RATE, `${seconds}s`),
    'max-pods': '2',
    'stop-when': 'never',
    ...inputs,
  };
  const run = await drill(shop, given);
  const { outputs, log } = await run.ended;
  const report = await reportOf(outputs).catch(() => {
    throw new Error(log);
  });
  await run.clean();
  return { seen: observer.seen(), asked: await auditOf(shop.namespace), report, log };
}

/** When a fault was written into the cluster, and when it was taken out again. */
function written(asked: readonly AuditedRequest[], resource: RegExp): { readonly from: number; readonly to: number } {
  const writes = asked.filter((one) => isWrite(one) && resource.test(one.resource) && !one.uri.includes('dryRun'));
  const times = writes.map(({ at }) => at);
  return { from: Math.min(...times), to: Math.max(...times) };
}

const ms = (value: number | undefined) => (value === undefined ? '-' : `${(value / 1_000).toFixed(2)} s`);

const cases = [
  { faults: 'pod-kill grace 0 on app=checkout one', resource: /^pods$/ },
  { faults: 'istio-abort 503 100% on virtualservice/checkout for 10s', resource: /^virtualservices$/ },
  { faults: 'scale-to-zero on deployment/checkout for 10s', resource: /^deployments(\/scale)?$/ },
];

describe('Recovery and lost requests, against the log of an observer', () => {
  test.for(cases)('$faults', async ({ faults, resource }) => {
    await inDrilledShop(
      'none',
      async (shop) => {
        const { seen, asked, report, log } = await observe(shop, { faults });
        const [fault] = report.faults;
        const measured = fault?.measured;
        if (!measured?.recovery) throw new Error(log);
        const { from, to } = written(asked, resource);
        const counted = seen.filter(({ at }) => at >= from);
        const bad = counted.filter(isBad);
        const lastBad = bad.at(-1)?.at ?? from;
        const recovery = { fromInjection: lastBad - from, fromRemoval: Math.max(0, lastBad - to) };
        const share = bad.length / counted.length;
        const reported = measured.lost / measured.requests;
        process.stdout.write(
          `| ${faults} | recovery from injection: report ${ms(measured.recovery.fromInjection)}, observer ${ms(recovery.fromInjection)} | from removal: ${ms(measured.recovery.fromRemoval)}, ${ms(recovery.fromRemoval)} | lost: ${measured.lost} of ${measured.requests} (${(reported * 100).toFixed(2)} %), ${bad.length} of ${counted.length} (${(share * 100).toFixed(2)} %) |\n`,
        );
        expect(bad.length).toBeGreaterThan(0);
        expect(Math.abs(measured.recovery.fromInjection - recovery.fromInjection)).toBeLessThanOrEqual(1_000);
        expect(Math.abs(measured.recovery.fromRemoval - recovery.fromRemoval)).toBeLessThanOrEqual(1_000);
        expect(Math.abs(measured.lost - bad.length) / counted.length).toBeLessThanOrEqual(0.001);
        expect(Math.abs(reported - share)).toBeLessThanOrEqual(0.001);
      },
      flawless,
    );
  });
});

const WINDOW = 5_000;
const rule = { 'stop-when': 'success below 90% for 5s' };

/** From the first request of the time that the stop condition saw as breached. */
function stopped({ seen, asked, report, log }: Drilled, resource: RegExp) {
  const [fault] = report.faults;
  const { injectingAt, removedAt, stopped: at } = fault ?? {};
  if (injectingAt === undefined || removedAt === undefined || !at) throw new Error(log);
  const { to } = written(asked, resource);
  const bad = seen.filter((one) => one.at >= injectingAt && isBad(one));
  const breach = bad[0]?.at ?? Number.NaN;
  return {
    decided: at.at - breach,
    written: to - breach,
    confirmed: removedAt - breach,
    lastBad: (bad.at(-1)?.at ?? Number.NaN) - breach,
  };
}

describe('From the breaching request to the fault gone', () => {
  test.for(cases.slice(1))('$faults, for 5m', async ({ faults, resource }) => {
    await inDrilledShop(
      'none',
      async (shop) => {
        const drilled = await observe(shop, { ...rule, faults: faults.replace('10s', '5m') });
        const times = stopped(drilled, resource);
        process.stdout.write(
          `| stop: ${faults.replace('10s', '5m')} | decided ${ms(times.decided)} | written ${ms(times.written)} | confirmed ${ms(times.confirmed)} | last bad request ${ms(times.lastBad)} |\n`,
        );
        expect(times.written).toBeLessThanOrEqual(WINDOW + 2_000);
        if (resource.test('virtualservices')) expect(times.confirmed).toBeLessThanOrEqual(WINDOW + 2_000);
      },
      flawless,
    );
  });

  test.skipIf(notBuilt().length > 0)('a partition of Chaos Mesh: measured', async () => {
    const never = new AbortController().signal;
    const chaos = await startChaosMesh(never);
    try {
      await inDrilledShop(
        'none',
        async (shop) => {
          const faults = 'network-partition on app=checkout all for 5m';
          const drilled = await observe(shop, { ...rule, faults }, 2);
          const times = stopped(drilled, /^networkchaos$/);
          process.stdout.write(
            `| stop: ${faults} | decided ${ms(times.decided)} | written ${ms(times.written)} | confirmed ${ms(times.confirmed)} | last bad request ${ms(times.lastBad)} |\n`,
          );
          expect(times.confirmed).toBeLessThanOrEqual(WINDOW + 30_000);
        },
        flawless,
      );
    } finally {
      await chaos.stop();
    }
  });
});
