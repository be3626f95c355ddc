import type { Clock } from './clock.ts';

/** A signal that aborts after this many milliseconds by the clock, or with the given signal. Dispose it to stop the timer. */
export function deadline(clock: Clock, milliseconds: number, error: () => Error, signal: AbortSignal) {
  const over = new AbortController();
  const done = new AbortController();
  clock.sleep(milliseconds, done.signal).then(
    () => over.abort(error()),
    // Disposing aborts the sleep, which is no error.
    () => undefined,
  );
  return {
    signal: AbortSignal.any([over.signal, signal]),
    [Symbol.dispose]: () => done.abort(),
  };
}
