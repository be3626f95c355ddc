import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Lab } from '../../../lab/embedded/index.ts';
import { reached } from '../../../lab/embedded/scenarios.ts';
import { expectServed, inLab, namesOf, objectOf, servesOnly } from '../../support/release.ts';
import { runWorkflow, starter, type WorkflowOptions, type WorkflowRun } from './act.ts';

type Workflow = Omit<WorkflowOptions, 'deadline' | 'secrets'>;

/** The embedded shop with a workflow that runs. */
async function inShop(
  lab: Parameters<typeof inLab>[0],
  options: Workflow | ((lab: Lab) => Promise<Workflow>),
  tell: (stage: { readonly lab: Lab; readonly run: WorkflowRun }) => Promise<void>,
): Promise<void> {
  await inLab({ router: 'istio-hosts', rate: 80, ...lab }, async ({ lab }) => {
    const secrets = { KUBECONFIG: await readFile(lab.kubeconfigPath, 'utf8') };
    const workflow = typeof options === 'function' ? await options(lab) : options;
    const run = await runWorkflow({ deadline: 110_000, secrets, ...workflow });
    try {
      await tell({ lab, run });
    } finally {
      run.kill();
      await run.clean();
    }
  });
}

/** Nobody keeps a connection open here. */
const undrained = (workflow: string) => workflow.replace(/^( +)timeout: .*$/m, '$&\n$1drain: 0s');
const canaryStarter = undrained(await starter('canary'));
const monorepoStarter = undrained(await starter('monorepo'));

const canary = (image: string) => ({
  workflow: canaryStarter,
  event: 'workflow_dispatch' as const,
  inputs: { image },
  vars: {
    SLUICE_NAME: 'checkout',
    SLUICE_ROUTE_KIND: 'virtualservice',
    SLUICE_STEPS: '30 for 1s, 60 for 1s then hold, 100',
  },
});
const newImage = 'registry.example/checkout:1.1.0';

describe.concurrent('The starter workflow canary', () => {
  it('promotes a release as good as the one before, after the approval', async () => {
    await inShop({}, canary(newImage), async ({ lab, run }) => {
      const { status, outputs, log, summary, jobs } = await run.ended;
      expect(status, log).toBe(0);
      expect(jobs).toEqual({ 'canary/build': 'success', 'canary/canary': 'success', 'canary/approve': 'success' });
      expect(outputs).toMatchObject({ verdict: 'promoted', rollout: expect.stringContaining('actions/runs/1') });
      expect(summary).toContain('Promoted');
      expect(log).toMatch(/Uploaded sluice-.*\.html/);
      expect(outputs['artifact-url']).toContain('/artifacts/');
      expect(log).toMatch(/approve by somebody who says to be alice/);
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

describe.concurrent('The starter workflow monorepo', () => {
  it('promotes one service although another one fails', async () => {
    const options = {
      workflow: monorepoStarter,
      event: 'workflow_dispatch' as const,
      inputs: { services: 'checkout cart', tag: '1.1.0' },
      vars: {
        SLUICE_REGISTRY: 'registry.example',
        SLUICE_ROUTE_KIND: 'virtualservice',
        SLUICE_STEPS: '30 for 1s, 100',
      },
    };
    await inShop({}, options, async ({ lab, run }) => {
      const { status, steps, log } = await run.ended;
      expect(status).toBe(1);
      expect(steps.find(({ step }) => step === 'names')?.outputs.names).toBe('["checkout","cart"]');
      const verdicts = steps.flatMap(({ outputs }) => (outputs.verdict === undefined ? [] : [outputs.verdict]));
      expect(verdicts.toSorted(), log).toEqual(['', 'promoted']);
      expect(log).toMatch(/Deployment shop\/cart.*(not exist|not found|no )/i);
      await servesOnly(lab, '1.1.0');
      expectServed(lab);
    });
  });
});

describe.concurrent('The starter workflow nightly-rollback', async () => {
  const workflow = undrained(await starter('nightly-rollback')).replace('10 for 2m then hold', '30 for 1s then hold');
  const drill = (vars: Readonly<Record<string, string>>) => ({
    workflow,
    event: 'workflow_dispatch' as const,
    vars: { SLUICE_NAME: 'checkout', SLUICE_ROUTE_KIND: 'virtualservice', ...vars },
  });

  it.each([
    ['that can not start', {}, {}],
    ['that answers with errors', { SLUICE_BAD_IMAGE: newImage }, { canary: { errorRate: 0.5 } }],
  ])('succeeds where a version %s is taken back', async (_, vars, lab) => {
    await inShop(lab, drill(vars), async ({ lab: shop, run }) => {
      const { status, outputs, log } = await run.ended;
      expect(status, log).toBe(0);
      expect(outputs.verdict).toBe('rolled-back');
      await servesOnly(shop, '1.0.0');
      expectServed(shop);
    });
  });

  it('fails where the version was not taken back, and gives the route back all the same', async () => {
    const given = drill({ SLUICE_BAD_IMAGE: newImage });
    const hasty = { ...given, workflow: workflow.replace('timeout: 10m', 'timeout: 15s') };
    await inShop({}, hasty, async ({ lab, run }) => {
      const { status, log } = await run.ended;
      expect(status).toBe(1);
      expect(log).toContain('was not taken back: held');
      expect(lab.canaryWeight()).toBe(0);
      await servesOnly(lab, '1.0.0');
      expectServed(lab);
    });
  });
});

describe.concurrent('The starter workflow gate', async () => {
  const workflow = await starter('gate');
  const hasty = workflow.replace(/^( +)watch: .*inputs\.watch.*$/m, '$&\n$1no-data-patience: 3s');
  /** Asks once the shop has been scraped twice. */
  const gate =
    (name: string, inputs: Readonly<Record<string, string>> = {}) =>
    async (lab: Lab) => {
      await lab.prometheus.scrape();
      await lab.prometheus.scrape();
      const vars = { SLUICE_NAME: name, SLUICE_ROUTE_KIND: 'virtualservice', SLUICE_PROMETHEUS: lab.prometheus.url };
      return { workflow: hasty, event: 'workflow_dispatch' as const, inputs, vars };
    };

  it('opens where production is well and the image could be released, and changes nothing', async () => {
    await inShop({ rate: 150 }, gate('checkout', { watch: '20s', image: newImage }), async ({ lab, run }) => {
      const { status, steps, log, summary } = await run.ended;
      expect(status, log).toBe(0);
      expect(steps.find(({ step }) => step === 'gate')?.outputs.verdict).toBe('passed');
      expect(summary).toMatch(/requests failed \(.*limit 1 %; a rate of .* would have been found/);
      expect(summary).toContain('Nothing was changed');
      expect(namesOf(lab, 'apps/v1', 'Deployment')).toEqual(['checkout']);
      await servesOnly(lab, '1.0.0');
    });
  });

  it('stays shut where production fails, long before the time is over', async () => {
    await inShop({ stable: { errorRate: 0.3 }, rate: 150 }, gate('checkout', { watch: '80m' }), async ({ run }) => {
      const { status, outputs, log } = await run.ended;
      expect(status).toBe(1);
      expect(outputs.verdict, log).toBe('failed');
      expect(log).toMatch(/Uploaded sluice-.*\.html/);
      expect(log).toMatch(/errors: .* requests failed .*limit 1 %; luck does this in less than 1 of 100 gates/);
    });
  });

  it('stays shut where nothing is known, and says what is missing', async () => {
    await inShop({}, gate('cart'), async ({ run }) => {
      const { status, outputs, log } = await run.ended;
      expect(status).toBe(1);
      expect(outputs.verdict, log).toBe('undecided');
      expect(log).toMatch(/Deployment shop\/cart.*does not exist/);
    });
  });
});

/** A workflow of a user that calls one of ours. */
const caller = (name: string, inputs: string) => `on: push
jobs:
  ours:
    uses: OWNER/sluice/.github/workflows/${name}.yml@v1
    with: { namespace: shop, ${inputs} }
    secrets:
      kubeconfig: \${{ secrets.KUBECONFIG }}
`;

describe.concurrent('The reusable workflow', () => {
  it('promote lets a rollout that holds go on', async () => {
    await inLab({}, async ({ lab, start }) => {
      const release = await start({ inputs: { steps: '30 for 1s then hold, 100' } });
      await reached(lab, release, 30);
      const { status, outputs, log } = await called(lab, caller('promote', 'rollout: checkout, why: seen'));
      expect(status, log).toBe(0);
      expect(outputs.rollout).toMatch(/runs\/1$/);
      const ended = await release.ended;
      expect(ended.outputs.verdict, ended.log).toBe('promoted');
      expect(ended.log).toMatch(/approve by somebody who says to be alice, .*: seen/);
    });
  });

  it('rollback takes a workload back that was promoted', async () => {
    await inLab({ router: 'istio-hosts' }, async ({ lab, release }) => {
      expect((await release()).outputs.verdict).toBe('promoted');
      await servesOnly(lab, '1.1.0');
      const inputs = 'workload: deployment/checkout, service: checkout, route: virtualservice/checkout';
      const { status, outputs, log } = await called(lab, caller('rollback', inputs));
      expect(status, log).toBe(0);
      expect(outputs.verdict).toBe('rolled-back');
      await servesOnly(lab, '1.0.0');
      expectServed(lab);
    });
  });
});

async function called(lab: Lab, workflow: string) {
  const secrets = { KUBECONFIG: await readFile(lab.kubeconfigPath, 'utf8') };
  const run = await runWorkflow({ workflow, secrets, deadline: 60_000 });
  try {
    return await run.ended;
  } finally {
    await run.clean();
  }
}
