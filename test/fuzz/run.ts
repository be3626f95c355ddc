/**
 * `npm run fuzz -- [--seed N] [--cases N] [--reader NAME]`: gives nearly right texts to everything that reads what others write.
 * A failure is an error that is not a named one of ours, more than a second, or more than 256 MB. A failing case is shrunk
 * and printed with what it takes to see it again.
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { readers } from './readers.ts';
import type { Failure, Job } from './worker.ts';

/** Milliseconds without a finished case after which a reader hangs. */
const HANGS = 30_000;
const AT_ONCE = 2;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    cases: { type: 'string', default: '100000' },
    reader: { type: 'string', multiple: true, default: [] },
  },
});
const seed = Number(values.seed);
const chosen = readers.filter(({ name }) => values.reader.length === 0 || values.reader.includes(name));
const total = Number(values.cases);

/** Lets one reader read all its cases in a thread of its own, which can be ended when it hangs. */
async function fuzz(name: string, cases: number): Promise<Failure | undefined> {
  const progress = new SharedArrayBuffer(4);
  const done = new Int32Array(progress);
  const job: Job = { name, seed, cases, progress };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: job });
  const { promise, resolve } = Promise.withResolvers<Failure | undefined>();
  let seen = -1;
  const watch = setInterval(() => {
    const now = Atomics.load(done, 0);
    if (now === seen) resolve({ problem: `hangs at case ${now + 1}`, example: `the case after ${now}` });
    seen = now;
  }, HANGS);
  worker.on('message', resolve);
  worker.on('error', (error) =>
    resolve({ problem: `ended its thread: ${error}`, example: `the case after ${Atomics.load(done, 0)}` }),
  );
  try {
    return await promise;
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}

let failed = 0;
const queue = chosen.values();
async function work(): Promise<void> {
  for (const { name, share = 0 } of queue) {
    const begun = performance.now();
    const cases = Math.ceil(total * Math.max(share, 1 / chosen.length));
    const failure = await fuzz(name, cases);
    const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
    if (!failure) {
      console.log(`✓ ${name}: ${cases} cases in ${seconds} s`);
      continue;
    }
    failed += 1;
    console.log(
      `✗ ${name}: ${failure.problem}\n  case: ${failure.example}\n  again: npm run fuzz -- --seed ${seed} --cases ${cases} --reader "${name}"`,
    );
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, work));
console.log(`\nseed ${seed}: ${chosen.length - failed} readers passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
