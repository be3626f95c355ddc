import { defineConfig } from 'vitest/config';

/** Releases on the real cluster of `lab/cluster`, which must be up. */
const cluster = { globalSetup: ['test/e2e/cluster/lab.ts'], testTimeout: 240_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    reporters: ['verbose'],
    projects: [
      {
        // Each release has a shop of its own.
        test: {
          ...cluster,
          name: 'side by side',
          include: ['test/e2e/cluster/*.test.ts'],
          exclude: ['test/e2e/cluster/outages.test.ts'],
          fileParallelism: false,
          maxConcurrency: 4,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // What is taken away here is taken from all.
        test: {
          ...cluster,
          name: 'one after the other',
          include: ['test/e2e/cluster/outages.test.ts'],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
