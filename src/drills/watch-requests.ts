import { type ControlArm, createControlArm } from './control-arm.ts';
import { createRequestLog, type RequestLog } from './measure/request-log.ts';
import { createStopCondition, type StopCondition, type StopRule } from './measure/stop-condition.ts';
import type { Tally } from './ports.ts';
import type { DrillWorld } from './world.ts';

/** Milliseconds between two looks at the stop condition, beside those with each request. */
const LOOK = 250;

/** The most requests that are kept one by one. */
const MOST_KEPT = 20_000;

/** The requests of a drill, from before its first fault to its end. */
export interface RequestWatch {
  readonly log: RequestLog;
  /** The last requests that were sent in a time, up to 20,000 of all. */
  sent(from: number, to: number): readonly Tally[];
  /** Watches what comes until `disarm`. */
  arm(rule: StopRule | undefined): Armed;
  disarm(): void;
  /** Aborts when requests can not be followed any more, with the error as its reason. */
  readonly broken: AbortSignal;
  end(): Promise<void>;
}

/** What is watched while a fault is in. */
export interface Armed {
  /** Aborts when the stop condition is met, with a StopReason. */
  readonly stop: AbortSignal;
  /** The requests without the fault's header against those with it; undefined where none are sent. */
  readonly control: ControlArm | undefined;
  /** Aborts when the control arm has decided. */
  readonly decided: AbortSignal;
}

/** Why a drill was stopped. */
export class StopReason extends Error {
  /** When users began to be hurt, milliseconds since the Unix epoch. */
  readonly since: number;

  constructor(message: string, since: number) {
    super(message);
    this.since = since;
  }
}

interface Watched {
  readonly condition: StopCondition | undefined;
  readonly control: ControlArm | undefined;
  readonly stop: AbortController;
  readonly decided: AbortController;
  readonly since: number;
}

/** Follows requests in the background, until `end`, or until the signal aborts. */
export function watchRequests(
  { requests, clock, emit }: Pick<DrillWorld, 'requests' | 'clock' | 'emit'>,
  signal: AbortSignal,
): RequestWatch {
  const log = createRequestLog(requests.kind);
  const over = new AbortController();
  const broken = new AbortController();
  const during = AbortSignal.any([signal, over.signal]);
  const kept: Tally[] = [];
  let armed: Watched | undefined;

  function decide(): void {
    const stopped = armed?.condition?.decide(clock.now());
    if (stopped) armed?.stop.abort(new StopReason(stopped.reason, stopped.since));
  }

  function compare({ arm, bad, from }: Tally): void {
    if (!arm || !armed?.control || from < armed.since) return;
    armed.control.add(arm, bad > 0);
    if (armed.control.opinion().state !== 'unknown') armed.decided.abort();
  }

  async function decideAgain(): Promise<void> {
    while (!during.aborted) {
      await clock.sleep(LOOK, during).catch(() => undefined);
      decide();
    }
  }

  const followed = requests.follow(
    {
      tally(tally) {
        compare(tally);
        if (tally.arm === 'clean') return;
        log.tally(tally);
        kept.push(tally);
        if (kept.length > 2 * MOST_KEPT) kept.splice(0, MOST_KEPT);
        emit({ type: 'requests', at: clock.now(), tally });
        armed?.condition?.tally(tally);
        decide();
      },
      gap(from, to, reason) {
        log.gap(from, to, reason);
        emit({ type: 'no-requests', at: clock.now(), from, reason });
      },
    },
    during,
  );
  const settled = followed.catch((error: unknown) => {
    if (!during.aborted) broken.abort(error);
  });
  const decided = decideAgain();
  return {
    log,
    sent: (from, to) => kept.filter((tally) => tally.from >= from && tally.from < to),
    broken: broken.signal,
    arm(rule) {
      const [stop, decided] = [new AbortController(), new AbortController()];
      const control = requests.hasControl ? createControlArm() : undefined;
      const condition = rule && createStopCondition(rule, requests.kind);
      armed = { condition, control, stop, decided, since: clock.now() };
      return { stop: stop.signal, control, decided: decided.signal };
    },
    disarm() {
      armed = undefined;
    },
    async end() {
      over.abort();
      await settled;
      await decided;
    },
  };
}
