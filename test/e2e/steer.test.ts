import { describe, expect, it } from 'vitest';
import type { Lab } from '../../lab/embedded/index.ts';
import { actionFolder, type Ended, runAction } from '../../lab/embedded/runner.ts';
import { reached } from '../../lab/embedded/scenarios.ts';
import { annotations, expectNoSecret, expectServed, inLab, objectOf, servesOnly } from '../support/release.ts';

/** Gives a command in a job of its own, as a workflow would. */
async function steer(lab: Lab, inputs: Readonly<Record<string, string>>, job = 2): Promise<Ended> {
  const run = await runAction({
    action: actionFolder('steer'),
    inputs: { kubeconfig: lab.kubeconfigPath, rollout: 'checkout', timeout: '5s', ...inputs },
    env: { GITHUB_RUN_ID: String(job), GITHUB_ACTOR: 'bob' },
  });
  try {
    return await run.ended;
  } finally {
    await run.clean();
  }
}

const commandOn = (lab: Lab) =>
  objectOf(lab, 'v1', 'ConfigMap', 'sluice-checkout')?.metadata.annotations?.['sluice.dev/command'];

const holds = { inputs: { steps: '30 for 1s then hold, 100' } };

/** It is about commands: fewer requests are enough. */
const gentle = { rate: 60 } as const;

describe.concurrent('actions/steer', () => {
  it('approves a step that holds', async () => {
    await inLab(gentle, async ({ lab, start }) => {
      const run = await start(holds);
      await reached(lab, run, 30);
      const steered = await steer(lab, { command: 'approve', why: 'looks good' });
      expect(steered.status, steered.log).toBe(0);
      expect(steered.outputs.rollout).toBe('alice, https://github.com/acme/shop/actions/runs/1');
      expect(steered.summary).toContain('approve was taken by the rollout of checkout');
      const { outputs, log } = await run.ended;
      expect(outputs.verdict, log).toBe('promoted');
      expect(log).toMatch(/approve by somebody who says to be bob, .*runs\/2: looks good/);
      await servesOnly(lab, '1.1.0');
      expectServed(lab);
    });
  });

  it('aborts, and the rollout says who wanted it', async () => {
    await inLab(gentle, async ({ lab, start }) => {
      const run = await start(holds);
      await reached(lab, run, 30);
      expect((await steer(lab, { command: 'abort', why: 'alert 17' })).status).toBe(0);
      const { outputs } = await run.ended;
      expect(outputs).toMatchObject({
        verdict: 'rolled-back',
        reason: expect.stringMatching(/aborted by somebody who says to be bob.*alert 17/),
      });
      await servesOnly(lab, '1.0.0');
      expectServed(lab);
    });
  });

  it('leaves a rollout of another run alone where only its own is meant', async () => {
    await inLab(gentle, async ({ lab, start }) => {
      const run = await start(holds);
      await reached(lab, run, 30);
      const steered = await steer(lab, { command: 'approve', 'only-this-run': 'true', timeout: '1s' });
      expect(steered.status).toBe(1);
      expect(annotations(steered, 'error').join()).toMatch(/rollout of another run: alice, .*runs\/1/);
      const own = await steer(lab, { command: 'approve', 'only-this-run': 'true' }, 1);
      expect(own.status, own.log).toBe(0);
      expect((await run.ended).outputs.verdict).toBe('promoted');
    });
  });

  it('takes back a command that a lost run does not take, so that the next one does not', async () => {
    await inLab(gentle, async ({ lab, start }) => {
      const run = await start(holds);
      await reached(lab, run, 30);
      run.kill();
      await run.ended;
      const steered = await steer(lab, { command: 'abort', timeout: '2s' });
      expect(steered.status).toBe(1);
      expect(annotations(steered, 'error').join()).toMatch(/did not take it in 2 s.*Look whether its job still runs/);
      expect(commandOn(lab)).toBeUndefined();
    });
  });

  it('says how the last rollout ended where none runs, and changes nothing', async () => {
    await inLab({ ...gentle, canary: { errorRate: 1 } }, async ({ lab, release }) => {
      expect((await release()).outputs.verdict).toBe('rolled-back');
      const steered = await steer(lab, { command: 'approve', timeout: '1s' });
      expect(steered.status).toBe(1);
      expect(annotations(steered, 'error').join()).toMatch(
        /no rollout under way: the last one is rolled-back \(error-rate/,
      );
      expect(commandOn(lab)).toBeUndefined();
    });
  });

  it('refuses wrong inputs all at once, and shows no secret', async () => {
    await inLab({ rate: 0 }, async ({ lab }) => {
      const kubeconfig = lab.api.kubeconfig();
      const wrong = await steer(lab, { kubeconfig, rollout: 'virtualservice/checkout', command: 'stop' });
      expect(wrong.status).toBe(1);
      expect(annotations(wrong, 'error').join()).toMatch(
        /"rollout": .*leave its kind out[\s\S]*"command": "stop" is not one of/,
      );
      const missing = await steer(lab, { kubeconfig, rollout: '' });
      expect(annotations(missing, 'error').join()).toMatch(/"rollout" is needed[\s\S]*"command" is needed/);
      for (const ended of [wrong, missing]) expectNoSecret(ended, ['embedded-admin-token']);
    });
  });
});
