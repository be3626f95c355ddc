import { SluiceError } from '../core/errors.ts';

type Name = 'SIGINT' | 'SIGTERM';

/** The part of the process that reports signals. */
export interface SignalSource {
  on(name: Name, listener: () => void): unknown;
  off(name: Name, listener: () => void): unknown;
}

export interface Cancellation extends Disposable {
  /**
   * Aborts with the first signal: begin nothing new, restore the route. `post` does what is not done by the last signal.
   */
  readonly cancelled: AbortSignal;
}

/**
 * Listens for a cancellation of the job. A runner that cancels a job sends SIGINT, SIGTERM 7.5 s later, and kills the process
 * 2.5 s after that; then it runs `post`.
 */
export function listenForCancellation(source: SignalSource): Cancellation {
  const controller = new AbortController();
  const listeners = (['SIGINT', 'SIGTERM'] as const).map((name) => {
    const listener = () => controller.abort(cancelled(name));
    source.on(name, listener);
    return () => source.off(name, listener);
  });
  return {
    cancelled: controller.signal,
    [Symbol.dispose]: () => {
      for (const stop of listeners) stop();
    },
  };
}

function cancelled(name: Name): SluiceError {
  return new SluiceError('cancelled', {
    about: 'this run',
    problem: `was asked to stop (${name}).`,
    next: 'Run the workflow again to release.',
  });
}
