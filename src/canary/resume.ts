import { deadline } from '../core/deadline.ts';
import { isSluiceError, NothingToRelease, SluiceError } from '../core/errors.ts';
import type { Plan } from '../judge/plan.ts';
import { isPromoted } from './conclude.ts';
import type { RolloutOptions } from './options.ts';
import type { RolloutRecord } from './ports.ts';
import { alreadyShifted, refuseWhatCannotWork } from './preflight.ts';
import { adopt, type ConcludedUnfinished, concludeUnfinished, isUnfinished } from './unfinished.ts';
import { type World, warn } from './world.ts';

/** After another rollout was undone, the stable workload turns out to serve the requested version. */
export interface ServesAlready {
  readonly undone: RolloutRecord;
  readonly digest: string;
  readonly reason: string;
}

/**
 * The record to continue from: that of an earlier run of the same release, or a new one after any other rollout was undone.
 * After such an undo, there may be nothing left to release.
 */
export async function resumeOrStart(
  world: World,
  options: RolloutOptions,
  signal: AbortSignal,
): Promise<RolloutRecord | ServesAlready> {
  const { ledger } = world;
  const left = await ledger.load(signal);
  if (!isUnfinished(left)) return begin(world, options, signal);

  const same = left.fingerprint === options.fingerprint;
  if (same && (isPromoted(left) || left.phase === 'undoing')) return adopt(world, left, options, signal);
  if (options.mode === 'finish') return resumeDeployed(world, left, options, signal);
  if (same && options.onInterrupted === 'resume') return resume(world, left, options, signal);
  warn(world, `First clearing up what ${left.startedBy} left unfinished.`);
  const cleared = await concludeUnfinished(world, left, options, signal);
  // Objects that still have the new version do not prevent the release of another one.
  const isBack = cleared.verdict === 'promoted' || cleared.verdict === 'rolled-back' || cleared.left !== undefined;
  if (!isBack) throw notCleared(left, cleared.reason);
  try {
    await refuseWhatCannotWork(world, options.plan, signal);
  } catch (error) {
    const served = await seeServed(world, error, { cleared, left }, signal);
    if (served === undefined) throw error;
    return served;
  }
  return begin(world, options, signal);
}

/**
 * Checks whether the version before an undone rollout is the requested one: the run is for a commit that reverts the release,
 * or for an older commit.
 */
async function seeServed(
  world: World,
  error: unknown,
  { cleared: { verdict, record }, left }: { readonly cleared: ConcludedUnfinished; readonly left: RolloutRecord },
  signal: AbortSignal,
): Promise<ServesAlready | undefined> {
  if (!(error instanceof NothingToRelease) || verdict !== 'rolled-back') return undefined;
  const { clock, emit, arms } = world;
  const proof = await arms.verifyUndone(left.arms, signal);
  if (proof === undefined) return undefined;
  emit({ type: 'verified', at: clock.now(), ...proof });
  const reached = Math.max(left.weight.from, left.weight.to);
  const reason = `${left.arms.stable} runs this release already: what ${left.startedBy} had left at ${reached} % was undone, and nothing else was changed`;
  return { undone: record, digest: proof.digest, reason };
}

async function resume(
  world: World,
  left: RolloutRecord,
  options: RolloutOptions,
  signal: AbortSignal,
): Promise<RolloutRecord> {
  const shown = await world.router.weight(left.route, signal);
  if (shown === undefined) throw changedMeanwhile(left, world.ledger.object);
  const { reason: _reason, ...rest } = left;
  const { startedAt, startedBy } = left;
  const place = { phase: phaseAt(shown, left, options.plan), step: stepAt(shown, left, options.plan) };
  const record = await adopt(world, { ...rest, ...place, weight: { from: shown, to: shown } }, options, signal);
  world.emit({ type: 'resumed', at: world.clock.now(), weight: shown, startedAt, startedBy });
  return record;
}

/**
 * The stable workload was deployed meanwhile. The same deployment may have written the route for the new version: if that route
 * sends nothing to the canary, it counts as the route as found.
 */
async function resumeDeployed(
  world: World,
  left: RolloutRecord,
  options: RolloutOptions,
  signal: AbortSignal,
): Promise<RolloutRecord> {
  const { router } = world;
  const shown = await router.weight(left.route, signal);
  const route = shown === left.weight.to ? left.route : await router.inspect(signal);
  const weight = shown === left.weight.to ? shown : route.weight;
  if (weight !== left.weight.to && weight !== 0) throw changedMeanwhile(left, world.ledger.object);
  const { reason: _reason, ...rest } = left;
  const { startedAt, startedBy } = left;
  const record = await adopt(
    world,
    { ...rest, route, phase: 'promoting', weight: { from: weight, to: weight } },
    options,
    signal,
  );
  world.emit({ type: 'resumed', at: world.clock.now(), weight, startedAt, startedBy });
  return record;
}

/**
 * The step to continue with. A weight below those of the record was lowered by a person, or by an undo that had just begun: the
 * plan continues from that weight, so that no step is skipped. A recorded step counts only if the route proves that the plan
 * had reached it: the route has its weight, or that of the step before it.
 */
function stepAt(shown: number, { step, weight }: RolloutRecord, { steps }: Plan): number {
  const weights = steps.map((planned) => planned.weight);
  const reached = weights.findIndex((planned) => planned >= shown);
  const first = reached === -1 ? steps.length - 1 : reached;
  const furthest = weights.includes(shown) ? Math.min(weights.lastIndexOf(shown) + 1, steps.length - 1) : first;
  const isExplained = shown === weight.from || shown === weight.to;
  return isExplained && step >= first && step <= furthest ? step : Math.min(step, first);
}

/** A promotion continues only while the canary has all traffic that the plan gives it. */
function phaseAt(shown: number, { phase, weight }: RolloutRecord, { steps }: Plan): RolloutRecord['phase'] {
  const all = steps.at(-1)?.weight;
  return phase === 'promoting' && shown === weight.to && shown === all ? 'promoting' : 'shifting';
}

/** Records what exists. This is the first write of a rollout. */
async function begin(world: World, options: RolloutOptions, signal: AbortSignal): Promise<RolloutRecord> {
  const { router, arms, clock, ledger } = world;
  // Read again while holding the Lease, because a restore writes what is read here.
  const [route, { warnings: _, ...found }] = await Promise.all([router.inspect(signal), arms.inspect(signal)]);
  if (route.weight !== 0) throw alreadyShifted(route.object, route.weight);
  const record: RolloutRecord = {
    schema: 1,
    id: options.id,
    fingerprint: options.fingerprint,
    phase: 'preparing',
    step: 0,
    weight: { from: 0, to: 0 },
    route,
    arms: found,
    startedAt: clock.now(),
    startedBy: options.startedBy,
  };
  await ledger.save(record, signal);
  return record;
}

/**
 * Refuses unless the record is of a rollout of the same release that has passed its plan.
 *
 * @throws SluiceError `not-found`
 */
export function refuseNothingHeld(left: RolloutRecord | undefined, { fingerprint }: RolloutOptions): void {
  const after = ['promoting', 'returning', 'retiring'];
  if (isUnfinished(left) && left.fingerprint === fingerprint && after.includes(left.phase)) return;
  const problem = isUnfinished(left)
    ? `is of another release, or has not passed its plan: ${left.startedBy}, ${left.phase}.`
    : 'is not there: none is held after its plan.';
  throw new SluiceError('not-found', {
    about: 'the rollout to finish',
    problem,
    next: 'Run "mode: shift" with the same inputs first, or "mode: undo" to end what is there.',
  });
}

/** Milliseconds for a look at what an earlier rollout has left. */
const LOOK = 5_000;

/** Whether the last rollout was of the same release, and was promoted. */
export function isReleased(record: RolloutRecord | undefined, fingerprint: string): record is RolloutRecord {
  return record?.phase === 'ended' && record.verdict === 'promoted' && record.fingerprint === fingerprint;
}

/** The digest that still serves all traffic since this release was promoted; undefined if something has changed since. */
export async function digestServing(
  { arms, router, clock }: World,
  { route, weight, arms: found }: RolloutRecord,
  signal: AbortSignal,
): Promise<string | undefined> {
  // The pods serve already, or somebody else has changed them: there is nothing to wait for.
  using limit = deadline(clock, LOOK, () => new Error('not seen to serve'), signal);
  try {
    await arms.confirm(found, true, limit.signal);
    if ((await router.weight(route, limit.signal)) !== weight.to) return undefined;
    return (await arms.verify(found, limit.signal)).digest;
  } catch (error) {
    signal.throwIfAborted();
    // A record that no longer fits the cluster does not tell what serves now.
    if (limit.signal.aborted || isSluiceError(error, 'not-ready') || isSluiceError(error, 'unsupported'))
      return undefined;
    throw error;
  }
}

function notCleared(left: RolloutRecord, reason: string): SluiceError {
  return new SluiceError('foreign-edit', {
    about: left.route.object,
    problem: `could not be given back after what ${left.startedBy} had left unfinished: ${reason}`,
    next: 'Mend that, then run the workflow again: nothing was begun.',
  });
}

function changedMeanwhile(record: RolloutRecord, ledger: string): SluiceError {
  return new SluiceError('foreign-edit', {
    about: record.route.object,
    problem: `shows other weights than the ${record.weight.to} % that ${record.startedBy} left.`,
    next: `Set the weights to what they should be and delete ${ledger}, or set "on-interrupted: undo" after setting them back to ${record.weight.to} %.`,
  });
}
