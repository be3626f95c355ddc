import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { readyPods } from '../../lab/embedded/api-server/proxy.ts';
import { type Lab, startLab } from '../../lab/embedded/index.ts';
import { actionFolder, type Ended, runAction } from '../../lab/embedded/runner.ts';

const requests = 'http_requests_total{pod=~"checkout-.*"}';
const errors = 'http_requests_total{pod=~"checkout-.*",code=~"5.."}';
const ratio = (limit: string) =>
  `- {check: ratio, name: errors, total: '${requests}', bad: '${errors}', limit: ${limit}}`;

const value = (limit: string) => `- {check: promql, name: requests, query: 'count(${requests})', ${limit}}`;

/** Asks the gate as a job would. */
async function ask(lab: Lab, inputs: Readonly<Record<string, string>>): Promise<Ended> {
  const run = await runAction({
    action: actionFolder('gate'),
    inputs: { prometheus: lab.prometheus.url, interval: '1s', 'no-data-patience': '60s', ...inputs },
    env: { GITHUB_RUN_ID: '3', GITHUB_ACTOR: 'bob' },
  });
  try {
    return await run.ended;
  } finally {
    await run.clean();
  }
}

async function inShop(errorRate: number, tell: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await startLab({ router: 'istio', arms: 'one', rate: 150, stable: { errorRate } });
  try {
    // Two scrapes: before the first one nothing is known of the shop.
    await lab.prometheus.scrape();
    await lab.prometheus.scrape();
    await tell(lab);
  } finally {
    await lab.stop();
  }
}

describe.concurrent('actions/gate', () => {
  it('passes where nothing speaks against it, and says what it would have found', async () => {
    await inShop(0.005, async (lab) => {
      const { status, outputs, log, summary } = await ask(lab, { checks: ratio('5%'), watch: '8s' });
      expect(outputs, log).toMatchObject({ verdict: 'passed', passed: 'true', warning: 'false' });
      expect(status, log).toBe(0);
      expect(summary).toMatch(/events were bad \(.*limit 5 %; a rate of .* would have been found/);
    });
  });

  it('fails as soon as the rate is proven to be too high, long before the time is over', async () => {
    await inShop(0.4, async (lab) => {
      const { status, outputs, log } = await ask(lab, { checks: ratio('1%'), watch: '10m' });
      expect(outputs, log).toMatchObject({ verdict: 'failed', passed: 'false' });
      expect(outputs.reason).toMatch(
        /errors: .* events were bad .*limit 1 %; luck does this in less than 1 of 100 gates/,
      );
      expect(status).toBe(1);
    });
  });

  it('is undecided without data, and fails unless it is told to pass', async () => {
    await inShop(0, async (lab) => {
      const { status, outputs, log } = await ask(lab, {
        checks: '- {check: promql, name: queue, query: queue_length, above: 10}',
        'no-data-patience': '3s',
      });
      expect(outputs, log).toMatchObject({ verdict: 'undecided', passed: 'false', lacks: 'data' });
      expect(outputs.reason).toContain('has no metric queue_length');
      expect(status).toBe(1);
      await lab.prometheus.stop();
      const lenient = await ask(lab, { checks: ratio('1%'), 'on-undecided': 'pass', 'no-data-patience': '3s' });
      expect(lenient.outputs, lenient.log).toMatchObject({ verdict: 'undecided', passed: 'false', lacks: 'data' });
      expect(lenient.status).toBe(0);
    });
  });

  it('answers another CI system by plain lines and its exit status, and shows no secret', async () => {
    await inShop(0.005, async (lab) => {
      const env = {
        PATH: process.env.PATH ?? '',
        INPUT_PROMETHEUS: lab.prometheus.url,
        INPUT_CONNECTIONS: 'loki: {address: http://loki, token: s3cret-token}',
        INPUT_NO_DATA_PATIENCE: '60s',
        INPUT_INTERVAL: '1s',
      };
      const entry = join(import.meta.dirname, '../../dist/gate/index.js');
      const ask = (INPUT_CHECKS: string) => {
        const options = { env: { ...env, INPUT_CHECKS }, extendEnv: false, reject: false, all: true };
        return execa(process.execPath, [entry], options);
      };
      const passed = await ask(value('above: 1000'));
      expect(passed.exitCode, passed.all).toBe(0);
      expect(passed.all).toContain('verdict=passed');
      const failed = await ask(value('above: 0'));
      expect(failed.exitCode, failed.all).toBe(1);
      expect(failed.all).toMatch(/error: Sluice gate: failed: requests: .* breach above 0/);
      for (const { all } of [passed, failed]) {
        expect(all).not.toContain('::');
        expect(all).not.toContain('s3cret-token');
      }
    });
  });

  it('probes a service, and says which value is wrong', async () => {
    await inShop(0, async (lab) => {
      const probe = (name: string, status: string) =>
        `- {check: probe, name: ${name}, url: "${lab.prometheus.url}/api/v1/status/buildinfo", json: [{path: $.status, equals: ${status}}]}`;
      const passed = await ask(lab, { checks: probe('right', 'success') });
      expect(passed.outputs.verdict, passed.log).toBe('passed');
      const failed = await ask(lab, { checks: `${probe('right', 'success')}\n${probe('wrong', 'error')}` });
      expect(failed.outputs, failed.log).toMatchObject({
        verdict: 'failed',
        reason: 'wrong: $.status is "success", and has to be "error"',
      });
    });
  });

  describe('without users', () => {
    const load = (more = '') =>
      `- {check: load, service: "checkout-canary:80", requests: [GET /a, GET /api/users], rate: 80/s, for: 3s, limit: 1%${more}}`;

    async function withoutUsers(errorRate: number, tell: (lab: Lab) => Promise<void>): Promise<void> {
      const lab = await startLab({ router: 'gateway-api', stable: {}, canary: { errorRate } });
      try {
        await lab.until(() => readyPods(lab.api.storage, lab.namespace, 'checkout-canary').length > 0);
        await tell(lab);
      } finally {
        await lab.stop();
      }
    }

    it('fails a bad canary by requests of its own', async () => {
      await withoutUsers(0.3, async (lab) => {
        const { status, outputs, log } = await ask(lab, {
          kubeconfig: lab.kubeconfigPath,
          checks: load(),
          watch: '5m',
        });
        expect(outputs, log).toMatchObject({ verdict: 'failed' });
        expect(outputs.reason).toMatch(/^load: .* own requests failed .*; judged by own requests alone$/);
        expect(log).toContain('GET /api/users was answered with HTTP 500');
        expect(status).toBe(1);
      });
    });

    it('passes a good one by them, and says that nothing else was judged', async () => {
      await withoutUsers(0, async (lab) => {
        const checks = load(', must-detect: 20%');
        const { status, outputs, log, summary } = await ask(lab, {
          kubeconfig: lab.kubeconfigPath,
          checks,
          watch: '8s',
        });
        expect(outputs, log).toMatchObject({
          verdict: 'passed',
          reason: '1 of 1 checks passed; judged by own requests alone',
        });
        expect(summary).toMatch(/0 of \d+ own requests failed/);
        expect(log).toMatch(
          /each look sends 240 requests of its own in 3s, marked x-sluice-load: 3; to find a rate of/,
        );
        expect(status).toBe(0);
      });
    });

    it('is undecided where it sends too few to tell, and says so beforehand', async () => {
      await withoutUsers(0, async (lab) => {
        const checks = load().replace('80/s', '5/s');
        const { outputs, log } = await ask(lab, { kubeconfig: lab.kubeconfigPath, checks });
        expect(outputs, log).toMatchObject({ verdict: 'undecided', lacks: 'traffic' });
        expect(log).toMatch(/load: at most 15 requests are sent, too few to pass: to find a rate of 5 % takes \d+/);
      });
    });

    it('refuses to judge users by metrics that may count its own requests', async () => {
      await withoutUsers(0, async (lab) => {
        const refused = await ask(lab, { kubeconfig: lab.kubeconfigPath, checks: `${load()}\n${ratio('1%')}` });
        expect(refused.log).toMatch(/Requests of "load" may be counted by errors as those of users/);
        expect(refused.status).toBe(1);
        await lab.prometheus.scrape();
        await lab.prometheus.scrape();
        const alone = await ask(lab, { checks: ratio('1%'), 'no-data-patience': '3s' });
        expect(alone.outputs, alone.log).toMatchObject({ verdict: 'undecided' });
      });
    });
  });

  it('tells all wrong inputs at once, and asks nobody', async () => {
    await inShop(0, async (lab) => {
      const { status, log } = await ask(lab, {
        checks: '- {check: ratio, total: a, limit: 2}\n- {check: promql, query: a}\n- check: ratios',
        watch: 'soon',
        connections: 'loki: {address: http://loki, tokn: s3cret}',
      });
      expect(status).toBe(1);
      expect(log).toContain('"2" is no rate');
      expect(log).toContain('check 2 (promql) needs "above" or "below"');
      expect(log).toContain('"ratios" is not one of requests, ratio, promql');
      expect(log).toContain('"soon" is no duration');
      expect(log).toMatch(/loki has an unknown key; "token" is near/);
      expect(log).not.toContain('s3cret');
    });
  });
});
