import type { Clock } from '../../src/core/clock.ts';

/** A clock that stands still until `run` moves it: from one sleeper to the next, as soon as all else has settled. */
export interface VirtualClock extends Clock {
  /** Lets time pass until the promise settles. Throws if the promise is pending and nothing sleeps. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** Calls back at an instant, milliseconds since the epoch. */
  at(instant: number, action: () => void): void;
}

interface Sleeper {
  readonly wake: number;
  readonly order: number;
  readonly resolve: () => void;
}

export function createVirtualClock(start = Date.UTC(2026, 0, 1)): VirtualClock {
  const sleepers = new Set<Sleeper>();
  let now = start;
  let order = 0;

  function add(wake: number, resolve: () => void): Sleeper {
    const sleeper = { wake, order: order++, resolve };
    sleepers.add(sleeper);
    return sleeper;
  }

  function wakeNext(): boolean {
    const next = [...sleepers].sort((a, b) => a.wake - b.wake || a.order - b.order)[0];
    if (!next) return false;
    sleepers.delete(next);
    now = Math.max(now, next.wake);
    next.resolve();
    return true;
  }

  return {
    now: () => now,
    sleep(milliseconds, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason);
          return;
        }
        const sleeper = add(now + milliseconds, () => {
          signal.removeEventListener('abort', stop);
          resolve();
        });
        const stop = () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        };
        signal.addEventListener('abort', stop, { once: true });
      });
    },
    at(instant, action) {
      add(instant, action);
    },
    async run(promise) {
      let settled = false;
      const done = promise.finally(() => {
        settled = true;
      });
      // The caller sees the rejection; here it must only not count as unhandled while time passes.
      done.catch(() => undefined);
      for (let idle = 0; !settled; ) {
        await new Promise((resolve) => setImmediate(resolve));
        if (settled) break;
        idle = wakeNext() ? 0 : idle + 1;
        if (idle > 50) throw new Error('nothing sleeps and the promise has not settled');
      }
      return done;
    },
  };
}
