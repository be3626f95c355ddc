import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programPath } from '../../../lab/cluster/programs.ts';
import type { Lab } from '../../../lab/embedded/index.ts';
import { waitUntil } from '../../../lab/programs/wait.ts';
import { expectServed, inLab, servesOnly } from '../../support/release.ts';
import { prepare, setUpBuilder, startBuildKit, startRegistry, type TestRegistry } from '../images/lab.ts';
import { runWorkflow, starter } from './act.ts';

const never = new AbortController().signal;

let registry: TestRegistry;
let buildKit: Awaited<ReturnType<typeof startBuildKit>>;
const machine = { path: [dirname(programPath('buildx'))], env: { BUILDX_CONFIG: '' } };

beforeAll(async () => {
  await prepare();
  [registry, buildKit] = await Promise.all([startRegistry(), startBuildKit()]);
  machine.env.BUILDX_CONFIG = await mkdtemp(join(tmpdir(), 'sluice-buildx-'));
  await setUpBuilder('starters', buildKit.address, machine.env.BUILDX_CONFIG);
});

afterAll(async () => {
  await Promise.all([registry.stop(), buildKit.stop()]);
  await rm(machine.env.BUILDX_CONFIG, { recursive: true, force: true });
});

/** The lab's nodes can run the image as soon as the workflow has pushed it: version 1.1.0, as good as the one before. */
async function pullable(lab: Lab, repository: string): Promise<void> {
  await waitUntil(
    async () => {
      const [tag] = await registry.tags(repository);
      const digest = tag === undefined ? undefined : await registry.digest(repository, tag);
      if (digest === undefined) return false;
      lab.images.set(`${registry.host}/${repository}:${tag}`, { version: '1.1.0', errorRate: 0.005, digest });
      return true;
    },
    { what: `an image in ${repository}`, timeout: 100_000, signal: never },
  );
}

/** What a push to a repository of an owner with capitals tells. */
const pushed = { deleted: false, repository: { name: 'Checkout' } };

// Nobody keeps a connection open here.
const undrained = (workflow: string) => workflow.replace(/^( +)timeout: .*$/m, '$&\n$1drain: 0s');

describe('A starter in an empty repository of an owner with capitals, with the build in it', () => {
  it.each([
    ['Gateway API', 'gateway-api', {}],
    ['Istio', 'istio-hosts', { SLUICE_ROUTE_KIND: 'virtualservice' }],
  ] as const)('canary: a push is built and promoted by %s', async (_, router, vars) => {
    const path = `acmecorp/${router}`;
    await inLab({ router, rate: 80 }, async ({ lab }) => {
      const run = await runWorkflow({
        workflow: undrained(await starter('canary')),
        event: 'push',
        repository: 'AcmeCorp/Checkout',
        payload: pushed,
        files: { Dockerfile: `FROM scratch\nCOPY Dockerfile /${router}\n` },
        machine,
        secrets: { KUBECONFIG: await readFile(lab.kubeconfigPath, 'utf8'), REGISTRY_PASSWORD: 'not asked for' },
        vars: {
          SLUICE_NAMESPACE: lab.namespace,
          // In place of ghcr.io, capitals included.
          SLUICE_IMAGE: `${registry.host}/AcmeCorp/${router}`,
          SLUICE_INSECURE_REGISTRIES: registry.host,
          SLUICE_SBOM: 'false',
          SLUICE_STEPS: '30 for 1s, 60 for 1s then hold, 100',
          ...vars,
        },
        deadline: 110_000,
      });
      try {
        await Promise.race([pullable(lab, path), run.ended]);
        const { status, outputs, log, jobs, summary } = await run.ended;
        expect(status, log).toBe(0);
        expect(jobs).toMatchObject({ 'canary/build': 'success', 'canary/canary': 'success' });
        expect(outputs).toMatchObject({ verdict: 'promoted', image: expect.stringMatching(`/${path}@sha256:`) });
        expect(summary).toContain('shop/checkout 1.0.0 → `sha256:');
        await servesOnly(lab, '1.1.0');
        expectServed(lab);
      } finally {
        run.kill();
        await run.clean();
      }
    });
  });

  it('monorepo: the folder that changed is built and promoted', async () => {
    await inLab({ router: 'gateway-api', rate: 80 }, async ({ lab }) => {
      const run = await runWorkflow({
        workflow: undrained(await starter('monorepo')),
        event: 'push',
        repository: 'AcmeCorp/Shop',
        payload: { ...pushed, before: '0'.repeat(40) },
        files: { 'services/checkout/Dockerfile': 'FROM scratch\nCOPY Dockerfile /monorepo\n' },
        machine,
        secrets: { KUBECONFIG: await readFile(lab.kubeconfigPath, 'utf8'), REGISTRY_PASSWORD: 'not asked for' },
        vars: {
          SLUICE_NAMESPACE: lab.namespace,
          SLUICE_REGISTRY: `${registry.host}/AcmeMono`,
          SLUICE_INSECURE_REGISTRIES: registry.host,
          SLUICE_SBOM: 'false',
          SLUICE_STEPS: '30 for 1s, 100',
        },
        deadline: 110_000,
      });
      try {
        await Promise.race([pullable(lab, 'acmemono/checkout'), run.ended]);
        const { status, outputs, log } = await run.ended;
        expect(status, log).toBe(0);
        expect(outputs.verdict).toBe('promoted');
        await servesOnly(lab, '1.1.0');
      } finally {
        run.kill();
        await run.clean();
      }
    });
  });
});
