import { describe, expect, test } from 'vitest';
import { endpoints } from '../../../lab/cluster/layout.ts';
import { runWorkflow, starter } from '../workflows/act.ts';
import { drill, inDrilledShop, injected, recordOf, withoutFault } from './drilled-shop.ts';
import { reachedAt, type Shop } from './shop.ts';
import { startToxiproxy } from './toxiproxy.ts';

describe.concurrent('The starter workflow nightly-drill, run by act', () => {
  const nightly = async (shop: Shop) => {
    const text = await starter('nightly-drill');
    const workflow = text
      .replace(/^( +)requests: \[GET \/\]$/m, `$&\n$1headers: {host: ${shop.hosts.istio}}`)
      .replace('rate: 20/s', 'rate: 60/s')
      .replace('issue: true', 'issue: false')
      .replace(/^( +)history: .*$/m, '$&\n$1baseline: 5s\n$1steady-for: 6s');
    expect(workflow).toContain('headers: {host:');
    return runWorkflow({
      workflow,
      event: 'workflow_dispatch',
      secrets: { KUBECONFIG: shop.kubeconfig },
      vars: { SLUICE_NAME: 'checkout', SLUICE_NAMESPACE: shop.namespace, SLUICE_DRILL_URL: endpoints.gateway },
      deadline: 180_000,
    });
  };

  test.each([
    ['none', 'not-resilient', 1],
    ['two', 'resilient', 0],
  ] as const)('with retries: %s, the service is %s', async (retries, verdict, status) => {
    await inDrilledShop(retries, async (shop) => {
      const found = await shop.inventory();
      const run = await nightly(shop);
      const ended = await run.ended;
      expect(ended.outputs.verdict, ended.log).toBe(verdict);
      expect(ended.status).toBe(status);
      expect(ended.outputs.felt).toBe('felt');
      expect(ended.log).toMatch(/Cache saved .*"runs"/);
      await shop.settled();
      expect(await shop.inventory()).toEqual(found);
      expect(await recordOf(shop)).toBeUndefined();
    });
  });
});

describe.concurrent('A drill that is stopped in the middle', () => {
  const faults = 'istio-abort 503 20% on virtualservice/checkout for 5m';

  test('by a cancelled job removes its fault before it ends', async () => {
    await inDrilledShop('two', async (shop) => {
      const before = await shop.asWritten(shop.path.virtualService);
      const run = await drill(shop, { faults, 'stop-when': 'never' });
      await shop.until('a fault', injected(run));
      run.cancel();
      const { log, outputs } = await run.ended;
      expect(outputs.verdict, log).toBe('aborted');
      expect(await shop.asWritten(shop.path.virtualService)).toBe(before);
      expect(await recordOf(shop)).toBeUndefined();
    });
  });

  test('by the death of its process is ended by its post step', async () => {
    await inDrilledShop('two', async (shop) => {
      const before = await shop.asWritten(shop.path.virtualService);
      const run = await drill(shop, { faults, 'stop-when': 'never' });
      await shop.until('a fault', injected(run));
      run.main.kill('SIGKILL');
      const { log } = await run.ended;
      expect(await shop.asWritten(shop.path.virtualService), log).toBe(before);
      expect(await recordOf(shop)).toBeUndefined();
    });
  });

  test('by the death of its runner is cleaned up by another run, and a drill beside it is refused', async () => {
    await inDrilledShop('two', async (shop) => {
      const before = await shop.asWritten(shop.path.virtualService);
      const run = await drill(shop, { faults, 'stop-when': 'never' });
      await shop.until('a fault', injected(run));
      const second = await drill(shop, { faults }, { GITHUB_RUN_ID: '2' });
      const refused = await second.ended;
      expect(refused.status).toBe(1);
      expect(refused.log).toMatch(/another run holds it/);
      run.kill();
      await run.ended;
      expect(await recordOf(shop)).toMatchObject({ faults: [expect.anything()] });
      const cleaning = await drill(shop, { mode: 'clean-up' }, { GITHUB_RUN_ID: '3' });
      const cleaned = await cleaning.ended;
      expect(cleaned.status, cleaned.log).toBe(0);
      expect(await shop.asWritten(shop.path.virtualService)).toBe(before);
      expect(await recordOf(shop)).toBeUndefined();
    });
  });

  test('by its stop condition removes the fault within two seconds of the time that it gives', async () => {
    await inDrilledShop('two', async (shop) => {
      const run = await drill(shop, {
        faults: 'istio-abort 503 100% on virtualservice/checkout for 5m',
        'stop-when': 'success below 90% for 5s',
      });
      const { log, outputs } = await run.ended;
      expect(outputs.verdict, log).toBe('aborted');
      expect(await withoutFault(shop)).toBe(true);
      expect(log).toMatch(/success/i);
    });
  });

  test('while the API server is away removes its fault when it is back', async () => {
    await inDrilledShop('two', async (shop) => {
      const before = await shop.asWritten(shop.path.virtualService);
      const toxiproxy = await startToxiproxy();
      try {
        const way = await toxiproxy.proxyTo(endpoints.apiserver);
        const kubeconfig = reachedAt(shop.kubeconfig, `https://${way.host}`);
        const run = await drill(shop, {
          kubeconfig,
          faults: 'istio-abort 503 20% on virtualservice/checkout for 10s',
          'stop-when': 'never',
        });
        await shop.until('a fault', injected(run));
        await way.cut();
        await shop.until('the end of the fault', async () => /Removes /.test(run.printed()));
        await way.join();
        const { log } = await run.ended;
        expect(await shop.asWritten(shop.path.virtualService), log).toBe(before);
        expect(await recordOf(shop)).toBeUndefined();
      } finally {
        await toxiproxy.stop();
      }
    });
  });
});
