import { isPromoted } from '../canary/conclude.ts';
import type { RolloutRecord } from '../canary/ports.ts';
import { completePromotion } from '../canary/promote.ts';
import { openJournal } from '../canary/record.ts';
import { undo } from '../canary/undo.ts';
import { isSluiceError, SluiceError } from '../core/errors.ts';
import { claim } from './claim.ts';
import { type Decision, decide, planOf } from './decide.ts';
import type { Revision } from './ports.ts';
import { requireUnshifted, verifyServed } from './verify.ts';
import type { RollbackOptions, RollbackWorld } from './world.ts';

export interface RollbackOutcome {
  /** Absent after a dry run. */
  readonly verdict?: 'rolled-back' | 'unchanged';
  readonly reason: string;
  /** The version at the start, and the one that serves now. */
  readonly from: Revision;
  readonly to: Revision;
  /** Image digest of the pods that serve. */
  readonly digest: string;
}

/**
 * Takes a workload back to an earlier version. First ends a rollout that is under way, by its own record; then chooses the
 * version, writes it, and confirms that it serves. The plan is recorded on the workload before any other write, so every step
 * can be repeated: the next run with the same target continues an interrupted rollback.
 *
 * @throws SluiceError for a refusal (nothing was changed); `not-ready` or `not-confirmed` when the version was not seen to serve
 *   in time: the workload still asks for it, and pods of the version before stay until its pods are ready
 */
export async function rollback(
  world: RollbackWorld,
  options: RollbackOptions,
  signal: AbortSignal,
): Promise<RollbackOutcome> {
  const { workload, clock } = world;
  const before = await decide(world, options, signal);
  if (world.router && !before.underWay) await requireUnshifted(world.router, signal);
  const { from, to } = before;
  if (options.dryRun) return foretell(world, before);

  const lease = await claim(world, before, options, signal);
  const running = AbortSignal.any([signal, lease.lost]);
  try {
    // Decides again under the Lease, where nobody else can release to this workload.
    const now = await decide(world, options, running);
    // A rollout that was asked to abort has left this run's own plan.
    const why = now.to.id === to.id ? before.why : now.why;
    const plan = planOf(now, options, clock.now());
    const isNew = !now.continued;
    if (isNew && (now.underWay || now.current.id !== now.to.id)) await workload.note(plan, running);
    if (now.underWay) await conclude(world, now.underWay, options, running);
    const current = now.underWay ? (await workload.look(running)).current : now.current;
    if (current.id !== now.to.id) {
      world.tell('info', `${workload.object} goes from revision ${current.number} to ${now.to.number}: ${why}`);
      for (const text of workload.staysBehind(current, now.to)) world.tell('warning', text);
      await workload.put(current, now.to, running);
    }
    const { digest, evidence } = await verifyServed(world, now.to, options, running);
    const changed = from.id !== now.to.id || before.underWay !== undefined || now.unfinished;
    if (changed) await workload.note({ ...plan, endedAt: clock.now() }, running);
    const served = (await workload.look(running)).revisions.find(({ id }) => id === now.to.id) ?? now.to;
    const reason = changed ? why : `revision ${served.number} serves already`;
    const verdict = changed ? ('rolled-back' as const) : ('unchanged' as const);
    return { verdict, reason: `${reason}; ${evidence}`, from, to: served, digest };
  } catch (error) {
    if (lease.lost.aborted) throw lease.lost.reason;
    if (isSluiceError(error, 'cancelled')) throw stopped(workload.object, to);
    throw error;
  } finally {
    await lease.release();
  }
}

function foretell(world: RollbackWorld, { from, current, to, why, underWay }: Decision): RollbackOutcome {
  if (underWay) world.tell('info', `Would first end the rollout of ${underWay.startedBy} on ${underWay.route.object}.`);
  if (current.id !== to.id) {
    world.planned(world.workload.preview(current, to));
    for (const text of world.workload.staysBehind(current, to)) world.tell('warning', text);
  }
  return { reason: why, from, to, digest: '' };
}

/** Concludes a rollout whose run is dead, as its own next run would. */
async function conclude(
  world: RollbackWorld,
  record: RolloutRecord,
  options: RollbackOptions,
  signal: AbortSignal,
): Promise<void> {
  const concluding = world.concluding(record);
  if (!concluding) throw routeIsNeeded(record);
  await concluding.arms.confirm(record.arms, false, signal);
  await concluding.router.verifyRecorded(record.route, signal);
  world.tell('warning', `What ${record.startedBy} left unfinished on ${record.route.object} is ended first.`);
  const journal = openJournal(world.ledger, record);
  if (isPromoted(record)) {
    await completePromotion(concluding, journal, options, signal);
    return;
  }
  const { verdict, reason } = await undo(concluding, journal, `rolled back by hand by ${options.startedBy}`, options);
  if (verdict !== 'frozen') return;
  throw new SluiceError('foreign-edit', {
    about: record.route.object,
    problem: `could not be given back: ${reason}`,
    next: `Set its weights to what they should be, delete ${world.ledger.object}, and run again.`,
  });
}

function stopped(object: string, { number }: Revision): SluiceError {
  return new SluiceError('cancelled', {
    about: object,
    problem: `was on its way to revision ${number} when this run was asked to stop; what was written stays.`,
    next: 'Run again to go on with it, or name another revision.',
  });
}

function routeIsNeeded({ route, startedBy }: RolloutRecord): SluiceError {
  return new SluiceError('invalid-input', {
    about: route.object,
    problem: `is in the middle of a rollout that ${startedBy} left behind, and no input says how to give it back.`,
    next: 'Give "route" and "service" (and the subsets) as the step of actions/canary has them.',
  });
}
