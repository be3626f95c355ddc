import { isSluiceError, messageOf, SluiceError } from '../core/errors.ts';
import type { PlannedWrite } from '../core/planned-write.ts';
import type { HelmVerdict, ReleaseFacts } from './events.ts';
import { isGivenUp, refuseGoneKinds, removedWithoutHelm } from './gone-kinds.ts';
import { type History, isAbsent, lastGood, latest, type Recovery, type Revision, recoveryOf } from './history.ts';
import { CANCEL_TIME, nameOf, note, writing } from './notes.ts';
import type { HelmRequest, HelmWorld } from './ports.ts';
import { type ChangeRecord, conclusionOf, returnTo } from './record.ts';
import type { Release } from './release.ts';

export interface HelmOutcome {
  /** Undefined after a dry run. */
  readonly verdict: HelmVerdict | undefined;
  readonly reason: string;
  /** What the user can do now, where there is something to do. */
  readonly next?: string;
  /** What the release is now, where that is known without asking Helm once more. */
  readonly release?: ReleaseFacts;
}

/** What one change of a release consists of. */
export interface Change {
  /** What the release is to be: the manifest whose workloads are watched. Undefined where only Helm's record of it will tell. */
  readonly manifest: string | undefined;
  /** What it changes, where that was asked. */
  readonly writes: readonly PlannedWrite[] | undefined;
  /** Lets Helm do it. */
  act(signal: AbortSignal): Promise<void>;
  /**
   * Helm is ended as soon as the change can't work any more. Not for a rollback: Helm writes down how an upgrade ended that it
   * is told to end, but leaves a rollback as `pending-rollback`.
   */
  readonly endEarly: boolean;
}

/** Holds the Lease of the release while `work` is under way. Its signal aborts with the run, or when the Lease is lost. */
export async function holding<T>(
  world: HelmWorld,
  cancelled: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const claim = await world.claim(cancelled);
  try {
    return await work(AbortSignal.any([cancelled, claim.lost]));
  } finally {
    await claim.release();
  }
}

/**
 * Brings a release that an earlier run left in the middle to a known state. Gives the history as it is then.
 *
 * @param checked is over before anything is changed
 */
export async function recovered(
  world: HelmWorld,
  request: HelmRequest,
  signal: AbortSignal,
  checked?: Promise<unknown>,
): Promise<History> {
  const [history, record] = await Promise.all([world.helm.history(signal), world.changes.load(signal), checked]);
  const conclusion = conclusionOf(record, history);
  if (conclusion.kind === 'none') {
    if (record) await world.changes.save(undefined, signal);
    return history;
  }
  const { from } = conclusion;
  note(world, 'warning', `Revision ${from.revision} was left as ${from.status} by a run that is not at work any more.`);
  let now: History;
  try {
    await restore(world, request, conclusion, signal);
    now = await world.helm.history(signal);
  } catch (error) {
    signal.throwIfAborted();
    now = await world.helm.history(signal);
    // Helm can go on from it: what was broken before must not keep a better version away.
    if (recoveryOf(now).kind !== 'none') throw error;
    note(world, 'warning', `It could not be brought back: ${messageOf(error)}`);
  }
  await world.changes.save(undefined, signal);
  return now;
}

/**
 * Makes a change and sees it through: Helm writes and waits, while its workloads are watched beside it, and is ended as soon as
 * they can't get ready. Where that fails, the release goes back to what it was.
 *
 * Helm itself waits, though the watcher would be enough, because Helm's record is then right at every moment: `pending-…` until
 * the pods are ready, `deployed` only after that, `failed` otherwise. With our wait alone, a revision that never got ready would
 * stand as `deployed`, and every later rollback would take it for a good one.
 */
export async function seenThrough(
  world: HelmWorld,
  request: HelmRequest,
  history: History,
  change: Change,
  signal: AbortSignal,
): Promise<HelmOutcome | undefined> {
  const record: ChangeRecord = {
    id: request.id,
    baseline: (isAbsent(history) ? undefined : lastGood(history))?.revision ?? null,
    latest: latest(history)?.revision ?? 0,
    undoing: false,
    keepFailed: !request.undoOnFailure,
  };
  await world.changes.save(record, signal);
  writing(world, true);
  let undone: HelmOutcome | undefined;
  try {
    await guarded(world, request, change, signal);
    if (request.test) {
      note(world, 'info', 'Running the tests of the chart.');
      await world.helm.test(request.change, signal);
    }
  } catch (error) {
    undone = await undo(world, request, record, error, signal);
  }
  await world.changes.save(undefined, new AbortController().signal);
  return undone;
}

/** Runs Helm with the watcher beside it: the first of both that fails ends the other one. */
async function guarded(
  world: HelmWorld,
  { change: { wait } }: HelmRequest,
  { manifest, writes, act, endEarly }: Change,
  signal: AbortSignal,
): Promise<void> {
  if (!wait) return act(signal);
  if (manifest === undefined) {
    await act(signal);
    return world.objects.watch((await world.helm.release(undefined, signal)).manifest, undefined, signal);
  }
  const applied = new AbortController();
  const stop = new AbortController();
  const hopeless = new AbortController();
  const { promise: begin, resolve: mayBegin } = Promise.withResolvers<void>();
  const watching = world.objects
    .watch(manifest, { writes, mayBegin, applied: applied.signal }, AbortSignal.any([signal, stop.signal]))
    .catch((error: unknown) => {
      if (!stop.signal.aborted) hopeless.abort(error);
    })
    // Also where nobody can watch: a rollback is made all the same.
    .finally(mayBegin);
  try {
    await begin;
    await act(endEarly ? AbortSignal.any([signal, hopeless.signal]) : signal);
    applied.abort();
    // Success means seen: what Helm does not look at (a pod that was replaced behind its back) must be ready, too.
    await watching;
    hopeless.signal.throwIfAborted();
    signal.throwIfAborted();
  } finally {
    stop.abort();
    await watching;
  }
}

/** What is done after a change that failed. Throws the failure itself where there is nothing to undo. */
async function undo(
  world: HelmWorld,
  request: HelmRequest,
  record: ChangeRecord,
  failure: unknown,
  signal: AbortSignal,
): Promise<HelmOutcome> {
  // Somebody else has the release now: what is there is theirs.
  if (isSluiceError(failure, 'locked')) throw failure;
  const late = signal.aborted ? AbortSignal.timeout(CANCEL_TIME) : new AbortController().signal;
  const history = await world.helm.history(late);
  const written = (latest(history)?.revision ?? 0) > record.latest;
  if (!written) {
    writing(world, false);
    await world.changes.save(undefined, late);
    throw failure;
  }
  if (!request.undoOnFailure) {
    await world.changes.save(undefined, late);
    throw stays(failure, latest(history)?.revision ?? 0);
  }
  await world.changes.save({ ...record, undoing: true }, late);
  note(world, 'info', `Taking it back: ${reasonOf(failure)}`);
  const back = returnTo(record.baseline, history);
  try {
    await restore(world, request, back, late);
  } catch (error) {
    if (signal.aborted) throw leftToPost(request, error);
    await world.changes.save(undefined, late);
    throw neitherWay(request, failure, error);
  }
  return { verdict: 'rolled-back', reason: `${reasonOf(failure)} ${wayBack(back)}`, next: nextOf(failure) };
}

/** Does what a recovery says, and sees that what is there then is ready. */
async function restore(world: HelmWorld, request: HelmRequest, recovery: Recovery, signal: AbortSignal): Promise<void> {
  if (recovery.kind === 'none') return;
  const { from } = recovery;
  if (recovery.kind === 'uninstall') {
    writing(world, true);
    note(world, 'info', `Uninstalling ${nameOf(request)}: no revision of it has ever worked.`);
    await uninstalled(world, request, from, signal);
    return;
  }
  const { to } = recovery;
  const [present, { manifest }] = await Promise.all([
    world.helm.release(from.revision, signal),
    world.helm.release(to.revision, signal),
  ]);
  await refuseGoneKinds(world, request, [present.manifest, manifest], signal);
  writing(world, true);
  note(world, 'info', `Rolling back to revision ${to.revision} (${to.chart}).`);
  const act = (acting: AbortSignal) => world.helm.rollback(to.revision, request.change, acting);
  await guarded(world, request, { manifest, writes: undefined, act, endEarly: false }, signal);
  note(world, 'good', `Revision ${to.revision} serves again, and its workloads are ready.`);
}

async function uninstalled(world: HelmWorld, request: HelmRequest, { revision }: Revision, signal: AbortSignal) {
  try {
    await world.helm.uninstall({ ...request.change, keepHistory: false }, signal);
  } catch (error) {
    if (signal.aborted || !isGivenUp(error)) throw error;
    const { manifest } = await world.helm.release(revision, signal);
    const remains = await world.objects.remains(manifest, signal);
    if (!(await removedWithoutHelm(world, request, { manifest, remains }, signal))) throw error;
  }
}

function leftToPost(request: HelmRequest, cause: unknown): SluiceError {
  return new SluiceError('cancelled', {
    about: nameOf(request),
    problem: 'was being taken back when the time of a cancelled run was over.',
    next: 'The post step, or else the next run, takes it back.',
    cause,
  });
}

function neitherWay(request: HelmRequest, failure: unknown, cause: unknown): SluiceError {
  return new SluiceError('failed', {
    about: nameOf(request),
    problem: `could not be changed (${reasonOf(failure)}), and not be brought back either: ${reasonOf(cause)}`,
    next: 'Look at its workloads; a deploy of a version that works goes on from here.',
    cause,
  });
}

function wayBack(recovery: Recovery): string {
  if (recovery.kind === 'rollback') return `The release is back at the content of revision ${recovery.to.revision}.`;
  if (recovery.kind === 'uninstall') return 'The release was removed, as it had no revision before.';
  return 'The release is as it was.';
}

/** A revision's manifest, or none. */
export async function manifestOf(
  world: HelmWorld,
  history: History,
  signal: AbortSignal,
): Promise<Release | undefined> {
  const last = latest(history);
  return last && !isAbsent(history) ? world.helm.release(last.revision, signal) : undefined;
}

function reasonOf(failure: unknown): string {
  return isSluiceError(failure) ? `${failure.about}: ${failure.problem}` : messageOf(failure);
}

function nextOf(failure: unknown): string {
  return isSluiceError(failure) ? failure.next : 'Look at the log above.';
}

function stays(failure: unknown, revision: number): SluiceError {
  const code = isSluiceError(failure) ? failure.code : 'failed';
  return new SluiceError(code, {
    about: isSluiceError(failure) ? failure.about : 'helm',
    problem: `${isSluiceError(failure) ? failure.problem : messageOf(failure)} Revision ${revision} stays, as rollback-on-failure is false.`,
    next: nextOf(failure),
    cause: failure,
  });
}
