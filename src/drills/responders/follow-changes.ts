import type { Clock } from '../../core/clock.ts';
import { isSluiceError, reasonOf } from '../../core/errors.ts';
import type { Moment } from '../ports.ts';

/** Milliseconds between two looks, and for one. */
const LOOK = 1_000;
const LOOK_DEADLINE = 20_000;

/** What a look sees: the moments that are new. */
type Look = (signal: AbortSignal) => Promise<readonly Moment[]>;

/**
 * Looks again and again until the signal aborts. Where it can't look, that is told once as `missing`: what it did not see is not known.
 */
export async function followChanges(
  kind: string,
  { look, clock }: { readonly look: Look; readonly clock: Clock },
  tell: (moment: Moment) => void,
  signal: AbortSignal,
): Promise<void> {
  let isMissing = false;
  while (!signal.aborted) {
    try {
      const moments = await look(AbortSignal.any([signal, AbortSignal.timeout(LOOK_DEADLINE)]));
      for (const moment of moments) tell(moment);
    } catch (error) {
      if (signal.aborted) return;
      if (!isMissing) tell({ at: clock.now(), kind, state: 'missing', text: reasonOf(error) });
      isMissing = true;
      if (isSluiceError(error, 'forbidden') || isSluiceError(error, 'invalid-input')) return;
    }
    await clock.sleep(LOOK, signal).catch(() => undefined);
  }
}
