import type { RequestLog } from './measure/request-log.ts';
import type { StopCondition } from './measure/stop-condition.ts';
import type { DrillWorld } from './world.ts';

/** The requests of a drill, from before its first fault to its end. */
export interface RequestWatch {
  readonly log: RequestLog;
  /** Aborts when the stop condition is met, with the reason as its `reason`. It is fed from `arm` to `disarm`. */
  arm(condition: StopCondition | undefined): AbortSignal;
  disarm(): void;
  /** Aborts when requests can not be followed any more, with the error as its reason. */
  readonly broken: AbortSignal;
  end(): Promise<void>;
}

/** Follows requests in the background, until `end`, or until the signal aborts. */
export function watchRequests(
  { requests, clock, emit }: Pick<DrillWorld, 'requests' | 'clock' | 'emit'>,
  log: RequestLog,
  signal: AbortSignal,
): RequestWatch {
  const over = new AbortController();
  const during = AbortSignal.any([signal, over.signal]);
  let armed: { readonly condition: StopCondition; readonly stop: AbortController } | undefined;
  const followed = requests.follow(
    {
      tally(tally) {
        log.add(tally);
        emit({ type: 'requests', at: clock.now(), tally });
        const reason = armed?.condition.add(tally);
        if (reason !== undefined) armed?.stop.abort(new StopReason(reason));
      },
      gap(from, to, reason) {
        log.addGap(from, to, reason);
        emit({ type: 'no-requests', at: clock.now(), from, reason });
      },
    },
    during,
  );
  const broken = new AbortController();
  const settled = followed.catch((error: unknown) => {
    if (!during.aborted) broken.abort(error);
  });
  return {
    log,
    arm(condition) {
      const stop = new AbortController();
      armed = condition && { condition, stop };
      return stop.signal;
    },
    disarm() {
      armed = undefined;
    },
    broken: broken.signal,
    async end() {
      over.abort();
      await settled;
    },
  };
}

/** Why a drill was stopped. */
export class StopReason extends Error {}
