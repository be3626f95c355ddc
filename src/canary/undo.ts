import { never } from '../core/abort.ts';
import { deadline } from '../core/deadline.ts';
import { isSluiceError, messageOf, SluiceError } from '../core/errors.ts';
import { persist } from '../core/persist.ts';
import { confirm } from './confirm.ts';
import { awaitFirstEndpoint } from './endpoints.ts';
import type { RolloutOptions } from './options.ts';
import type { ArmsSnapshot, LeftObject, RolloutRecord, RouteSnapshot, Verdict } from './ports.ts';
import type { Journal } from './record.ts';
import { stableIsAway } from './serving.ts';
import { type ConcludingWorld, warn } from './world.ts';

export interface UndoOutcome {
  readonly verdict: Verdict;
  readonly reason: string;
  /** The route is exactly as found again. */
  readonly routeRestored: boolean;
  /** The weight on the route, if it differs from the record. */
  readonly shown?: ShownWeight;
  /** What still has the new version. */
  readonly left?: readonly LeftObject[];
}

/** The canary's weight in per cent; undefined if the weights are no share for the canary, or are not known. */
export interface ShownWeight {
  readonly weight: number | undefined;
}

type UndoOptions = Pick<RolloutOptions, 'undoTimeout' | 'confirmTimeout'>;

/**
 * Undoes everything: restores the route at once, while the record is written in parallel, and the workloads when the data plane
 * has followed. Only if a promotion failed, the stable arm has too few pods for the requests and the canary has some, the
 * stable arm first gets its pods back; and if the stable Service leads to no pod, the undo waits a moment for one. Safe to repeat
 * from any point. The undo has its own deadline, as the events that call for it must not stop it.
 *
 * @throws SluiceError if the API server stays away: the record then tells the next run to continue with this.
 */
export async function undo(
  world: ConcludingWorld,
  journal: Journal,
  reason: string,
  options: UndoOptions,
): Promise<UndoOutcome> {
  const { router, arms, clock, emit } = world;
  const { route, weight } = journal.record;
  let routeIsBack = false;
  const late = () => undoTimedOut(route.object, options.undoTimeout, routeIsBack);
  using limit = deadline(clock, options.undoTimeout, late, never());
  const { signal } = limit;

  if (weight.to > route.weight && (await isBrokenByPromotion(world, journal.record))) {
    const kept = await undoPromotionFirst(world, journal, { ...options, reason }, signal);
    if (kept) return kept;
  }
  if (weight.to > route.weight) await awaitStableEndpoint(world, journal, reason, signal);
  emit({ type: 'restoring', at: clock.now(), from: weight.to, to: route.weight, reason });
  const [restored, recorded] = await Promise.allSettled([
    persist(world, signal, () => router.restore(route, [weight.to, weight.from, route.weight], signal)),
    persist(world, signal, () => journal.write({ phase: 'undoing', reason }, signal)),
  ]);
  if (restored.status === 'rejected') {
    if (isSluiceError(restored.reason, 'foreign-edit')) {
      const told = `${reason} The route was not restored: ${restored.reason.message}`;
      return leaveToTheOtherHand(world, journal, told, signal);
    }
    throw restored.reason;
  }
  if (recorded.status === 'rejected') throw recorded.reason;
  routeIsBack = true;
  emit({ type: 'restored', at: clock.now(), weight: route.weight });

  {
    using _ = startUndoOfPromotion(world, journal.record, signal);
    await Promise.all([
      followed(world, journal.record, options, signal),
      describePods(world, journal.record.arms, signal),
    ]);
  }
  const { left, others } = await persist(world, signal, () => arms.undo(journal.record.arms, signal));
  for (const message of others) warn(world, message);
  const routeRestored = (await persist(world, signal, () => router.weight(route, signal))) === route.weight;
  await persist(world, signal, () => router.relinquish(route, signal));
  const shifted = { from: weight.to, to: route.weight };
  if (left.length > 0) {
    // The next run tries again to undo what is left.
    const held = { phase: 'undoing', verdict: 'held', reason, left, endedAt: clock.now(), weight: shifted } as const;
    await persist(world, signal, () => journal.write(held, signal));
    return { verdict: 'held', reason: reasonWithLeft(reason, left), routeRestored: false, left };
  }
  if (routeRestored && others.length === 0) emit({ type: 'undone', at: clock.now() });
  const ended = { phase: 'ended', verdict: 'rolled-back', reason, endedAt: clock.now() } as const;
  await persist(world, signal, () => journal.write({ ...ended, weight: shifted }, signal));
  return { verdict: 'rolled-back', reason, routeRestored };
}

/** Only where the way back would lose all requests; the record says by then that it has begun. */
function awaitStableEndpoint(
  world: ConcludingWorld,
  journal: Journal,
  reason: string,
  signal: AbortSignal,
): Promise<void> {
  const begin = async (service: string) => {
    warn(world, `${service} has no ready endpoint, though pods are ready: the route goes back as soon as it has one.`);
    await persist(world, signal, () => journal.write({ phase: 'undoing', reason }, signal));
  };
  return awaitFirstEndpoint(world, journal.record, begin, signal);
}

/**
 * Starts to undo a promotion, so that no more stable pods get the new version while the proxies follow. Dispose it to stop
 * waiting: the undo of the arms does the same, and reports what fails.
 */
function startUndoOfPromotion({ arms }: ConcludingWorld, record: RolloutRecord, signal: AbortSignal): Disposable {
  const done = new AbortController();
  if (record.weight.to === 100) {
    arms.undoPromotion(record.arms, AbortSignal.any([signal, done.signal])).catch(() => undefined);
  }
  return { [Symbol.dispose]: () => done.abort(new Error('the data plane has followed')) };
}

async function isBrokenByPromotion(world: ConcludingWorld, record: RolloutRecord): Promise<boolean> {
  // The stable workload is only changed after the canary has got all traffic.
  return record.weight.to === 100 && (await stableIsAway(world, record));
}

/**
 * Restores the stable workload as found while the canary keeps the requests.
 *
 * @returns how the rollout ended if the stable pods do not become ready
 */
async function undoPromotionFirst(
  world: ConcludingWorld,
  journal: Journal,
  { reason, undoTimeout }: UndoOptions & { readonly reason: string },
  signal: AbortSignal,
): Promise<UndoOutcome | undefined> {
  const { arms, route } = journal.record;
  warn(
    world,
    `${arms.stable} has too few ready pods for the requests: it is made what it was before the route goes back.`,
  );
  await persist(world, signal, () => journal.write({ phase: 'undoing', reason }, signal));
  try {
    await persist(world, signal, () => world.arms.undoPromotion(arms, signal));
  } catch (error) {
    if (!signal.aborted && !isSluiceError(error, 'not-ready')) throw error;
  }
  if (!(await stableIsAway(world, journal.record))) return undefined;
  const told = `${reason}; the pods of ${arms.stable} are not ready, so the canary keeps all requests`;
  // The rollout must still be undone and not resumed: the next run tries again.
  const held = { phase: 'undoing', verdict: 'held', reason, endedAt: world.clock.now() } as const;
  const late = () => undoTimedOut(route.object, undoTimeout, false);
  using limit = deadline(world.clock, undoTimeout, late, never());
  await persist(world, limit.signal, () => journal.write(held, limit.signal));
  return { verdict: 'held', reason: told, routeRestored: false };
}

/** Milliseconds to read logs and events: the undo does not wait longer for them. */
const DESCRIBE = 5_000;

/** Reports details of the canary's pods in trouble, before these are deleted. */
export async function describePods(world: ConcludingWorld, arms: ArmsSnapshot, signal: AbortSignal): Promise<void> {
  const { clock, emit } = world;
  using limit = deadline(clock, DESCRIBE, () => new Error('reading logs and events took too long'), signal);
  try {
    const details = await world.arms.podDetails?.(arms, 'canary', limit.signal);
    if (details && details.length > 0) emit({ type: 'pod-details', at: clock.now(), details });
  } catch (error) {
    signal.throwIfAborted();
    warn(world, `Logs and events of the canary's pods could not be read: ${messageOf(error)}`);
  }
}

/** The reason of an undo that could not restore everything. */
export function reasonWithLeft(reason: string, left: readonly LeftObject[]): string {
  const objects = left.map(({ object, shows }) => `${object} (${shows})`).join('; ');
  return `${reason.replace(/\.$/, '')}; the route goes to stable again, but these are still of the new version: ${objects}`;
}

/**
 * Waits until the proxies have followed, and keeps the pods meanwhile. If that can't be seen, logs it and relies on the drain.
 */
async function followed(
  world: ConcludingWorld,
  record: RolloutRecord,
  options: UndoOptions,
  signal: AbortSignal,
): Promise<void> {
  const { route } = record;
  try {
    await confirm(world, { route, weight: route.weight }, options, signal);
  } catch (error) {
    signal.throwIfAborted();
    const message = messageOf(error);
    warn(world, `The route is restored, but the data plane was not seen to follow: ${message}`);
  }
}

/** Somebody has changed the weights: leaves the route and the pods to that person. */
async function leaveToTheOtherHand(
  world: ConcludingWorld,
  journal: Journal,
  reason: string,
  signal: AbortSignal,
): Promise<UndoOutcome> {
  const paused = { phase: 'paused', verdict: 'frozen', reason, endedAt: world.clock.now() } as const;
  await persist(world, signal, () => journal.write(paused, signal));
  const shown = await shownWeight(world, journal.record.route, signal);
  return { verdict: 'frozen', reason, routeRestored: false, shown: shown ?? { weight: undefined } };
}

/**
 * The weight on the route, for all texts and outputs about a rollout that leaves it there.
 *
 * @returns undefined if it could not be read
 */
export async function shownWeight(
  { router }: Pick<ConcludingWorld, 'router'>,
  route: RouteSnapshot,
  signal: AbortSignal,
): Promise<ShownWeight | undefined> {
  try {
    return { weight: await router.weight(route, signal) };
  } catch (error) {
    // The verdict does not depend on whether the weight can be read again.
    if (isSluiceError(error)) return undefined;
    throw error;
  }
}

function undoTimedOut(object: string, milliseconds: number, routeIsBack: boolean): SluiceError {
  const limit = `within ${milliseconds / 1_000} s`;
  const [problem, next] = routeIsBack
    ? [
        `shows the weights that were found, but the workloads could not be given back ${limit}.`,
        'Run the workflow again',
      ]
    : [`could not be restored ${limit}.`, 'Set its weights back by hand, or run the workflow again'];
  return new SluiceError('unreachable', {
    about: object,
    problem,
    next: `${next}: the record in the cluster says what was found.`,
  });
}
