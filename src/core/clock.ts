import { setTimeout } from 'node:timers/promises';

export interface Clock {
  now(): number;
  /** Resolves after the given milliseconds; rejects with the signal's reason when it aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** The real time, unaffected by changes of the machine's clock. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  async sleep(milliseconds, signal) {
    try {
      // A timer takes at most 2^31 milliseconds (24 days); a longer wait is cut to that.
      await setTimeout(Math.min(milliseconds, 2 ** 31 - 1), undefined, { signal });
    } catch (error) {
      // Throws the signal's reason, which says why the wait ended, instead of the timer's AbortError.
      signal.throwIfAborted();
      throw error;
    }
  },
};
