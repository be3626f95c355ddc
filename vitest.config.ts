import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    reporters: ['default', './scripts/repeated-tests.ts'],
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/{unit,contract}/**/*.test.ts'],
          testTimeout: 30_000,
          // Loads packages once for each worker; our own modules are loaded anew for each file.
          isolate: false,
          setupFiles: ['test/support/fresh-modules.ts'],
          // One more than the two processors have work for: some tests wait for what is real.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Whole rollouts in real time, which wait more than they work: two files at once, and two tests of each.
        test: {
          name: 'e2e',
          include: ['test/e2e/*.test.ts'],
          testTimeout: 120_000,
          // A machine that stalls for seconds makes one of them late: it is repeated once, and named at the end.
          retry: 1,
          maxWorkers: 2,
          maxConcurrency: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
