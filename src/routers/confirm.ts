import { isSluiceError, SluiceError } from '../canary/errors.ts';
import type { Clock, Confirmation } from '../canary/ports.ts';
import { createShareWatch, type Look, type ObserveShare } from './share.ts';

/** Milliseconds between two looks. istiod itself waits 100 ms for further changes before it pushes one. */
const INTERVAL = 250;
/** Milliseconds after which the route is asked again while its share does not fit: somebody may have changed the weights. */
const ROUTE_INTERVAL = 5_000;

interface Subject {
  /** `VirtualService shop/checkout` */
  readonly about: string;
  /** Per cent. */
  readonly weight: number;
  readonly clock: Clock;
  readonly observeShare?: ObserveShare;
}

/**
 * Looks again and again until the route's own report, and then the share of requests where it can be observed, say that
 * the data plane follows. The share costs no request; the route is asked once more when the share has come to fit, and
 * now and then until it does.
 *
 * @throws SluiceError `not-confirmed` with what was awaited last, when the signal ends as a deadline; the signal's own
 *   reason when it ends for another one
 */
export async function confirmWith(
  { about, weight, clock, observeShare }: Subject,
  signal: AbortSignal,
  lookAtRoute: (signal: AbortSignal) => Promise<Look>,
): Promise<Confirmation> {
  const lookAtShare = observeShare && createShareWatch(observeShare, weight, clock);
  let awaits = 'a first look at the route';

  /** Looks until there is evidence, or the time is over; tells too whether it was there at once. */
  async function until(look: (signal: AbortSignal) => Promise<Look>, end = Number.POSITIVE_INFINITY) {
    for (let atOnce = true; ; atOnce = false) {
      const seen = await look(signal);
      if ('followed' in seen) return { evidence: seen.evidence, atOnce };
      awaits = seen.awaits;
      if (clock.now() >= end) return { evidence: '', atOnce: false };
      await clock.sleep(INTERVAL, signal);
    }
  }

  try {
    while (true) {
      const route = await until(lookAtRoute);
      if (!lookAtShare) return { evidence: route.evidence };
      const share = await until(lookAtShare, clock.now() + ROUTE_INTERVAL);
      if (share.atOnce) return { evidence: `${route.evidence}; ${share.evidence}` };
    }
  } catch (error) {
    if (!signal.aborted || !isDeadline(signal.reason)) throw error;
    throw new SluiceError('not-confirmed', {
      about,
      problem: `the data plane was not seen to follow the weight of ${weight} % in time: still awaits ${awaits}.`,
      next: 'Look at the gateway or mesh that serves this route, or allow it more time.',
      cause: error,
    });
  }
}

function isDeadline(reason: unknown): boolean {
  return isSluiceError(reason, 'not-confirmed') || (reason instanceof Error && reason.name === 'TimeoutError');
}
