import { readFile } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { exists } from '../../../lab/programs/cache.ts';
import { runWorkflow, type WorkflowOptions, type WorkflowRun } from './act.ts';

/** Gives a workflow that runs to a test, and takes away what is left of it. */
async function running(options: Omit<WorkflowOptions, 'deadline'>, tell: (run: WorkflowRun) => Promise<void>) {
  const run = await runWorkflow({ deadline: 60_000, ...options });
  try {
    await tell(run);
  } finally {
    run.kill();
    await run.clean();
  }
  expect(await exists(run.workspace)).toBe(false);
}

const job = (steps: string) =>
  `on: [push, workflow_dispatch]\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n${steps}`;

describe('A workflow run by act', () => {
  it('gives back its status, outputs, summaries and jobs, and no secret', async () => {
    const text = `
on:
  workflow_dispatch:
    inputs:
      image: { required: true, type: string }
jobs:
  build:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        service: [cart, checkout]
    steps:
      - uses: actions/checkout@v7
      - id: say
        run: |
          echo "image=\${{ inputs.image }}/\${{ matrix.service }}" >> "$GITHUB_OUTPUT"
          echo "# \${{ vars.TEAM }}" >> "$GITHUB_STEP_SUMMARY"
          cat chart/values.yaml
          echo "$TOKEN"
        env:
          TOKEN: \${{ secrets.TOKEN }}
  fail:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - run: exit 3
`;
    const given = {
      workflow: text,
      event: 'workflow_dispatch' as const,
      inputs: { image: 'registry.example' },
      secrets: { TOKEN: 'very: "secret" {one}' },
      vars: { TEAM: 'Shop' },
      files: { 'chart/values.yaml': 'replicas: 3\n' },
    };
    await running(given, async ({ ended }) => {
      const { status, steps, summary, log, jobs } = await ended;
      expect(status, log).toBe(1);
      expect(Object.values(jobs).toSorted()).toEqual(['failure', 'success', 'success']);
      expect(steps.map(({ step, outputs }) => [step, outputs.image]).toSorted()).toEqual([
        ['say', 'registry.example/cart'],
        ['say', 'registry.example/checkout'],
      ]);
      expect(summary).toContain('# Shop');
      expect(log).toContain('replicas: 3');
      expect(log).not.toContain('very');
    });
  });

  it('knows nothing of the environment of whoever started it', async () => {
    vi.stubEnv('KUBECONFIG', '/somewhere');
    await running({ workflow: job('      - run: echo "kubeconfig=[$KUBECONFIG]"') }, async ({ ended }) => {
      expect((await ended).log).toContain('kubeconfig=[]');
    });
    vi.unstubAllEnvs();
  });

  it('is killed with all that it started when its time is over', async () => {
    const text = job('      - run: |\n          echo "id=$$"\n          sleep 600');
    await running({ workflow: text, ...{ deadline: 3_000 } }, async ({ ended }) => {
      const { status, log } = await ended;
      expect(status).toBeUndefined();
      expect(log).toContain('was killed');
      const id = /^id=(\d+)$/m.exec(log)?.[1];
      expect(id).toBeDefined();
      // Nobody may have asked for its exit status yet; but it runs no more.
      expect(await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')).toBe('');
    });
  });
});
