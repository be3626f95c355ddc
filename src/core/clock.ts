import { setTimeout } from 'node:timers/promises';

export interface Clock {
  now(): number;
  /** Resolves after the given milliseconds; rejects with the signal's reason when it aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** The real time, which does not jump when the machine's clock is set. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  async sleep(milliseconds, signal) {
    try {
      // A timer holds 31 bits; what is longer than 24 days is as good as never.
      await setTimeout(Math.min(milliseconds, 2 ** 31 - 1), undefined, { signal });
    } catch (error) {
      // Not the timer's own AbortError: the reason says why.
      signal.throwIfAborted();
      throw error;
    }
  },
};
