import { defineConfig } from 'vitest/config';
import { cluster } from './vitest.cluster.config.ts';

/** All cases on the real cluster of which `npm run test:e2e` has one of each kind. */
export default defineConfig({
  test: {
    ...cluster,
    reporters: ['verbose'],
    include: ['test/real/cluster/*.test.ts'],
    fileParallelism: false,
    maxConcurrency: 6,
  },
});
