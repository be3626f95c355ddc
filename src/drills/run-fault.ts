import { deadline } from '../core/deadline.ts';
import { formatDuration } from '../core/duration.ts';
import { reasonOf, SluiceError } from '../core/errors.ts';
import { persist } from '../core/persist.ts';
import type { ControlArm } from './control-arm.ts';
import type { FaultOutcome } from './events.ts';
import type { Journal } from './journal.ts';
import { requireWithin } from './limits.ts';
import { feltByRequests } from './measure/felt-by-requests.ts';
import { judgeTarget } from './measure/judge-target.ts';
import type { Measured } from './measure/measured.ts';
import { measure } from './measure/recovery.ts';
import type { TargetResult } from './measure/targets.ts';
import { worsened } from './measure/worsened.ts';
import type { Aim, Effect, Fault, Moment } from './ports.ts';
import { type Armed, type RequestWatch, StopReason } from './watch-requests.ts';
import type { DrillOptions, DrillWorld } from './world.ts';

/** Milliseconds between two looks at how a fault is felt, and at whether users have recovered. */
const LOOK = 500;

/** Milliseconds before a fault whose requests it is compared with. */
const BEFORE = 60_000;

/** Milliseconds in which a fault that happens at once has to be felt. */
const AT_ONCE = 30_000;

/** What one fault needs of the drill around it. */
export interface Course {
  readonly world: DrillWorld;
  readonly options: DrillOptions;
  readonly journal: Journal;
  readonly watch: RequestWatch;
  readonly moments: readonly Moment[];
  /** Since when users have felt nothing, for what is measured before a fault; undefined from the beginning on. */
  steadyFrom?: number;
}

export interface Ran {
  readonly outcome: FaultOutcome;
  /** Why the drill has to end after it; undefined where it goes on. */
  readonly stopped: string | undefined;
}

/**
 * Injects one fault, watches what users feel, removes it, and watches until they feel nothing of it any more.
 *
 * @param signal stops it; whoever stops it removes the fault
 */
export async function runFault(course: Course, index: number, fault: Fault, signal: AbortSignal): Promise<Ran> {
  const { world, options, journal, watch } = course;
  const { clock, emit } = world;
  // What was there when the drill was planned may have been replaced since.
  const aim = await fault.aim(signal);
  requireWithin(options.limits, fault, aim);
  emit({ type: 'injecting', at: clock.now(), index, aim: withoutMark(aim) });
  await journal.add({ kind: fault.kind, text: fault.text, mark: aim.mark }, signal);
  signal.throwIfAborted();

  const injectedAt = clock.now();
  watch.log.injecting(injectedAt);
  const armed = watch.arm(options.stopWhen);
  await fault.inject(aim.mark, signal);
  emit({ type: 'injected', at: clock.now(), index });
  const seen = await hold(course, { index, fault, aim, injectedAt, armed }, signal);
  watch.disarm();
  const stopped = armed.stop.aborted || watch.broken.aborted ? stopReason(armed.stop, watch) : undefined;
  if (stopped !== undefined) emit({ type: 'stopped', at: clock.now(), index, reason: stopped });

  const removedAt = await removeFault(world, options, { index, fault, mark: aim.mark, journal }, signal);
  watch.log.border(removedAt);
  await settle(course, { injectedAt, removedAt }, signal);
  const outcome = conclude(course, { fault, injectedAt, removedAt, seen, control: armed.control });
  emit({ type: 'measured', at: clock.now(), index, outcome });
  return { outcome, stopped };
}

interface Injected {
  readonly index: number;
  readonly fault: Fault;
  readonly aim: Aim;
  readonly injectedAt: number;
  readonly armed: Armed;
}

/** Waits while the fault lasts, or until it was stopped, and asks again and again how it is felt. */
async function hold(
  { world: { clock, emit }, watch }: Course,
  { index, fault, aim, injectedAt, armed }: Injected,
  signal: AbortSignal,
): Promise<Effect> {
  const until = injectedAt + (fault.lasts === 0 ? AT_ONCE : fault.lasts);
  // A look that does not come back must not make the fault last longer.
  using limit = deadline(clock, until - clock.now(), () => new Error('the time of the fault is over'), signal);
  // Once the control arm has decided, no more requests need to be hit.
  const over = AbortSignal.any([armed.stop, armed.decided, watch.broken, limit.signal]);
  let seen: Effect = { felt: 'unknown', evidence: 'it was not looked at' };
  while (!over.aborted && clock.now() < until) {
    const effect = await fault.effect(aim.mark, over).catch((error: unknown): Effect => {
      signal.throwIfAborted();
      return { felt: 'unknown', evidence: `it could not be looked at: ${reasonOf(error)}` };
    });
    // What was felt once stays felt: pods that were killed are replaced.
    const isNew = effect.felt !== seen.felt || effect.evidence !== seen.evidence;
    if (seen.felt !== 'felt' && !over.aborted && isNew) {
      seen = effect;
      emit({ type: 'felt', at: clock.now(), index, effect });
    }
    if (fault.lasts === 0 && seen.felt === 'felt') break;
    await clock.sleep(Math.min(LOOK, Math.max(0, until - clock.now())), over).catch(() => signal.throwIfAborted());
  }
  signal.throwIfAborted();
  return seen;
}

function stopReason(stop: AbortSignal, { broken }: RequestWatch): string {
  if (stop.reason instanceof StopReason) return stop.reason.message;
  return `requests can not be watched any more: ${reasonOf(broken.reason)}`;
}

interface Removing {
  readonly index: number;
  readonly fault: Pick<Fault, 'remove' | 'text'>;
  readonly mark: Aim['mark'];
  readonly journal: Journal;
}

/**
 * Removes a fault and takes it off the record, and goes on trying while the API server is away.
 *
 * @returns when it was gone
 */
export async function removeFault(
  { clock, emit }: Pick<DrillWorld, 'clock' | 'emit'>,
  { removeTimeout }: Pick<DrillOptions, 'removeTimeout'>,
  { index, fault, mark, journal }: Removing,
  signal: AbortSignal,
): Promise<number> {
  const { text } = fault;
  emit({ type: 'removing', at: clock.now(), index, text });
  using limit = deadline(clock, removeTimeout, () => notInTime(text, removeTimeout), signal);
  await persist({ clock }, limit.signal, () => fault.remove(mark, limit.signal));
  const removedAt = clock.now();
  emit({ type: 'removed', at: removedAt, index, text });
  await persist({ clock }, limit.signal, () => journal.drop(text, limit.signal));
  return removedAt;
}

/** Waits until users have felt nothing for long enough, and no longer than `recoveryTimeout`. */
async function settle(course: Course, times: Times, signal: AbortSignal): Promise<void> {
  const { world, options, watch } = course;
  const { requests, clock } = world;
  // A request that is on its way may still fail.
  const delay = requests.kind === 'own' ? requests.resolution : 0;
  while (!watch.broken.aborted && clock.now() - times.removedAt < options.recoveryTimeout) {
    const endedAt = clock.now() - delay;
    if (endedAt - times.removedAt >= options.steadyFor && measured(course, { ...times, endedAt })?.recovery) return;
    await clock.sleep(LOOK, signal);
  }
}

type Times = Pick<FaultOutcome, 'injectedAt' | 'removedAt'>;

function measured(
  { options, watch, steadyFrom }: Course,
  times: Times & { readonly endedAt: number },
): Measured | undefined {
  const { steadyFor, successTarget: target } = options;
  const before = steadyFrom !== undefined && { steadyFrom };
  return measure(watch.log, { ...times, ...before, steadyFor, target });
}

interface Seen extends Times {
  readonly fault: Fault;
  readonly seen: Effect;
  readonly control: ControlArm | undefined;
}

function conclude(course: Course, { fault, seen, control, ...times }: Seen): FaultOutcome {
  const { world, options, watch, moments } = course;
  const endedAt = world.clock.now();
  watch.log.border(endedAt);
  const felt = measured(course, { ...times, endedAt });
  const { kind, text, lasts, endedBy } = fault;
  course.steadyFrom = endedAt - (felt?.recovery ? options.steadyFor : 0);
  const effect = seen.felt === 'unknown' ? byRequests(course, { fault, seen, control, ...times }) : seen;
  const watched = new Set(world.responders.map((responder) => responder.kind));
  const targets = options.targets.map((target) =>
    judgeTarget(target, { measured: felt, moments, watched, ...times, endedAt }),
  );
  return {
    fault: { kind, text, lasts, endedBy },
    effect,
    ...times,
    measured: felt,
    targets: control ? [...targets, againstControl(control)] : targets,
  };
}

const controlStates = { worse: 'failed', 'not-worse': 'passed', unknown: 'missing' } as const;

/** The control arm as one more target. */
function againstControl(control: ControlArm): TargetResult {
  const { state, sentence } = control.opinion();
  return { target: 'no more failures than in the control arm', state: controlStates[state], sentence };
}

/** What requests say of a fault of which the cluster can't tell. */
function byRequests({ watch }: Course, { fault, seen, control, injectedAt, removedAt }: Seen): Effect {
  const compared = control?.opinion();
  if (compared?.state === 'worse') return { felt: 'felt', evidence: compared.sentence };
  const before = watch.sent(injectedAt - BEFORE, injectedAt);
  const during = watch.sent(injectedAt, removedAt);
  const told = fault.injects ? feltByRequests(before, during, fault.injects) : worsened(before, during);
  if (told.felt === 'unknown') return { felt: 'unknown', evidence: `${seen.evidence}; ${told.evidence}` };
  return told;
}

export function withoutMark({ mark: _, ...aim }: Aim): Omit<Aim, 'mark'> {
  return aim;
}

function notInTime(text: string, milliseconds: number): SluiceError {
  return new SluiceError('timed-out', {
    about: `fault "${text}"`,
    problem: `was not removed within ${formatDuration(milliseconds)}.`,
    next: 'Remove it by hand; the next run of the drill tries again.',
  });
}
