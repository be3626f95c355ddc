import type { Confirmation } from '../../canary/ports.ts';
import type { Clock } from '../../core/clock.ts';
import { isSluiceError, SluiceError } from '../../core/errors.ts';
import { createShareWatch, type Look, type ObserveShare, type ShareMemory } from './share.ts';

/** Milliseconds between two looks. istiod itself waits 100 ms for further changes before it pushes one. */
const INTERVAL = 250;
/** Milliseconds after which the route is read again while the share does not match: somebody may have changed the weights. */
const ROUTE_INTERVAL = 5_000;

interface Subject {
  /** `VirtualService shop/checkout` */
  readonly about: string;
  /** Per cent. */
  readonly weight: number;
  readonly clock: Clock;
  readonly observeShare?: ObserveShare;
  /** The share memory, kept from one weight to the next. */
  readonly shares?: ShareMemory;
}

/**
 * Waits until the route's own report, and then the share of requests if it can be observed, show that the data plane follows.
 * Observing the share sends no request. The route is read again when the share matches, and now and then until it does.
 *
 * @throws SluiceError `not-confirmed` with what was awaited last, if the signal ends as a deadline and the share has not even
 *   moved; the signal's own reason if it ends for another one
 */
export async function confirmWith(
  { about, weight, clock, observeShare, shares }: Subject,
  signal: AbortSignal,
  lookAtRoute: (signal: AbortSignal) => Promise<Look>,
): Promise<Confirmation> {
  const watch = observeShare && createShareWatch(observeShare, weight, clock, shares);
  let reported = '';
  let awaits = 'a first look at the route';

  /** Looks until there is evidence or the time is over; `atOnce` says whether the first look gave it. */
  async function until(look: (signal: AbortSignal) => Promise<Look>, end = Number.POSITIVE_INFINITY) {
    for (let atOnce = true; ; atOnce = false) {
      const seen = await look(signal);
      if ('followed' in seen) return { ...seen, atOnce };
      awaits = seen.awaits;
      if (clock.now() >= end) return { evidence: '', atOnce: false, warning: undefined };
      await clock.sleep(INTERVAL, signal);
    }
  }

  try {
    while (true) {
      const route = await until(lookAtRoute);
      if (!watch) return { evidence: route.evidence };
      reported = route.evidence;
      const share = await until((signal) => watch.look(signal), clock.now() + ROUTE_INTERVAL);
      if (share.atOnce) return confirmed(reported, share);
    }
  } catch (error) {
    if (!signal.aborted || !isDeadline(signal.reason)) throw error;
    const verdict = reported === '' ? undefined : watch?.verdict();
    if (verdict && 'followed' in verdict) return confirmed(reported, verdict);
    const others = watch?.unmeasured();
    if (others !== undefined) throw neverMeasured(weight, others, error);
    throw new SluiceError('not-confirmed', {
      about,
      problem: `the data plane was not seen to follow the weight of ${weight} % in time: still awaits ${awaits}.`,
      next: 'Look at the gateway or mesh that serves this route, or allow it more time.',
      cause: error,
    });
  }
}

function confirmed(
  route: string,
  { evidence, warning }: Omit<Extract<Look, { followed: true }>, 'followed'>,
): Confirmation {
  return { evidence: `${route}; ${evidence}`, ...(warning !== undefined && { warning }) };
}

function neverMeasured(weight: number, stableRequests: number, cause: unknown): SluiceError {
  return new SluiceError('not-confirmed', {
    about: 'the canary',
    problem: `nothing of it was ever measured, while ${stableRequests.toLocaleString('en-US')} requests of the stable version were: whether it gets its ${weight} % can’t be seen.`,
    next: 'Look whether its pods are scraped (the labels that a monitor selects by, a network or authorization policy), whether the queries name it, and whether any request reaches it.',
    cause,
  });
}

function isDeadline(reason: unknown): boolean {
  return isSluiceError(reason, 'not-confirmed') || (reason instanceof Error && reason.name === 'TimeoutError');
}
