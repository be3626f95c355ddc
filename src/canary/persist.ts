import { isSluiceError } from '../core/errors.ts';
import type { World } from './world.ts';

/** Milliseconds before an act is tried again that failed because the API server was away. */
const RETRY_PAUSE = 1_000;

/** Does it again and again while the API server is away: what ends a rollout is not given up before its deadline. */
export async function persist<T>(
  { clock }: Pick<World, 'clock'>,
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
