import { defineConfig } from 'vitest/config';

/** Releases on the real cluster of `lab/cluster`: minutes, as root, one at a time. */
export default defineConfig({
  test: {
    name: 'cluster',
    include: ['test/cluster/**/*.test.ts'],
    globalSetup: ['test/cluster/lab.ts'],
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
});
