import { never } from '../core/abort.ts';
import { deadline } from '../core/deadline.ts';
import { isSluiceError, messageOf, SluiceError } from '../core/errors.ts';
import { persist } from '../core/persist.ts';
import { Ending, endingOf } from './observation/ending.ts';
import type { RolloutOptions } from './options.ts';
import type { LeftObject, RolloutRecord, Verdict } from './ports.ts';
import { canaryHasToServe, completePromotion, returnToCanary } from './promote.ts';
import type { Journal } from './record.ts';
import { stableServes } from './serving.ts';
import { describePods, type ShownWeight, shownWeight, undo } from './undo.ts';
import type { ConcludingWorld, World } from './world.ts';

/** How a rollout ended, without the figures that every outcome has. */
export interface Conclusion {
  readonly verdict: Verdict;
  /** Every step of the plan was passed: a promotion, or a rollout that is held until the stable workload is deployed. */
  readonly passed?: boolean;
  readonly reason: string;
  /** The route shows exactly what was found before the first write. */
  readonly routeRestored: boolean;
  /** Image digest that was seen to serve; only after a promotion. */
  readonly digest?: string;
  /** What an undo could not restore. */
  readonly left?: readonly LeftObject[];
  /** The weight on the route of a frozen rollout, which somebody else may have changed. */
  readonly shown?: ShownWeight;
}

type UndoOptions = Pick<RolloutOptions, 'undoTimeout' | 'confirmTimeout'>;

interface PausableWorld extends ConcludingWorld {
  readonly ledger: Pick<World['ledger'], 'object'>;
}

/**
 * Ends a rollout that has begun. Finishes a completed promotion, unless the new version was found to be bad; undoes anything
 * else.
 */
export async function conclude(
  world: World,
  journal: Journal,
  options: RolloutOptions,
  error: unknown,
): Promise<Conclusion> {
  const ending = endingOf(error);
  if (isPromoted(journal.record)) return concludePromotion(world, journal, options, ending);
  if (ending.verdict === 'frozen' || ending.verdict === 'held') {
    const paused = await pause(world, journal, options, ending);
    await describePods(world, journal.record.arms, never());
    if (ending.verdict === 'held') return paused;
    const foreign = isSluiceError(error, 'foreign-edit');
    const shown = await shownWeight(world, journal.record.route, never());
    // An unreadable weight counts as the one that Sluice wrote last, unless somebody else is known to have changed it.
    return { ...paused, ...(foreign ? { shown: shown ?? { weight: undefined } } : shown && { shown }) };
  }
  const promoting = journal.record.phase === 'promoting';
  if (promoting && !ending.breach && !(await stableServes(world, journal.record))) {
    // The canary has served all traffic well, and the problem is in the stable arm's pods.
    return pause(
      world,
      journal,
      options,
      new Ending('held', `the promotion failed midway (${ending.reason}); the canary serves all traffic`),
    );
  }
  return undo(world, journal, ending.reason, options);
}

/**
 * Whether the promotion is complete except for the cleanup: from here, only a version that turns out to be bad is rolled back.
 */
export function isPromoted({ phase }: Pick<RolloutRecord, 'phase'>): boolean {
  return phase === 'returning' || phase === 'retiring';
}

/**
 * Does the remaining steps of a promotion. If the stable pods can't take the requests back, they stay with the canary, and the
 * promotion counts as incomplete.
 *
 * @throws SluiceError as `completePromotion` does
 */
export async function finishPromotion(
  world: PausableWorld,
  journal: Journal,
  options: UndoOptions,
  signal: AbortSignal,
): Promise<Conclusion> {
  try {
    const digest = await completePromotion(world, journal, options, signal);
    return { verdict: 'promoted', reason: 'every step ended without a breach', routeRestored: false, digest };
  } catch (error) {
    if (await canaryHasToServe(world, journal)) return serveFromCanary(world, journal, options);
    throw error;
  }
}

/** Concludes when the stable workload already has the new version. */
async function concludePromotion(
  world: World,
  journal: Journal,
  options: RolloutOptions,
  ending: Ending,
): Promise<Conclusion> {
  if (await canaryHasToServe(world, journal)) return serveFromCanary(world, journal, options);
  if (ending.breach) return concludeBadPromotion(world, journal, options, ending);
  using limit = deadline(world.clock, options.undoTimeout, () => ending, never());
  try {
    return await persist(world, limit.signal, () => finishPromotion(world, journal, options, limit.signal));
  } catch (error) {
    const why = messageOf(error);
    return { verdict: 'held', reason: `the promotion could not be finished: ${why}`, routeRestored: false };
  }
}

/**
 * Concludes when the new version fails after it got all requests. Undoes the promotion if Sluice has deployed it; it can't undo
 * a deployment of somebody else.
 */
async function concludeBadPromotion(
  world: World,
  journal: Journal,
  options: RolloutOptions,
  { verdict, reason }: Ending,
): Promise<Conclusion> {
  const { stable } = journal.record.arms;
  const failing = `the promoted version fails: ${reason}`;
  if (verdict === 'frozen') return { verdict, reason: failing, routeRestored: false };
  if (options.mode === 'finish') {
    const told = `${failing}; ${stable} was deployed by somebody else, who has to roll it back`;
    return { verdict: 'held', reason: told, routeRestored: false };
  }
  return undo(world, journal, failing, options);
}

/** Leaves the requests to the canary. The next run continues the promotion. */
async function serveFromCanary(world: PausableWorld, journal: Journal, options: UndoOptions): Promise<Conclusion> {
  const { arms } = journal.record;
  const reason = `the pods of ${arms.stable} are not ready any more after the promotion, or their Service does not lead to them; the canary serves all traffic`;
  const ending = new Ending('held', reason);
  using limit = deadline(world.clock, options.undoTimeout, () => ending, never());
  await returnToCanary(world, journal, options, limit.signal);
  return pause(world, journal, options, ending);
}

/** Leaves the weight for a person to decide on; the record tells the next run where to continue. */
export async function pause(
  world: PausableWorld,
  journal: Journal,
  options: Pick<RolloutOptions, 'undoTimeout'>,
  { verdict, reason }: Ending,
): Promise<Conclusion> {
  const { object } = world.ledger;
  using limit = deadline(world.clock, options.undoTimeout, () => notRecorded(object, verdict, reason), never());
  const phase = journal.record.phase === 'promoting' ? 'promoting' : 'paused';
  const paused = { phase, verdict, reason, endedAt: world.clock.now() } as const;
  await persist(world, limit.signal, () => journal.write(paused, limit.signal));
  return { verdict, reason, routeRestored: false };
}

function notRecorded(object: string, verdict: Verdict, reason: string): SluiceError {
  return new SluiceError('unreachable', {
    about: object,
    problem: `could not be written, so nobody is told that the rollout is ${verdict}: ${reason}.`,
    next: 'Run the workflow again once the API server answers: what was left is undone or resumed first.',
  });
}
