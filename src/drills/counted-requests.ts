import type { Clock } from '../core/clock.ts';
import { formatDuration } from '../core/duration.ts';
import { isSluiceError, reasonOf } from '../core/errors.ts';
import type { Source } from '../gates/ports.ts';
import type { Requests } from './ports.ts';

/** Milliseconds for one look. */
const LOOK_DEADLINE = 30_000;

/**
 * Requests of users as a source counts them, one window after the other.
 *
 * @param interval milliseconds of a window
 */
export function countedRequests(source: Source, interval: number, clock: Clock): Requests {
  return {
    asked: source.asked,
    kind: 'counted',
    permissions: source.permissions,
    resolution: interval,
    async preflight(signal) {
      const { evidence, warnings = [] } = await source.preflight(signal);
      const exact = `requests are counted every ${formatDuration(interval)}, so that times of recovery are no more exact than that`;
      return { evidence, warnings: [...warnings, exact] };
    },
    async follow(tell, signal) {
      let from = clock.now() - source.lag;
      while (!signal.aborted) {
        await clock.sleep(interval, signal).catch(() => undefined);
        if (signal.aborted) return;
        const to = clock.now() - source.lag;
        try {
          const look = await source.look({ from, to }, AbortSignal.any([signal, AbortSignal.timeout(LOOK_DEADLINE)]));
          if (look.kind === 'counts') tell.tally({ from, to, good: look.total - look.bad, bad: look.bad });
          else tell.gap(from, to, look.kind === 'missing' ? look.reason : 'it was no count');
        } catch (error) {
          if (signal.aborted) return;
          if (isSluiceError(error, 'forbidden') || isSluiceError(error, 'invalid-input')) throw error;
          tell.gap(from, to, reasonOf(error));
        }
        from = to;
      }
    },
  };
}
