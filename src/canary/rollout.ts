import { never } from '../core/abort.ts';
import { deadline } from '../core/deadline.ts';
import { messageOf, SluiceError } from '../core/errors.ts';
import type { Step } from '../judge/plan.ts';
import { type Conclusion, conclude, finishPromotion, isPromoted, pause } from './conclude.ts';
import { confirm } from './confirm.ts';
import { fitOptions } from './fit-plan.ts';
import { Ending } from './observation/ending.ts';
import { createObserver, type Observer } from './observe.ts';
import type { RolloutOptions } from './options.ts';
import { type Outcome, tellOutcome, tellReleasedAlready, tellServedAlready, withComparison } from './outcome.ts';
import type { RolloutRecord } from './ports.ts';
import { announce, refuseWhatCannotWork } from './preflight.ts';
import { canaryHasToServe, completePromotion, promote, returnToCanary } from './promote.ts';
import { type Journal, openJournal } from './record.ts';
import { relinquish } from './relinquish.ts';
import { digestServing, isReleased, refuseNothingHeld, resumeOrStart } from './resume.ts';
import { undo } from './undo.ts';
import { isUnfinished } from './unfinished.ts';
import { type World, warn } from './world.ts';

/**
 * One canary run, from the first look to its verdict.
 *
 * @throws SluiceError for what was refused before the first write (nothing was changed); `locked` if another run holds the
 *   route or has taken it over; `unreachable` if the route could not be restored before the deadline (the record in the cluster
 *   then tells the next run to continue with that).
 */
export async function rollout(world: World, asked: RolloutOptions, signal: AbortSignal): Promise<Outcome> {
  const { options, warning } = await fitOptions(world, asked, signal);
  announce(world, options, false);
  if (warning !== undefined) warn(world, warning);
  const left = await world.ledger.load(signal);
  const released = await seeReleased(world, left, options, signal);
  if (released) return released;
  if (options.mode === 'finish') refuseNothingHeld(left, options);
  if (!isUnfinished(left)) await refuseWhatCannotWork(world, options.plan, signal);
  const lease = await world.ledger.claim(signal);
  const running = AbortSignal.any([signal, lease.lost]);
  try {
    const taken = await resumeOrStart(world, options, running);
    if ('undone' in taken) return tellServedAlready(world, taken);
    const record = taken;
    const journal = openJournal(world.ledger, record);
    if (record.phase === 'undoing') return await finishUndo(world, journal, options);
    if (isPromoted(record)) return await takeUpPromotion(world, journal, options, running);
    return await run(world, journal, options, { signal: running, lost: lease.lost });
  } finally {
    await lease.release();
  }
}

/** A rollout whose record is written, with its observer. */
interface Course {
  readonly world: World;
  readonly journal: Journal;
  readonly options: RolloutOptions;
  readonly observer: Observer;
  /** The highest weight so far. */
  reached: number;
}

/** Takes the steps and promotes. Whatever happens, the rollout is concluded before this function ends. */
async function run(
  world: World,
  journal: Journal,
  options: RolloutOptions,
  { signal, lost }: { readonly signal: AbortSignal; readonly lost: AbortSignal },
): Promise<Outcome> {
  const stop = new AbortController();
  const observer = createObserver(world, journal.record.arms, options, (ending) => stop.abort(ending));
  using limit = deadline(
    world.clock,
    options.timeout,
    () => tookTooLong(options.timeout, observer.waitsForApproval),
    AbortSignal.any([signal, stop.signal]),
  );
  // A resumed rollout already sends traffic to the canary.
  if (journal.record.weight.to > 0) observer.enter(journal.record.weight.to);
  // Counting continues until the end: an undo and a promotion see from the counts that the canary gets no more requests.
  const over = new AbortController();
  const background = Promise.all([
    observer.run(over.signal),
    followCommands(world, observer, limit.signal, (ending) => stop.abort(ending)),
  ]);
  // A rollout to finish has passed its plan, whatever weight the route has now.
  const reached = options.mode === 'finish' ? (options.plan.steps.at(-1)?.weight ?? 0) : journal.record.weight.to;
  const course: Course = { world, journal, options, observer, reached };
  let conclusion: Conclusion;
  try {
    conclusion = await carryOut(course, limit.signal);
  } catch (error) {
    if (lost.aborted) throw lost.reason;
    observer.stopJudging();
    course.reached = Math.max(course.reached, journal.record.weight.to);
    conclusion = await conclude(world, journal, options, error);
  } finally {
    stop.abort(new Ending('promoted', 'done'));
    over.abort();
    await background;
  }
  const totals = await observer.finalTallies();
  const explained = withComparison(conclusion, world, options, totals);
  return tellOutcome(world, journal.record, explained, { reached: course.reached, totals });
}

/** Takes the remaining steps, then promotes, or leaves the promotion to somebody else if the mode says so. */
async function carryOut(course: Course, signal: AbortSignal): Promise<Conclusion> {
  const { world, journal, options, observer } = course;
  if (journal.record.phase !== 'promoting') {
    for (const [index, step] of options.plan.steps.entries()) {
      if (index < journal.record.step) continue;
      await takeStep(course, { index, step }, signal);
      course.reached = Math.max(course.reached, step.weight);
    }
  }
  if (options.mode === 'shift') {
    await relinquish(world, journal, signal);
    observer.stopJudging();
    return { ...(await pause(world, journal, options, new Ending('held', HANDED_OVER))), passed: true };
  }
  const digest = await promoteAndServe(course, signal);
  observer.stopJudging();
  const reason = options.mode === 'finish' ? RETURNED : 'every step ended without a breach';
  return { verdict: 'promoted', reason, routeRestored: false, digest };
}

/**
 * Promotes, and sees the promoted pods serve. If they fail while the route goes back to them, the canary gets the requests again,
 * and the route goes back a second time when the pods are ready again: a pod may miss a probe for a moment.
 *
 * @returns the image digest that was seen to serve
 */
async function promoteAndServe({ world, journal, options, observer }: Course, signal: AbortSignal): Promise<string> {
  await promote(world, journal, signal);
  observer.followPromotion();
  try {
    return await completePromotion(world, journal, options, signal);
  } catch (error) {
    if (signal.aborted || !(await canaryHasToServe(world, journal))) throw error;
    warn(
      world,
      `The requests go to the canary again until the pods of ${journal.record.arms.stable} are ready again: ${messageOf(error)}`,
    );
    await returnToCanary(world, journal, options, signal);
  }
  await promote(world, journal, signal);
  return completePromotion(world, journal, options, signal);
}

/** Why a rollout with a passed plan is held. */
const HANDED_OVER = 'the stable workload is to be deployed with the new version now';

/** The reason of a finished rollout whose stable workload somebody else has deployed. */
const RETURNED = 'the stable workload is the new version, and the route has gone back to it';

/** Shifts to the step's weight, waits until the data plane follows, and stays until the step is over. */
async function takeStep(
  { world, journal, observer, options }: Course,
  { index, step }: { readonly index: number; readonly step: Step },
  signal: AbortSignal,
): Promise<void> {
  const { router, arms, clock, emit } = world;
  const { route, arms: found } = journal.record;
  const from = journal.record.weight.to;
  emit({ type: 'step-entered', at: clock.now(), index, step });
  {
    using limit = deadline(clock, options.readyTimeout, () => notReady(found.canary, options.readyTimeout), signal);
    await arms.prepare(found, step.weight, limit.signal);
    await observer.awaitBaseline(limit.signal);
    if (from === 0) await observer.awaitBestMoment(limit.signal);
  }
  await journal.write({ phase: 'shifting', step: index, weight: { from, to: step.weight } }, signal);
  observer.enter(step.weight);
  // This write is not aborted: an aborted write may still take effect after the restore that follows.
  await router.shift(route, from, step.weight, never());
  emit({ type: 'shifted', at: clock.now(), from, to: step.weight });
  signal.throwIfAborted();
  await confirm(world, { route, weight: step.weight }, options, signal);
  await observer.stay(step, signal);
}

/** An abort or a freeze ends the run; an approval lets a step continue. */
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
  const reached = Math.max(record.weight.from, record.weight.to);
  return tellOutcome(world, journal.record, restored, { reached });
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
  return tellOutcome(world, journal.record, conclusion, { reached: 100 });
}

/** The outcome if the last rollout was of this release and what it promoted still serves; undefined if there is work to do. */
async function seeReleased(
  world: World,
  left: RolloutRecord | undefined,
  options: RolloutOptions,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  if (!isReleased(left, options.fingerprint) || !(await isSameRevision(world, left, options, signal))) return undefined;
  const digest = await digestServing(world, left, signal);
  if (digest === undefined) return undefined;
  if (!left.arms.revision.startsWith('sha256:')) {
    warn(
      world,
      'The image is named by a tag. If the tag was moved since, that is not seen: name the image by its digest.',
    );
  }
  return tellReleasedAlready(world, left, digest);
}

/**
 * Two existing workloads have the same names in every release. If the canary stays after the release, the serving pods tell
 * which release it was; otherwise the present canary does.
 */
async function isSameRevision(
  { arms }: World,
  left: RolloutRecord,
  { mode }: RolloutOptions,
  signal: AbortSignal,
): Promise<boolean> {
  return mode !== 'shift' || (await arms.inspect(signal)).revision === left.arms.revision;
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
