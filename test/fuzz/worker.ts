import { parentPort, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { isSluiceError } from '../../src/core/errors.ts';
import { readers } from './readers.ts';

/** What the thread of one reader does. */
export interface Job {
  readonly name: string;
  readonly seed: number;
  readonly cases: number;
  /** One number: how many cases were read. */
  readonly progress: SharedArrayBuffer;
}

export interface Failure {
  readonly problem: string;
  readonly example: string;
}

const LONGEST = 1_000;
const LARGEST = 256 * 2 ** 20;
/** Characters of a case that are printed. */
const SHOWN = 600;

const { name, seed, cases, progress }: Job = workerData;
const done = new Int32Array(progress);
const reader = readers.find((one) => one.name === name);
if (!reader) throw new Error(`there is no reader ${name}`);

async function read(value: unknown): Promise<void> {
  const heap = process.memoryUsage().heapUsed;
  const begun = process.threadCpuUsage();
  try {
    await reader?.read(value);
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

const result = await fc.check(fc.asyncProperty(reader.cases, read), { seed, numRuns: cases, endOnFailure: false });
parentPort?.postMessage(result.failed ? failureOf(result) : undefined);

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
