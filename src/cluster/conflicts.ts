import { isSluiceError } from '../core/errors.ts';

/** Tries of a write whose `test` operations fail because somebody else changes the same object at the same time. */
const TRIES = 5;

/**
 * Does what reads an object and writes it, again from the reading on when the object was changed in between. The answer to
 * a write may get lost as well: the next reading then shows that it is done.
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
