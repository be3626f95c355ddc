import { Ending } from './ending.ts';
import { isSluiceError, messageOf, SluiceError } from './errors.ts';
import { persist } from './persist.ts';
import type { RolloutRecord, Verdict } from './ports.ts';
import { deadline, type Journal, never, type RolloutOptions, type World, warn } from './session.ts';

export interface Restored {
  readonly verdict: Verdict;
  readonly reason: string;
  /** The route shows again exactly what was found. */
  readonly routeRestored: boolean;
}

type UndoOptions = Pick<RolloutOptions, 'undoTimeout' | 'confirmTimeout'>;

/**
 * Puts everything back: the route at once, while the record is written beside it; the workloads when the data plane has
 * followed. Safe to repeat from any point. It has its own deadline, as whatever it is called for must not stop it.
 *
 * @throws SluiceError when the API server stays away: the record then tells the next run to go on with this.
 */
export async function undo(world: World, journal: Journal, reason: string, options: UndoOptions): Promise<Restored> {
  const { router, arms, clock, emit } = world;
  const { route, weight } = journal.record;
  using limit = deadline(clock, options.undoTimeout, () => undoTimedOut(route.object, options.undoTimeout), never());
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
  emit({ type: 'restored', at: clock.now(), weight: route.weight });

  await followed(world, journal.record, options, signal);
  await persist(world, signal, () => arms.undo(journal.record.arms, signal));
  const routeRestored = (await persist(world, signal, () => router.weight(route, signal))) === route.weight;
  const ended = { phase: 'ended', verdict: 'rolled-back', reason, endedAt: clock.now() } as const;
  const weightNow = { from: route.weight, to: route.weight };
  await persist(world, signal, () => journal.write({ ...ended, weight: weightNow }, signal));
  return { verdict: 'rolled-back', reason, routeRestored };
}

/** The pods stay until the proxies have followed; when that can't be seen, the log says so and the drain has to do. */
async function followed(world: World, record: RolloutRecord, options: UndoOptions, signal: AbortSignal): Promise<void> {
  const { router, clock, emit } = world;
  using limit = deadline(clock, options.confirmTimeout, () => new Ending('rolled-back', 'confirm timed out'), signal);
  try {
    const { evidence } = await router.confirm(record.route, record.route.weight, limit.signal);
    emit({ type: 'confirmed', at: clock.now(), weight: record.route.weight, evidence });
  } catch (error) {
    signal.throwIfAborted();
    const message = messageOf(error);
    warn(world, `The route is restored, but the data plane was not seen to follow: ${message}`);
  }
}

/** Somebody changed the weights: they are that person's now, and so are the pods behind them. */
async function leaveToTheOtherHand(
  world: World,
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

function undoTimedOut(object: string, milliseconds: number): SluiceError {
  return new SluiceError('unreachable', {
    about: object,
    problem: `could not be restored within ${milliseconds / 1_000} s.`,
    next: 'Set its weights back by hand, or run the workflow again: the record in the cluster says what was found.',
  });
}
