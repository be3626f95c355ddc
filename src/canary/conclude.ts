import { never } from '../core/abort.ts';
import { deadline } from '../core/deadline.ts';
import { isSluiceError, messageOf, SluiceError } from '../core/errors.ts';
import { persist } from '../core/persist.ts';
import { confirm } from './confirm.ts';
import { Ending, endingOf } from './ending.ts';
import type { RolloutOptions } from './options.ts';
import type { LeftObject, RolloutRecord, Verdict } from './ports.ts';
import { completePromotion } from './promote.ts';
import type { Journal } from './record.ts';
import { onlyCanaryServes, stableServes } from './serving.ts';
import { describePods, type ShownWeight, shownWeight, undo } from './undo.ts';
import { type ConcludingWorld, type World, warn } from './world.ts';

/** What an ending is: the outcome without the figures that are the same for all. */
export interface Conclusion {
  readonly verdict: Verdict;
  /** Every step of the plan was passed: a promotion, or a rollout that is held for the stable workload to be deployed. */
  readonly passed?: boolean;
  readonly reason: string;
  /** The route shows exactly what was found before the first write. */
  readonly routeRestored: boolean;
  /** Image digest that was seen to serve; only of a promotion. */
  readonly digest?: string;
  /** What an undo could not take back. */
  readonly left?: readonly LeftObject[];
  /** What the route of a frozen rollout shows, which somebody else may have changed. */
  readonly shown?: ShownWeight;
}

type UndoOptions = Pick<RolloutOptions, 'undoTimeout' | 'confirmTimeout'>;

interface PausableWorld extends ConcludingWorld {
  readonly ledger: Pick<World['ledger'], 'object'>;
}

/**
 * Ends a rollout that was begun. A promotion that has been made is finished, unless the new version was found to be bad;
 * everything else is undone.
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
    // A weight that can't be read counts as the one that Sluice wrote last, unless somebody else is known to have changed it.
    return { ...paused, ...(foreign ? { shown: shown ?? { weight: undefined } } : shown && { shown }) };
  }
  const promoting = journal.record.phase === 'promoting';
  if (promoting && !ending.breach && !(await stableServes(world, journal.record))) {
    // The canary has served all traffic well, and the trouble is in the stable arm's pods.
    return pause(
      world,
      journal,
      options,
      new Ending('held', `the promotion failed midway (${ending.reason}); the canary serves all traffic`),
    );
  }
  return undo(world, journal, ending.reason, options);
}

/** The promotion is made, and what is left is tidying up: only a version that turns out to be bad leads back from here. */
export function isPromoted({ phase }: Pick<RolloutRecord, 'phase'>): boolean {
  return phase === 'returning' || phase === 'retiring';
}

/**
 * Does what is left of a promotion. Where the stable pods can't take the requests back, the canary keeps them, and the promotion
 * counts as not made yet.
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

/** The stable workload is the new version already. */
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

async function canaryHasToServe(world: ConcludingWorld, { record }: Journal): Promise<boolean> {
  return record.phase === 'returning' && (await onlyCanaryServes(world, record));
}

/** The version that everybody gets by now fails. What Sluice has deployed it takes back; what somebody else has, it can't. */
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

/** Requests go back to the canary, whose pods are ready and of the same version. The next run goes on with the promotion. */
async function serveFromCanary(world: PausableWorld, journal: Journal, options: UndoOptions): Promise<Conclusion> {
  const { router, clock, emit } = world;
  const { route, weight, arms } = journal.record;
  const reason = `the pods of ${arms.stable} are not ready any more after the promotion, or their Service does not lead to them; the canary serves all traffic`;
  const ending = new Ending('held', reason);
  using limit = deadline(clock, options.undoTimeout, () => ending, never());
  const { signal } = limit;
  try {
    // The record says whether the requests have gone back to the stable arm.
    const back = { from: route.weight, to: Math.max(weight.from, weight.to) };
    await persist(world, signal, () => journal.write({ phase: 'promoting', weight: back }, signal));
    await persist(world, signal, () => router.shift(route, back.from, back.to, never()));
    emit({ type: 'shifted', at: clock.now(), ...back });
    await confirm(world, route, back.to, options, signal);
  } catch (error) {
    // The weights that were written are right. Whether the proxies follow is only reported: it changes no decision now.
    warn(world, `Requests were to go back to the canary, but: ${messageOf(error)}`);
  }
  return pause(world, journal, options, ending);
}

/** Leaves the weight where it is, for a person to decide; the record tells the next run where to go on. */
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
