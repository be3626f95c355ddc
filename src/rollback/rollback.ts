import { isPromoted } from '../canary/conclude.ts';
import { confirm } from '../canary/confirm.ts';
import { openJournal } from '../canary/journal.ts';
import type { RolloutOptions } from '../canary/options.ts';
import type { Command, Ledger, RolloutRecord, Router, RouteSnapshot } from '../canary/ports.ts';
import { completePromotion } from '../canary/promote.ts';
import { undo } from '../canary/undo.ts';
import { isUnfinished } from '../canary/unfinished.ts';
import type { ConcludingWorld } from '../canary/world.ts';
import type { Clock } from '../core/clock.ts';
import { deadline } from '../core/deadline.ts';
import { isSluiceError, SluiceError } from '../core/errors.ts';
import type { PlannedWrite } from '../core/planned-write.ts';
import {
  type Candidate,
  describeCandidate,
  judgeRevisions,
  LAST_HEALTHY,
  lastHealthy,
  namedRevision,
  nothingToGoBackTo,
} from './choose.ts';
import type { Revision, RollbackPlan, RollbackWorkload, Sight, Statement } from './ports.ts';

/** The adapters of one rollback. */
export interface RollbackWorld {
  readonly workload: RollbackWorkload;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** The route; absent where the inputs name none. */
  readonly router: Router | undefined;
  /** What the records of rollouts say of this workload's versions. */
  statements(signal: AbortSignal): Promise<readonly Statement[]>;
  /** Asks whoever runs the rollout. */
  command(command: Command, signal: AbortSignal): Promise<void>;
  /** What it takes to conclude a rollout that a dead run has left; undefined where the inputs name no route. */
  concluding(record: RolloutRecord): ConcludingWorld | undefined;
  /** Takes what is worth a line in the log and in the report. */
  tell(level: 'info' | 'good' | 'warning', text: string): void;
  /** Takes all versions, and the one that was chosen. */
  considered(candidates: readonly Candidate[], chosen: Revision): void;
  /** Dry run: takes what would be written. */
  planned(write: PlannedWrite): void;
}

/** Times in milliseconds. */
export interface RollbackOptions
  extends Pick<RolloutOptions, 'startedBy' | 'readyTimeout' | 'confirmTimeout' | 'undoTimeout'> {
  /** `last-healthy`, or what names a version. */
  readonly wanted: string;
  readonly dryRun: boolean;
}

export interface RollbackOutcome {
  /** Absent after a dry run. */
  readonly verdict?: 'rolled-back' | 'unchanged';
  readonly reason: string;
  /** The version that was there, and the one that serves now. */
  readonly from: Revision;
  readonly to: Revision;
  /** Image digest that was seen to serve. */
  readonly digest: string;
}

/** Milliseconds that pods of the version that is left get to end: twice the grace period that they have by default. */
const ENDING = 60_000;

/** Milliseconds between two tries to take the route from a rollout that was asked to stop. */
const RETRY = 1_000;

/**
 * Takes a workload back to an earlier version. A rollout under way is ended first by its own record; then the version is
 * chosen, written, and seen to serve. What is about to be done stands on the workload before anything else is written, so
 * every step can be repeated: whoever is stopped is continued by the next run that asks for the same.
 *
 * @throws SluiceError for what was refused (nothing was changed), `not-ready` or `not-confirmed` when the version was not
 *   seen to serve in time: it stays asked for, and the pods of the version before stay until its pods are ready
 */
export async function rollback(
  world: RollbackWorld,
  options: RollbackOptions,
  signal: AbortSignal,
): Promise<RollbackOutcome> {
  const { workload, clock } = world;
  const before = await decide(world, options, signal);
  if (world.router && !before.underWay) await unshifted(world.router, signal);
  const { from, to } = before;
  if (options.dryRun) return foretell(world, before);

  const lease = await claim(world, before, options, signal);
  const running = AbortSignal.any([signal, lease.lost]);
  try {
    // Under the lease nobody else releases to it: this is what counts.
    const now = await decide(world, options, running);
    // A rollout that was asked to abort has left the plan of this very run.
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
    const { digest, evidence } = await seenToServe(world, now.to, options, running);
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

/** What is to be done, by what the cluster shows. */
interface Decision {
  /** The version that was there. */
  readonly from: Revision;
  readonly current: Revision;
  readonly to: Revision;
  readonly why: string;
  readonly underWay: RolloutRecord | undefined;
  /** An earlier run has written down the same. */
  readonly continued: RollbackPlan | undefined;
  /** That one did not get to its end. */
  readonly unfinished: boolean;
}

async function decide(world: RollbackWorld, { wanted }: RollbackOptions, signal: AbortSignal): Promise<Decision> {
  const { workload, ledger } = world;
  const [sight, left, told] = await Promise.all([workload.look(signal), ledger.load(signal), world.statements(signal)]);
  const underWay = isUnfinished(left) ? left : undefined;
  if (underWay?.arms.canary === workload.object) throw isCanary(workload.object, underWay);
  const candidates = judgeRevisions(sight.revisions, [...told, ...sight.statements]);
  const { current } = sight;
  const byId = (id: string) => sight.revisions.find((revision) => revision.id === id);
  const decided = (to: Revision, why: string, continued?: RollbackPlan): Decision => {
    world.considered(candidates, to);
    const unfinished = continued !== undefined && continued.endedAt === undefined;
    const from = (unfinished && byId(continued.from)) || current;
    return { from, current, to, why, underWay, continued, unfinished };
  };

  const continued = continuedPlan(sight, wanted);
  const planned = continued && byId(continued.to);
  if (continued && planned) {
    const ended = continued.endedAt !== undefined;
    const why = ended
      ? `${continued.by} went back to it already; name a revision to go further back`
      : `what ${continued.by} began is gone on with`;
    return decided(planned, why, continued);
  }
  if (wanted !== LAST_HEALTHY) {
    const named = namedRevision(candidates, wanted);
    if (!named) throw nothingToGoBackTo(workload.object, wanted, candidates);
    if (named.state === 'rolled-back' && named.revision.id !== current.id) {
      world.tell('warning', `Revision ${describeCandidate(named)}. It was named, so it is gone back to all the same.`);
    }
    return decided(named.revision, `revision "${wanted}" was asked for`);
  }
  if (underWay) {
    const found = byId(await workload.foundBy(underWay, signal));
    if (found) return decided(found, `it served when the rollout began that is undone (${underWay.startedBy})`);
  }
  const earlier = candidates.filter(({ revision }) => revision.id !== current.id);
  const chosen = lastHealthy(earlier);
  if (!chosen) throw nothingToGoBackTo(workload.object, wanted, earlier);
  if (chosen.state === 'unknown') {
    world.tell(
      'warning',
      `Nothing is known of any earlier version; revision ${chosen.revision.number} is the newest that no record speaks against.`,
    );
  }
  return decided(chosen.revision, `the last healthy version is revision ${describeCandidate(chosen)}`);
}

/** The plan that an earlier run of the same has left, as long as it explains what is there. */
function continuedPlan({ plan, current, settled }: Sight, wanted: string): RollbackPlan | undefined {
  if (plan?.wanted !== wanted) return undefined;
  if (plan.endedAt === undefined) return current.id === plan.to || current.id === plan.from ? plan : undefined;
  // Where the version that was gone back to is in trouble itself, the last healthy one is another.
  return current.id === plan.to && (wanted !== LAST_HEALTHY || settled) ? plan : undefined;
}

function planOf({ from, to, continued }: Decision, { wanted, startedBy }: RollbackOptions, at: number): RollbackPlan {
  return continued ?? { wanted, from: from.id, to: to.id, by: startedBy, at };
}

/**
 * The route as found, which must send nothing elsewhere: what the workload serves would not be all of the requests.
 *
 * @throws SluiceError `unsupported`
 */
async function unshifted(router: Router, signal: AbortSignal): Promise<RouteSnapshot> {
  const found = await router.inspect(signal);
  if (found.weight === 0) return found;
  throw new SluiceError('unsupported', {
    about: found.object,
    problem: `sends ${found.weight} % to the other arm, and no rollout under way explains it.`,
    next: 'Of two workloads that take turns, shift the traffic back by a release with "stable" and "canary" swapped (actions/canary). Else set that weight to 0.',
  });
}

function foretell(world: RollbackWorld, { from, current, to, why, underWay }: Decision): RollbackOutcome {
  if (underWay) world.tell('info', `Would first end the rollout of ${underWay.startedBy} on ${underWay.route.object}.`);
  if (current.id !== to.id) {
    world.planned(world.workload.preview(current, to));
    for (const text of world.workload.staysBehind(current, to)) world.tell('warning', text);
  }
  return { reason: why, from, to, digest: '' };
}

/** Takes the route; from a rollout that is alive by asking it to abort, which it does within a second. */
async function claim(world: RollbackWorld, decision: Decision, options: RollbackOptions, signal: AbortSignal) {
  const { ledger, workload, clock, tell } = world;
  const { underWay } = decision;
  const by = options.startedBy;
  try {
    return await ledger.claim(signal);
  } catch (error) {
    if (!underWay || !isSluiceError(error, 'locked')) throw error;
    if (!decision.continued) await workload.note(planOf(decision, options, clock.now()), signal);
    tell(
      'warning',
      `A rollout is under way on ${underWay.route.object} (${underWay.startedBy}): it is asked to abort.`,
    );
    await world.command({ verb: 'abort', by, why: `rolled back by hand to revision ${decision.to.number}` }, signal);
    using limit = deadline(clock, options.undoTimeout, () => error, signal);
    return await claimLater(world, limit.signal);
  }
}

async function claimLater({ ledger, clock, tell }: RollbackWorld, signal: AbortSignal): ReturnType<Ledger['claim']> {
  for (;;) {
    await clock.sleep(RETRY, signal);
    try {
      const lease = await ledger.claim(signal);
      tell('good', 'The rollout has let go of the route.');
      return lease;
    } catch (error) {
      signal.throwIfAborted();
      if (!isSluiceError(error, 'locked')) throw error;
    }
  }
}

/** Ends a rollout that nobody runs any more, as its own next run would. */
async function conclude(
  world: RollbackWorld,
  record: RolloutRecord,
  options: RollbackOptions,
  signal: AbortSignal,
): Promise<void> {
  const concluding = world.concluding(record);
  if (!concluding) throw routeIsNeeded(record);
  await concluding.arms.confirm(record.arms, false, signal);
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

/** Sees that the version serves everything: all pods are of it and available, and the route sends nothing elsewhere. */
async function seenToServe(
  world: RollbackWorld,
  to: Revision,
  options: RollbackOptions,
  signal: AbortSignal,
): Promise<{ readonly digest: string; readonly evidence: string }> {
  const { workload, clock, router, tell } = world;
  const late = () => notReady(workload.object, to, options.readyTimeout);
  using limit = deadline(clock, options.readyTimeout, late, signal);
  const { digest, evidence } = await workload
    .confirm(to, (text) => tell('info', text), limit.signal)
    .catch((error: unknown) => {
      throw isSluiceError(error, 'not-ready') ? staysAskedFor(error, to) : error;
    });
  tell('good', `${workload.object} runs revision ${to.number}: ${evidence}`);
  await othersEnded(world, to, signal);
  if (!router) return { digest, evidence };
  const found = await unshifted(router, signal);
  let followed = '';
  const emit = (event: { type: string; evidence?: string }) => {
    followed = event.evidence ?? '';
  };
  await confirm({ router, clock, emit }, found, 0, options, signal);
  tell('good', `${found.object} sends it everything: ${followed}`);
  return { digest, evidence: `${evidence}; ${found.object} sends it everything (${followed})` };
}

/** Waits a while for the pods of other versions to end: those that go on take no new connections, and are told of. */
async function othersEnded({ workload, clock, tell }: RollbackWorld, to: Revision, signal: AbortSignal): Promise<void> {
  const end = clock.now() + ENDING;
  for (;;) {
    const left = await workload.leftovers(to, signal);
    if (left === 0) return;
    if (clock.now() >= end) {
      const seconds = ENDING / 1_000;
      tell(
        'warning',
        `Pods of other versions that have not ended after ${seconds} s: ${left}. They answer on connections that they have.`,
      );
      return;
    }
    await clock.sleep(RETRY, signal);
  }
}

function notReady(object: string, { number }: Revision, milliseconds: number): SluiceError {
  return new SluiceError('not-ready', {
    about: object,
    problem: `was set to revision ${number}, which did not become available within ${milliseconds / 1_000} s.`,
    next: 'Look at the events of its pods, or give it longer with "ready-timeout".',
  });
}

/** It is not taken back: what would come back is the version that is in trouble. */
function staysAskedFor({ about, problem, next }: SluiceError, { number }: Revision): SluiceError {
  return new SluiceError('not-ready', {
    about,
    problem,
    next: `${next} Revision ${number} stays asked for, and pods of the version before stay until its pods are ready: run again to go on waiting, or name another revision.`,
  });
}

function stopped(object: string, { number }: Revision): SluiceError {
  return new SluiceError('cancelled', {
    about: object,
    problem: `was on its way to revision ${number} when this run was asked to stop; what was written stays.`,
    next: 'Run again to go on with it, or name another revision.',
  });
}

function isCanary(object: string, { arms }: RolloutRecord): SluiceError {
  return new SluiceError('invalid-input', {
    about: object,
    problem: `is the canary of a rollout that is under way from ${arms.stable}.`,
    next: `Name ${arms.stable}: its rollback takes the canary off the route.`,
  });
}

function routeIsNeeded({ route, startedBy }: RolloutRecord): SluiceError {
  return new SluiceError('invalid-input', {
    about: route.object,
    problem: `is in the middle of a rollout that ${startedBy} left behind, and no input says how to give it back.`,
    next: 'Give "route" and "service" (and the subsets) as the step of actions/canary has them.',
  });
}
