/** Settles as the promise does, or rejects with the signal's reason as soon as it aborts. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener('abort', stop));
}

/** A signal that never aborts, for calls that must not be cancelled and have their own deadlines. */
export function never(): AbortSignal {
  return new AbortController().signal;
}
