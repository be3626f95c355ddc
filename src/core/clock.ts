import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../canary/ports.ts';

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
