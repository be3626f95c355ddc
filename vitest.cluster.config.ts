import { delimiter, dirname } from 'node:path';
import { defineConfig } from 'vitest/config';
import { endpoints, kubeconfigPath } from './lab/cluster/layout.ts';
import { programPath } from './lab/cluster/programs.ts';

/**
 * Tests on the real cluster of `lab/cluster`, which must be up. On two cores its parts stall now and then for seconds, so a failed
 * test is repeated once; `scripts/repeated-tests.ts` names those.
 */
export const cluster = {
  globalSetup: ['test/e2e/cluster/lab.ts'],
  testTimeout: 240_000,
  hookTimeout: 120_000,
  retry: 1,
};

export default defineConfig({
  test: {
    reporters: ['verbose'],
    projects: [
      {
        // The very cases that the embedded lab passes in `npm test`.
        test: {
          ...cluster,
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          // These start all that they ask by themselves, so that `npm test` has run the very same.
          exclude: [
            'test/contract/{bounds,credentials,irregular-plurals,late-endpoints,observability,planted-secrets}.test.ts',
            'test/contract/{burn-rate-oracle,drill-faults-choice,load,requests-check}.test.ts',
            'test/contract/{hostile,source-faults}*.test.ts',
            'test/contract/kubernetes-{admission,derived-*,existing-arms,first-release,forged-record}.test.ts',
          ],
          env: {
            SLUICE_CONTRACT_KUBECONFIG: kubeconfigPath,
            SLUICE_CONTRACT_IMAGE: `${endpoints.registry}/demo-service:v1`,
            // A real Prometheus for the cases that start one of their own.
            PATH: [dirname(programPath('prometheus')), process.env.PATH].join(delimiter),
          },
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Workflow files on the embedded lab, and what checks them.
        test: {
          name: 'workflows',
          include: ['test/e2e/workflows/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 600_000,
          // Whole rollouts in real time: alone on the machine, two at once, as in npm test.
          maxConcurrency: 2,
          retry: 1,
          sequence: { groupOrder: 4 },
        },
      },
      {
        // Each release has a shop of its own.
        test: {
          ...cluster,
          name: 'side by side',
          include: ['test/e2e/cluster/*.test.ts'],
          exclude: ['test/e2e/cluster/outages.test.ts'],
          fileParallelism: false,
          maxConcurrency: 6,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Images are built on the machine itself: these need no cluster.
        test: {
          name: 'images',
          include: ['test/e2e/images/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        // What is taken away here is taken from all.
        test: {
          ...cluster,
          name: 'one after the other',
          include: ['test/e2e/cluster/outages.test.ts'],
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
