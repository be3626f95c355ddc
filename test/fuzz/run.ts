/**
 * `npm run fuzz -- [--seed N] [--cases N] [--reader NAME]`: gives nearly right texts to everything that reads what others write.
 * A failure is an error that is not a named one of ours, more than a second, or more than 256 MB. A failing case is shrunk
 * and printed with what it takes to see it again. Then each reader gets worst cases of two lengths: at four times the text
 * it may take six times as long.
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Reader } from './reader.ts';
import { readers } from './readers.ts';
import type { Failure, Outcome, Task } from './worker.ts';

/** Milliseconds without a finished case after which a reader hangs. */
const HANGS = 60_000;
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
const shares = chosen.reduce((sum, { share = 1 }) => sum + share, 0);
const casesOf = ({ share = 1 }: Reader) => Math.ceil((Number(values.cases) * share) / shares);

/** A thread that reads the cases of one reader after the other. One that hangs is ended, and another takes its place. */
function createThread() {
  const progress = new SharedArrayBuffer(4);
  const done = new Int32Array(progress);
  let worker = start();

  function start(): Worker {
    return new Worker(new URL('./worker.ts', import.meta.url), { workerData: progress });
  }

  async function outcomeOf(task: Task): Promise<Failure | undefined> {
    const { promise, resolve } = Promise.withResolvers<Failure | undefined>();
    let seen = -1;
    const watch = setInterval(() => {
      const now = Atomics.load(done, 0);
      if (now === seen) resolve({ problem: `hangs at case ${now + 1}`, example: `the case after ${now}` });
      seen = now;
    }, HANGS);
    const heard = ({ name, failure }: Outcome) => {
      if (name === task.name) resolve(failure);
    };
    const ended = (error: unknown) =>
      resolve({ problem: `ended its thread: ${error}`, example: `the case after ${Atomics.load(done, 0)}` });
    worker.on('message', heard).on('error', ended);
    Atomics.store(done, 0, 0);
    worker.postMessage(task);
    try {
      return await promise;
    } finally {
      clearInterval(watch);
      worker.off('message', heard).off('error', ended);
    }
  }

  return {
    async fuzz(task: Task): Promise<Failure | undefined> {
      const failure = await outcomeOf(task);
      if (failure === undefined) return undefined;
      await worker.terminate();
      worker = start();
      return failure;
    },
    end: () => worker.terminate(),
  };
}

let failed = 0;
const queue = chosen.values();
async function work(): Promise<void> {
  const thread = createThread();
  for (const reader of queue) {
    const { name } = reader;
    const cases = casesOf(reader);
    const begun = performance.now();
    const failure = await thread.fuzz({ name, seed, cases });
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
  await thread.end();
}
const begun = performance.now();
await Promise.all(Array.from({ length: AT_ONCE }, work));
console.log(
  `\nseed ${seed}: ${chosen.length - failed} readers passed, ${failed} failed, in ${((performance.now() - begun) / 1_000).toFixed(0)} s\n`,
);
process.exitCode = failed === 0 ? 0 : 1;
process.exit();
