import { defineConfig } from 'vitest/config';

/** Tests on the servers of `lab/observability`, which must be built. */
export default defineConfig({
  test: {
    reporters: ['verbose'],
    include: ['test/real/*.test.ts'],
    testTimeout: 60_000,
    // Each file starts a server of its own.
    hookTimeout: 240_000,
    maxWorkers: 2,
  },
});
