import type fc from 'fast-check';
import type { Clock } from '../../src/core/clock.ts';
import { isSluiceError } from '../../src/core/errors.ts';

/** Something that reads what others write. It ends well or with a SluiceError. */
export interface Reader {
  readonly name: string;
  readonly cases: fc.Arbitrary<unknown>;
  /** Of all cases, how many as compared with others; default 1. One that asks servers spends its time on waiting. */
  readonly share?: number;
  /** Any text is a case. */
  readonly isOfText?: boolean;
  read(value: unknown): unknown;
}

export function ofText(name: string, cases: fc.Arbitrary<string>, read: (text: string) => unknown): Reader {
  return { name, cases, isOfText: true, read: (value) => read(String(value)) };
}

/** Time passes only where one waits for it. */
export function createClock(): Clock {
  let now = 1_800_000_000_000;
  return {
    now: () => now,
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      now += milliseconds;
    },
  };
}

export const clock: Clock = createClock();
export const signal = new AbortController().signal;
export const namespace = 'shop';

/** For several readers of one text: a named error of one does not keep the next one from reading it. */
export async function unlessNamed<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isSluiceError(error)) return undefined;
    throw error;
  }
}
