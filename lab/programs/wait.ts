import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from './commands.ts';

interface WaitOptions {
  /** What is waited for, in the error's words. */
  readonly what: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/**
 * Checks every 100 ms until the condition is true. An error means "not yet", except a LabError, which ends the wait. Throws a
 * LabError with the last error after the timeout.
 */
export async function waitUntil(condition: () => Promise<boolean>, options: WaitOptions): Promise<void> {
  const end = performance.now() + options.timeout;
  let failure: unknown = 'not yet';
  while (performance.now() < end) {
    options.signal.throwIfAborted();
    try {
      if (await condition()) return;
    } catch (error) {
      if (error instanceof LabError) throw error;
      failure = error;
    }
    await sleep(100, undefined, { signal: options.signal });
  }
  throw new LabError(`${options.what}: not within ${options.timeout / 1000} s (${failure})`);
}

/** Runs tasks in parallel. The first failure aborts the others, and its error is thrown when all have ended. */
export async function together(works: ReadonlyArray<(signal: AbortSignal) => Promise<unknown>>, signal: AbortSignal) {
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  const running = works.map(async (work) => {
    try {
      await work(both);
    } catch (error) {
      failed.abort(error);
    }
  });
  await Promise.all(running);
  both.throwIfAborted();
}
