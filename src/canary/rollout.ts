import { never } from '../core/abort.ts';
import { deadline } from '../core/deadline.ts';
import { messageOf, SluiceError } from '../core/errors.ts';
import { count, percent } from '../core/wording.ts';
import type { Step } from '../judge/plan.ts';
import { type Conclusion, conclude, finishPromotion, isPromoted, pause } from './conclude.ts';
import { confirm } from './confirm.ts';
import { Ending } from './ending.ts';
import type { Tallies, Tally } from './events.ts';
import { fitOptions } from './fit-plan.ts';
import { type Journal, openJournal } from './journal.ts';
import { createObserver, type Observer } from './observe.ts';
import type { RolloutOptions } from './options.ts';
import type { LeftObject, RolloutRecord, Verdict } from './ports.ts';
import { announce, refuseWhatCannotWork } from './preflight.ts';
import { completePromotion, promote } from './promote.ts';
import { digestServing, isReleased } from './released.ts';
import { relinquish } from './relinquish.ts';
import { refuseNothingHeld, resumeOrStart, type ServesAlready } from './resume.ts';
import { undo } from './undo.ts';
import { isUnfinished } from './unfinished.ts';
import { type World, warn } from './world.ts';

/** How a rollout ended and what was seen on the way. Times are milliseconds since the epoch. */
export interface Outcome extends Tallies {
  readonly verdict: Verdict;
  /** Every step of the plan was passed: a promotion, or a rollout that is held for the stable workload to be deployed. */
  readonly passed?: boolean;
  readonly reason: string;
  /** The highest weight that was reached. */
  readonly weight: number;
  /** The route shows exactly what was found before the first write. */
  readonly routeRestored: boolean;
  readonly revision: string;
  /** Image digest that was seen to serve; only of a promotion. */
  readonly digest?: string;
  /** What an undo could not take back. */
  readonly left?: readonly LeftObject[];
  readonly startedAt: number;
  readonly endedAt: number;
}

/**
 * One canary run, from the first look to its verdict.
 *
 * @throws SluiceError for what was refused before the first write (nothing was changed); `locked` when another run holds
 *   the route or has taken it over; `unreachable` when the route could not be restored before the deadline (the record in
 *   the cluster then tells the next run to go on with it).
 */
export async function rollout(world: World, asked: RolloutOptions, signal: AbortSignal): Promise<Outcome> {
  const { options, warning } = await fitOptions(world, asked, signal);
  announce(world, options, false);
  if (warning !== undefined) warn(world, warning);
  const left = await world.ledger.load(signal);
  if (isReleased(left, options.fingerprint) && (await isSameRevision(world, left, options, signal))) {
    const digest = await digestServing(world, left, signal);
    if (digest !== undefined) {
      if (!left.arms.revision.startsWith('sha256:')) {
        warn(
          world,
          'The image is named by a tag. If the tag was moved since, that is not seen: name the image by its digest.',
        );
      }
      return alreadyReleased(world, left, digest);
    }
  }
  if (options.mode === 'finish') refuseNothingHeld(left, options);
  if (!isUnfinished(left)) await refuseWhatCannotWork(world, options.plan, signal);
  const lease = await world.ledger.claim(signal);
  const running = AbortSignal.any([signal, lease.lost]);
  try {
    const taken = await resumeOrStart(world, options, running);
    if ('undone' in taken) return servedAlready(world, taken);
    const record = taken;
    const journal = openJournal(world.ledger, record);
    if (record.phase === 'undoing') return await finishUndo(world, journal, options);
    if (isPromoted(record)) return await takeUpPromotion(world, journal, options, running);
    return await run(world, journal, options, running, lease.lost);
  } finally {
    await lease.release();
  }
}

/** Takes the steps and promotes; whatever happens on the way, what was begun is concluded before this ends. */
async function run(
  world: World,
  journal: Journal,
  options: RolloutOptions,
  signal: AbortSignal,
  lost: AbortSignal,
): Promise<Outcome> {
  const { clock } = world;
  const stop = new AbortController();
  const observer = createObserver(world, journal.record.arms, options, (ending) => stop.abort(ending));
  using limit = deadline(
    clock,
    options.timeout,
    () => tookTooLong(options.timeout, observer.waitsForApproval),
    AbortSignal.any([signal, stop.signal]),
  );
  // A rollout that is taken up again sends traffic to the canary already.
  if (journal.record.weight.to > 0) observer.enter(journal.record.weight.to);
  // Until the end: an undo and a promotion see by what is counted that no request goes to the canary any more.
  const over = new AbortController();
  const background = Promise.all([
    observer.run(over.signal),
    followCommands(world, observer, limit.signal, (ending) => stop.abort(ending)),
  ]);
  // What is finished has passed its plan, whatever the route shows by now.
  let reached = options.mode === 'finish' ? (options.plan.steps.at(-1)?.weight ?? 0) : journal.record.weight.to;
  let conclusion: Conclusion;
  try {
    if (journal.record.phase !== 'promoting') {
      for (const [index, step] of options.plan.steps.entries()) {
        if (index < journal.record.step) continue;
        await takeStep(world, journal, observer, options, index, step, limit.signal);
        reached = Math.max(reached, step.weight);
      }
    }
    if (options.mode === 'shift') {
      await relinquish(world, journal, limit.signal);
      observer.rest();
      conclusion = { ...(await pause(world, journal, options, new Ending('held', HANDED_OVER))), passed: true };
    } else {
      await promote(world, journal, limit.signal);
      observer.promoted();
      const digest = await completePromotion(world, journal, options, limit.signal);
      observer.rest();
      const reason = options.mode === 'finish' ? RETURNED : 'every step ended without a breach';
      conclusion = { verdict: 'promoted', reason, routeRestored: false, digest };
    }
  } catch (error) {
    if (lost.aborted) throw lost.reason;
    observer.rest();
    reached = Math.max(reached, journal.record.weight.to);
    conclusion = await conclude(world, journal, options, error);
  } finally {
    stop.abort(new Ending('promoted', 'done'));
    over.abort();
    await background;
  }
  const totals = await observer.finalTallies();
  const compared = world.meter.kind === 'none' ? UNCOUNTED : comparison(totals);
  if (conclusion.passed) conclusion = { ...conclusion, reason: `${compared}; ${conclusion.reason}` };
  else if (conclusion.verdict === 'promoted' && options.mode === 'release')
    conclusion = { ...conclusion, reason: compared };
  return outcomeOf(world, journal.record, conclusion, reached, totals);
}

/** What a promotion rests on where nobody counts requests. */
const UNCOUNTED =
  'the pods stayed healthy for the time of every step; requests were not counted, so errors and latency were not looked at';

/** Why a rollout is held whose plan is passed. */
const HANDED_OVER = 'the stable workload is to be deployed with the new version now';

/** Why a rollout is over whose stable workload somebody else has deployed. */
const RETURNED = 'the stable workload is the new version, and the route has gone back to it';

/** Shifts to the step's weight, sees the data plane follow, and stays until the step is over. */
async function takeStep(
  world: World,
  journal: Journal,
  observer: Observer,
  options: RolloutOptions,
  index: number,
  step: Step,
  signal: AbortSignal,
): Promise<void> {
  const { router, arms, clock, emit } = world;
  const { route, arms: found } = journal.record;
  const from = journal.record.weight.to;
  emit({ type: 'step-entered', at: clock.now(), index, step });
  {
    using limit = deadline(clock, options.readyTimeout, () => notReady(found.canary, options.readyTimeout), signal);
    await arms.prepare(found, step.weight, limit.signal);
    await observer.baseline(limit.signal);
    if (from === 0) await observer.exposure(limit.signal);
  }
  await journal.write({ phase: 'shifting', step: index, weight: { from, to: step.weight } }, signal);
  observer.enter(step.weight);
  // Not interrupted: a write that is cut off may land after the restore that follows it.
  await router.shift(route, from, step.weight, never());
  emit({ type: 'shifted', at: clock.now(), from, to: step.weight });
  signal.throwIfAborted();
  await confirm(world, route, step.weight, options, signal);
  await observer.stay(step, signal);
}

/** An abort or a freeze ends the run; an approval lets a step go on. */
async function followCommands(
  world: World,
  observer: Observer,
  signal: AbortSignal,
  stop: (ending: Ending) => void,
): Promise<void> {
  const { ledger, clock, emit } = world;
  try {
    for await (const command of ledger.commands(signal)) {
      emit({ type: 'command', at: clock.now(), command });
      const who = `by ${command.by}${command.why === '' ? '' : `: ${command.why}`}`;
      if (command.verb === 'approve') observer.approve();
      else if (command.verb === 'abort') stop(new Ending('rolled-back', `aborted ${who}`));
      else stop(new Ending('frozen', `frozen ${who}`));
    }
  } catch (error) {
    if (signal.aborted) return;
    const message = messageOf(error);
    warn(world, `Commands on ${ledger.object} are not heard any more: ${message}`);
  }
}

async function finishUndo(world: World, journal: Journal, options: RolloutOptions): Promise<Outcome> {
  const { record } = journal;
  const restored = await undo(world, journal, record.reason ?? 'an earlier run began to undo it', options);
  return outcomeOf(world, journal.record, restored, Math.max(record.weight.from, record.weight.to), nothingCounted);
}

async function takeUpPromotion(
  world: World,
  journal: Journal,
  options: RolloutOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const finished = await finishPromotion(world, journal, options, signal);
  const reason = 'an earlier run had promoted it; what was left is done';
  const conclusion = finished.verdict === 'promoted' ? { ...finished, reason } : finished;
  return outcomeOf(world, journal.record, conclusion, 100, nothingCounted);
}

/**
 * Two workloads are called the same in every release. Where the canary stays, the pods that serve tell which one it was;
 * where it does not, the canary of now does.
 */
async function isSameRevision(
  { arms }: World,
  left: RolloutRecord,
  { mode }: RolloutOptions,
  signal: AbortSignal,
): Promise<boolean> {
  return mode !== 'shift' || (await arms.inspect(signal)).revision === left.arms.revision;
}

/** A job that is run again has nothing to do, which is no failure. */
function alreadyReleased(world: World, record: RolloutRecord, digest: string): Outcome {
  const { arms, startedBy } = record;
  const reason = `${arms.stable} serves this release already, promoted by ${startedBy}: nothing was changed`;
  const conclusion = { verdict: 'promoted' as const, reason, routeRestored: false, digest };
  return outcomeOf(world, { ...record, startedAt: world.clock.now() }, conclusion, 100, nothingCounted);
}

/** A job that asks for what served before the rollout that stood in between has nothing more to do either. */
function servedAlready(world: World, { undone, digest, reason }: ServesAlready): Outcome {
  const arms = { ...undone.arms, revision: digest };
  const conclusion = { verdict: 'promoted' as const, reason, routeRestored: true, digest };
  return outcomeOf(world, { ...undone, arms, startedAt: world.clock.now() }, conclusion, 100, nothingCounted);
}

/** What a promotion rests on. */
function comparison({ stable, canary }: Tallies): string {
  const rate = ({ requests, errors }: Tally) =>
    requests === 0 ? 'no requests' : `${percent(errors / requests)} of ${count(requests)} requests`;
  return `no step ended in a breach: canary errors ${rate(canary)}, stable ${rate(stable)}`;
}

const nothingCounted: Tallies = { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 } };

function outcomeOf(
  world: World,
  record: RolloutRecord,
  conclusion: Conclusion,
  weight: number,
  totals: Tallies,
): Outcome {
  const { arms, startedAt } = record;
  const { revision } = arms;
  const { verdict, reason, digest, left } = conclusion;
  const passed = conclusion.passed ?? verdict === 'promoted';
  const { shown, ...rest } = conclusion;
  const outcome = { ...rest, ...totals, passed, weight, revision, startedAt, endedAt: world.clock.now() };
  world.emit({
    type: 'ended',
    at: outcome.endedAt,
    verdict,
    passed,
    reason,
    reached: weight,
    weight: shown ? shown.weight : record.weight.to,
    revision,
    arms,
    ...(digest !== undefined && { digest }),
    ...(left && { left }),
    ...(totals !== nothingCounted && { total: totals }),
  });
  return outcome;
}

function tookTooLong(milliseconds: number, waitsForApproval: boolean): Ending {
  const limit = `${Math.round(milliseconds / 1_000)} s`;
  return waitsForApproval
    ? new Ending('held', `nobody approved within the timeout of ${limit}`)
    : new Ending('rolled-back', `the rollout was not over within its timeout of ${limit}`);
}

function notReady(object: string, milliseconds: number): SluiceError {
  return new SluiceError('not-ready', {
    about: object,
    problem: `was not ready within ${milliseconds / 1_000} s.`,
    next: 'Look at the events of its pods, or give it longer with "ready-timeout".',
  });
}
