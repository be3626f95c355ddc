import { parentPort, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { isSluiceError } from '../../src/core/errors.ts';
import { measureGrowth } from './growth.ts';
import type { Reader } from './reader.ts';
import { readers } from './readers.ts';

/** What one thread is told. Modules are loaded once, and then one reader after the other has its turn. */
export interface Task {
  readonly name: string;
  readonly seed: number;
  readonly cases: number;
}

export interface Failure {
  readonly problem: string;
  readonly example: string;
}

/** How a reader has ended its cases. */
export interface Outcome {
  readonly name: string;
  readonly failure?: Failure;
}

const LONGEST = 1_000;
const LARGEST = 256 * 2 ** 20;
/** Characters of a case that are printed. */
const SHOWN = 600;

const progress: SharedArrayBuffer = workerData;
const done = new Int32Array(progress);

parentPort?.on('message', async ({ name, seed, cases }: Task) => {
  const reader = readers.find((one) => one.name === name);
  if (!reader) throw new Error(`there is no reader ${name}`);
  await warmUp(reader);
  const property = fc.asyncProperty(reader.cases, (value) => read(reader, value));
  const result = await fc.check(property, { seed, numRuns: cases, endOnFailure: false });
  const slow =
    result.failed || !reader.isOfText ? [] : await measureGrowth(reader, seed, () => Atomics.add(done, 0, 1));
  const failure = result.failed ? failureOf(result) : slowness(slow);
  const outcome: Outcome = { name, ...(failure && { failure }) };
  parentPort?.postMessage(outcome);
});
parentPort?.postMessage({ name: '' } satisfies Outcome);

/** Modules that are loaded with the first case are no part of its time. */
async function warmUp(reader: Reader): Promise<void> {
  const [first] = fc.sample(reader.cases, { seed: 1, numRuns: 1 });
  const warm = async () => reader.read(first);
  await warm().catch(() => undefined);
}

async function read(reader: Reader, value: unknown): Promise<void> {
  const heap = process.memoryUsage().heapUsed;
  const begun = process.threadCpuUsage();
  try {
    await reader.read(value);
  } catch (error) {
    if (!isSluiceError(error)) throw error;
  } finally {
    Atomics.add(done, 0, 1);
  }
  const { user, system } = process.threadCpuUsage(begun);
  const took = (user + system) / 1_000;
  if (took > LONGEST) throw new Error(`took ${Math.round(took)} ms of processor time`);
  const grew = process.memoryUsage().heapUsed - heap;
  if (grew > LARGEST) throw new Error(`took ${Math.round(grew / 2 ** 20)} MB`);
}

function slowness(slow: readonly string[]): Failure | undefined {
  if (slow.length === 0) return undefined;
  return {
    problem: 'takes more than six times as long at four times the text',
    example: slow.slice(0, 5).join('\n        '),
  };
}

function failureOf({ counterexample, errorInstance }: fc.RunDetails<[unknown]>): Failure {
  const shown = JSON.stringify(counterexample?.[0]) ?? '';
  return {
    problem:
      errorInstance instanceof Error
        ? `${errorInstance.name}: ${(errorInstance.stack ?? '').slice(0, SHOWN)}`
        : String(errorInstance),
    example: shown.length > SHOWN ? `${shown.slice(0, SHOWN)}… (${shown.length} characters)` : shown,
  };
}
