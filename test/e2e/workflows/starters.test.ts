import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Lab } from '../../../lab/embedded/index.ts';
import { expectServed, inLab, namesOf, objectOf, servesOnly } from '../../support/release.ts';
import { runWorkflow, starter, type WorkflowOptions, type WorkflowRun } from './act.ts';

/** The embedded shop with a copy of a starter workflow that runs. */
async function inShop(
  lab: Parameters<typeof inLab>[0],
  options: Omit<WorkflowOptions, 'deadline' | 'secrets'>,
  tell: (stage: { readonly lab: Lab; readonly run: WorkflowRun }) => Promise<void>,
): Promise<void> {
  await inLab({ router: 'istio-hosts', ...lab }, async ({ lab }) => {
    const secrets = { KUBECONFIG: await readFile(lab.kubeconfigPath, 'utf8') };
    const run = await runWorkflow({ deadline: 110_000, secrets, ...options });
    try {
      await tell({ lab, run });
    } finally {
      run.kill();
      await run.clean();
    }
  });
}

/** Nobody keeps a connection open here. */
const undrained = (await starter('canary')).replace(/^( +)timeout: .*$/m, '$&\n$1drain: 0s');

const canary = (image: string) => ({
  workflow: undrained,
  event: 'workflow_dispatch' as const,
  inputs: { image },
  vars: { SLUICE_NAME: 'checkout', SLUICE_STEPS: '30 for 1s, 60 for 1s then hold, 100' },
});
const newImage = 'registry.example/checkout:1.1.0';

describe.concurrent('The starter workflow canary', () => {
  it('promotes a release as good as the one before, after the approval', async () => {
    await inShop({}, canary(newImage), async ({ lab, run }) => {
      const { status, outputs, log, summary, jobs } = await run.ended;
      expect(status, log).toBe(0);
      expect(jobs).toEqual({ 'canary/canary': 'success', 'canary/approve': 'success' });
      expect(outputs).toMatchObject({ verdict: 'promoted', rollout: expect.stringContaining('actions/runs/1') });
      expect(summary).toContain('Promoted');
      expect(log).toMatch(/approve by alice/);
      await servesOnly(lab, '1.1.0');
      expectServed(lab);
    });
  });

  it('rolls back one that answers with errors', async () => {
    await inShop({ canary: { errorRate: 0.5 } }, canary(newImage), async ({ lab, run }) => {
      const found = JSON.stringify(objectOf(lab, 'networking.istio.io/v1', 'VirtualService')?.spec);
      const { status, outputs, log, summary } = await run.ended;
      expect(status).toBe(1);
      expect(outputs.verdict, log).toBe('rolled-back');
      expect(summary).toContain('Rolled back');
      await servesOnly(lab, '1.0.0');
      expectServed(lab);
      expect(JSON.stringify(objectOf(lab, 'networking.istio.io/v1', 'VirtualService')?.spec)).toBe(found);
      expect(namesOf(lab, 'apps/v1', 'Deployment')).toEqual(['checkout']);
    });
  });

  it('that is cancelled puts the route back in its post step', async () => {
    const options = canary(newImage);
    const vars = { ...options.vars, SLUICE_STEPS: '30 for 10m, 100' };
    await inShop({}, { ...options, vars }, async ({ lab, run }) => {
      await lab.until(() => lab.canaryWeight() >= 30, AbortSignal.timeout(60_000));
      run.cancel();
      const { status, outputs, log } = await run.ended;
      expect(status).toBe(1);
      expect(outputs.verdict, log).toBe('rolled-back');
      expect(lab.canaryWeight()).toBe(0);
      await servesOnly(lab, '1.0.0');
      expectServed(lab);
    });
  });
});
