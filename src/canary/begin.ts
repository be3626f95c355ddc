import { finishPromotion, isPromoted } from './conclude.ts';
import { isSluiceError, NothingToRelease, SluiceError } from './errors.ts';
import type { Plan } from './plan.ts';
import type { ArmsSnapshot, LeftObject, RolloutRecord, RouteSnapshot, Verdict } from './ports.ts';
import { type ShownWeight, undo } from './restore.ts';
import { commandLines, deadline, openJournal, type RolloutOptions, type World, warn } from './session.ts';

/** What was there before the first write. */
interface Found {
  readonly route: RouteSnapshot;
  readonly found: ArmsSnapshot;
}

/** Only reads: whatever is wrong with the inputs shows here, while nothing has been changed. */
export async function refuseWhatCannotWork(world: World, plan: Plan, signal: AbortSignal): Promise<Found> {
  const { router, arms, meter, clock, emit } = world;
  const [route, found] = await Promise.all([router.inspect(signal), arms.inspect(signal)]);
  if (route.weight !== 0) throw alreadyShifted(route.object, route.weight);
  const { warnings, notes } = (await router.survey?.(route, signal)) ?? { warnings: [], notes: [] };
  for (const message of [...warnings, ...(found.warnings ?? [])]) warn(world, message);
  const readiness = await meter.preflight(signal).catch(withWaysOut);
  // Without requests that are counted there is nothing to be foretold.
  const foretold = meter.kind === 'none' ? {} : { forecast: world.forecast(readiness, plan) };
  const told = { arms: found, readiness, ...foretold, ...(notes.length > 0 && { notes }) };
  emit({ type: 'preflight', at: clock.now(), route: route.object, ...told });
  return { route, found };
}

/** What a service can do whose requests are not found where they were looked for. */
const WAYS_OUT =
  'There are three ways out (docs/service.md): let the service count its requests; name the counter that there is by "metrics", or by "query-requests" and "query-errors"; or release on the health of the pods alone by "meter: none".';

function withWaysOut(error: unknown): never {
  if (!isSluiceError(error, 'bad-query')) throw error;
  const { about, problem, next } = error;
  throw new SluiceError('bad-query', { about, problem, next: `${next} ${WAYS_OUT}`, cause: error });
}

/** The stable workload serves what is to be released, as the rollout that stood in between was undone. */
export interface ServesAlready {
  readonly undone: RolloutRecord;
  readonly digest: string;
  readonly reason: string;
}

/**
 * The record to go on from: what an earlier run of this same release left, or a new one once any other is undone. After that
 * there may be nothing left to release.
 */
export async function takeUp(
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
  const cleared = await clearUp(world, left, options, signal);
  // Objects that kept the new version keep nobody from releasing another one.
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
 * Whoever asks for what the stable workload ran before the rollout that was undone has got it: a commit that takes the
 * release back, or the run of an older one.
 */
async function seeServed(
  world: World,
  error: unknown,
  { cleared: { verdict, record }, left }: { readonly cleared: Cleared; readonly left: RolloutRecord },
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

/**
 * Ends what an earlier run has left: a promotion that is made is finished, and undone where the stable pods broke since;
 * anything else is undone.
 *
 * @returns how it ended
 */
export async function clearUp(
  world: World,
  left: RolloutRecord,
  options: RolloutOptions,
  signal: AbortSignal,
): Promise<Cleared> {
  const journal = openJournal(world.ledger, await adopt(world, left, options, signal));
  if (isPromoted(left)) {
    const finished = await finishPromotion(world, journal, options, signal);
    const reason = 'an earlier run had promoted it';
    if (finished.verdict === 'promoted') return { record: journal.record, ...finished, reason };
  }
  const undone = await undo(world, journal, `left unfinished by ${left.startedBy}`, options);
  const { verdict, reason, left: notTakenBack, shown } = undone;
  return {
    record: journal.record,
    verdict,
    reason,
    ...(notTakenBack && { left: notTakenBack }),
    ...(shown && { shown }),
  };
}

export interface Cleared {
  readonly record: RolloutRecord;
  readonly verdict: Verdict;
  readonly reason: string;
  /** Image digest that was seen to serve; only of a promotion. */
  readonly digest?: string;
  /** What an undo could not take back. */
  readonly left?: readonly LeftObject[];
  /** What the route of a frozen rollout shows, which somebody else may have changed. */
  readonly shown?: ShownWeight;
}

/** Makes a record this run's own before it acts: should it be stopped as well, its post step knows what is left to do. */
async function adopt(
  { ledger }: World,
  left: RolloutRecord,
  { id }: RolloutOptions,
  signal: AbortSignal,
): Promise<RolloutRecord> {
  // That it was paused is history.
  const { verdict: _verdict, endedAt: _endedAt, left: _left, ...rest } = left;
  const record = { ...rest, id };
  await ledger.save(record, signal);
  return record;
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
  const place = { phase: phaseAt(shown, left), step: stepAt(shown, left, options.plan) };
  const record = await adopt(world, { ...rest, ...place, weight: { from: shown, to: shown } }, options, signal);
  world.emit({ type: 'resumed', at: world.clock.now(), weight: shown, startedAt, startedBy });
  return record;
}

/**
 * The stable workload was deployed meanwhile. Who deploys it may have written the route as well, in the shape that the new
 * version asks for: as long as that sends nothing to the canary, it is what the route is to be.
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
 * The step to go on with. A weight below what the record explains was set back, by a person or by an undo that had just
 * begun: the plan is taken up from there, so that no step is left out on the way up.
 */
function stepAt(shown: number, { step, weight }: RolloutRecord, { steps }: Plan): number {
  if (shown === weight.from || shown === weight.to) return step;
  const reached = steps.findIndex((planned) => planned.weight >= shown);
  return reached === -1 ? step : Math.min(step, reached);
}

/** A promotion is gone on with only while the canary has all traffic. */
function phaseAt(shown: number, { phase, weight }: RolloutRecord): RolloutRecord['phase'] {
  return phase === 'promoting' && shown === weight.to ? 'promoting' : 'shifting';
}

/** Writes down what is there. The record is the first write of a rollout. */
async function begin(world: World, options: RolloutOptions, signal: AbortSignal): Promise<RolloutRecord> {
  const { router, arms, clock, ledger } = world;
  // Read again under the lease: this is what a restore gives back.
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

export function isUnfinished(record: RolloutRecord | undefined): record is RolloutRecord {
  return record !== undefined && record.phase !== 'ended';
}

/** Milliseconds for a look at what an earlier rollout has left. */
const LOOK = 5_000;

/** The last rollout was of this same release, and it was promoted. */
export function isReleased(record: RolloutRecord | undefined, fingerprint: string): record is RolloutRecord {
  return record?.phase === 'ended' && record.verdict === 'promoted' && record.fingerprint === fingerprint;
}

/** The digest that still serves all traffic since this release was promoted; undefined where something has changed since. */
export async function digestServing(
  { arms, router, clock }: World,
  { route, weight, arms: found }: RolloutRecord,
  signal: AbortSignal,
): Promise<string | undefined> {
  if ((await router.weight(route, signal)) !== weight.to) return undefined;
  // What served once does so now, or has been changed: there is nothing to wait for.
  using limit = deadline(clock, LOOK, () => new Error('not seen to serve'), signal);
  try {
    return (await arms.verify(found, limit.signal)).digest;
  } catch (error) {
    signal.throwIfAborted();
    // A record that does not fit any more says nothing of what serves now.
    if (limit.signal.aborted || isSluiceError(error, 'not-ready') || isSluiceError(error, 'unsupported'))
      return undefined;
    throw error;
  }
}

/** The first event of a run. */
export function announce({ ledger, meter, clock, emit }: World, options: RolloutOptions, dryRun: boolean): void {
  emit({
    type: 'started',
    at: clock.now(),
    id: options.id,
    plan: options.plan,
    by: options.startedBy,
    source: meter.source,
    interval: meter.interval,
    ...(meter.kind === 'none' && { uncounted: true }),
    dryRun,
    ...(options.arms && { arms: options.arms }),
    ...(options.commit !== undefined && { commit: options.commit }),
    commands: commandLines(ledger),
  });
}

function notCleared(left: RolloutRecord, reason: string): SluiceError {
  return new SluiceError('foreign-edit', {
    about: left.route.object,
    problem: `could not be given back after what ${left.startedBy} had left unfinished: ${reason}`,
    next: 'Mend that, then run the workflow again: nothing was begun.',
  });
}

function alreadyShifted(object: string, weight: number): SluiceError {
  return new SluiceError('unsupported', {
    about: object,
    problem: `already sends ${weight} % to the canary, and no record of a rollout explains it.`,
    next: 'Set the canary weight to 0, or swap the inputs for stable and canary if the last release was promoted that way.',
  });
}

function changedMeanwhile(record: RolloutRecord, ledger: string): SluiceError {
  return new SluiceError('foreign-edit', {
    about: record.route.object,
    problem: `shows other weights than the ${record.weight.to} % that ${record.startedBy} left.`,
    next: `Set the weights to what they should be and delete ${ledger}, or set "on-interrupted: undo" after setting them back to ${record.weight.to} %.`,
  });
}
