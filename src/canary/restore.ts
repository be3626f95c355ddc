import { confirm } from './confirm.ts';
import { isSluiceError, messageOf, SluiceError } from './errors.ts';
import { persist } from './persist.ts';
import type { LeftObject, RolloutRecord, Verdict } from './ports.ts';
import { type ConcludingWorld, deadline, type Journal, never, type RolloutOptions, warn } from './session.ts';

export interface Restored {
  readonly verdict: Verdict;
  readonly reason: string;
  /** The route shows again exactly what was found. */
  readonly routeRestored: boolean;
  /** What is still of the new version. */
  readonly left?: readonly LeftObject[];
}

type UndoOptions = Pick<RolloutOptions, 'undoTimeout' | 'confirmTimeout'>;

/**
 * Puts everything back: the route at once, while the record is written beside it; the workloads when the data plane has
 * followed. Safe to repeat from any point. It has its own deadline, as whatever it is called for must not stop it.
 *
 * @throws SluiceError when the API server stays away: the record then tells the next run to go on with this.
 */
export async function undo(
  world: ConcludingWorld,
  journal: Journal,
  reason: string,
  options: UndoOptions,
): Promise<Restored> {
  const { router, arms, clock, emit } = world;
  const { route, weight } = journal.record;
  let routeIsBack = false;
  const late = () => undoTimedOut(route.object, options.undoTimeout, routeIsBack);
  using limit = deadline(clock, options.undoTimeout, late, never());
  const { signal } = limit;

  emit({ type: 'restoring', at: clock.now(), from: weight.to, to: route.weight, reason });
  const [restored, recorded] = await Promise.allSettled([
    persist(world, signal, () => router.restore(route, [weight.to, weight.from, route.weight], signal)),
    persist(world, signal, () => journal.write({ phase: 'undoing', reason }, signal)),
  ]);
  if (restored.status === 'rejected') {
    if (isSluiceError(restored.reason, 'foreign-edit'))
      return leaveToTheOtherHand(world, journal, reason, restored.reason, signal);
    throw restored.reason;
  }
  if (recorded.status === 'rejected') throw recorded.reason;
  routeIsBack = true;
  emit({ type: 'restored', at: clock.now(), weight: route.weight });

  await followed(world, journal.record, options, signal);
  const { left, others } = await persist(world, signal, () => arms.undo(journal.record.arms, signal));
  for (const message of others) warn(world, message);
  const routeRestored = (await persist(world, signal, () => router.weight(route, signal))) === route.weight;
  await persist(world, signal, () => router.release(route, signal));
  const shifted = { from: weight.to, to: route.weight };
  if (left.length > 0) {
    // What is left is tried again by the next run.
    const held = { phase: 'undoing', verdict: 'held', reason, left, endedAt: clock.now(), weight: shifted } as const;
    await persist(world, signal, () => journal.write(held, signal));
    return { verdict: 'held', reason: reasonWithLeft(reason, left), routeRestored: false, left };
  }
  if (routeRestored && others.length === 0) emit({ type: 'undone', at: clock.now() });
  const ended = { phase: 'ended', verdict: 'rolled-back', reason, endedAt: clock.now() } as const;
  await persist(world, signal, () => journal.write({ ...ended, weight: shifted }, signal));
  return { verdict: 'rolled-back', reason, routeRestored };
}

/** The reason of an undo that could not take everything back. */
export function reasonWithLeft(reason: string, left: readonly LeftObject[]): string {
  const objects = left.map(({ object, shows }) => `${object} (${shows})`).join('; ');
  return `${reason.replace(/\.$/, '')}; the route goes to stable again, but these are still of the new version: ${objects}`;
}

/** The pods stay until the proxies have followed; when that can't be seen, the log says so and the drain has to do. */
async function followed(
  world: ConcludingWorld,
  record: RolloutRecord,
  options: UndoOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    await confirm(world, record.route, record.route.weight, options, signal);
  } catch (error) {
    signal.throwIfAborted();
    const message = messageOf(error);
    warn(world, `The route is restored, but the data plane was not seen to follow: ${message}`);
  }
}

/** Somebody changed the weights: they are that person's now, and so are the pods behind them. */
async function leaveToTheOtherHand(
  world: ConcludingWorld,
  journal: Journal,
  reason: string,
  error: SluiceError,
  signal: AbortSignal,
): Promise<Restored> {
  const told = `${reason} The route was not restored: ${error.message}`;
  const paused = { phase: 'paused', verdict: 'frozen', reason: told, endedAt: world.clock.now() } as const;
  await persist(world, signal, () => journal.write(paused, signal));
  return { verdict: 'frozen', reason: told, routeRestored: false };
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
