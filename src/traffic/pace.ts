import type { Clock } from '../core/clock.ts';

/** Milliseconds by which a request may be late and still be sent; a later one is left out. */
const MOST_LATE = 50;

/**
 * Lets one pass at a time, at a steady rate: the k-th is due k / rate seconds after the first, so that delays do not add up. Those
 * that are due while nobody waits are left out, as are those that would be much too late. No span of a second has more than the
 * rate, also where a late one is followed by one in time: rather than that, one or two of a hundred are left out on a machine that
 * wakes some milliseconds late. Own code and no package, as it has to keep to the clock that it is given.
 *
 * @param rate a second, above 0
 */
export function createPace(rate: number, clock: Clock) {
  const spacing = 1_000 / rate;
  const together = Math.max(1, Math.ceil(rate));
  /** When the last `together` passed. */
  const passed: number[] = [];
  let started: number | undefined;
  let next = 0;

  return {
    /**
     * Resolves to true when the next one may pass, and to false, at once, where none may before an instant (milliseconds since the
     * Unix epoch). Rejects with the signal's reason when it aborts.
     */
    async passBefore(end: number, signal: AbortSignal): Promise<boolean> {
      for (;;) {
        signal.throwIfAborted();
        const now = clock.now();
        started ??= now;
        const late = now - (started + next * spacing);
        if (late > Math.max(MOST_LATE, spacing)) next = Math.ceil((now - started) / spacing);
        const due = started + next * spacing;
        const oldest = passed.length < together ? undefined : passed[0];
        const allowed = oldest === undefined ? due : Math.max(due, oldest + together * spacing);
        if (Math.max(allowed, now) >= end) return false;
        if (allowed <= now) {
          next += 1;
          passed.push(now);
          if (passed.length > together) passed.shift();
          return true;
        }
        await clock.sleep(allowed - now, signal);
      }
    },
  };
}

export type Pace = ReturnType<typeof createPace>;
