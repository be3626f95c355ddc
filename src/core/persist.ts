import pRetry from 'p-retry';
import type { Clock } from './clock.ts';
import { isSluiceError } from './errors.ts';

/** Milliseconds before an action is retried that failed because the API server was away. */
const RETRY_PAUSE = 1_000;

/**
 * Retries while the API server is away: what ends a rollout is not given up before its deadline. A success counts even after
 * the deadline.
 */
export function persist<T>(
  { clock }: { readonly clock: Clock },
  signal: AbortSignal,
  act: () => Promise<T>,
): Promise<T> {
  return pRetry(act, {
    retries: Number.POSITIVE_INFINITY,
    // The clock waits instead, in `shouldRetry`.
    minTimeout: 0,
    onFailedAttempt: () => signal.throwIfAborted(),
    async shouldRetry({ error }) {
      if (!isSluiceError(error, 'unreachable')) return false;
      await clock.sleep(RETRY_PAUSE, signal);
      return true;
    },
  });
}
