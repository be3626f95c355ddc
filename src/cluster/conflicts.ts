import { isSluiceError } from '../core/errors.ts';

/** How often a write is tried while its `test` operations fail because others change the same object. */
const TRIES = 5;

/**
 * Reads and writes an object, and starts again with the reading if the object was changed in between. The answer to a write may
 * get lost as well: the next reading then shows that the write is done.
 */
export async function retryOnConflict<T>(readAndWrite: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await readAndWrite();
    } catch (error) {
      if (!isSluiceError(error, 'conflict') || tries === TRIES) throw error;
    }
  }
}
