import type { Clock } from './clock.ts';
import { isSluiceError } from './errors.ts';

/** Milliseconds before an act is tried again that failed because the API server was away. */
const RETRY_PAUSE = 1_000;

/** Does it again and again while the API server is away: what ends a rollout is not given up before its deadline. */
export async function persist<T>(
  { clock }: { readonly clock: Clock },
  signal: AbortSignal,
  act: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      signal.throwIfAborted();
      if (!isSluiceError(error, 'unreachable')) throw error;
      await clock.sleep(RETRY_PAUSE, signal);
    }
  }
}
