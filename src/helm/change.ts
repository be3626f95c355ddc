import type { Change, ChangeTypes, Concludable, Undone } from '../change/change.ts';
import { messageOf, reasonOf } from '../core/errors.ts';
import type { PlannedWrite } from '../core/planned-write.ts';
import { endRelease, type ReleaseWords } from './ending.ts';
import type { HelmOutcome } from './events.ts';
import { guarded, type HelmAct } from './guard.ts';
import { type History, isAbsent, lastGood, latest, type Recovery, recoveryOf } from './history.ts';
import { CANCEL_TIME, note, writing } from './notes.ts';
import type { HelmRequest, HelmWorld } from './ports.ts';
import { type ChangeRecord, conclusionOf, returnTo } from './record.ts';
import type { Release } from './release.ts';
import { restore, wayBack } from './restore.ts';

export interface ReleasePlan {
  readonly isNeeded: boolean;
  readonly history: History;
  /** What the plan changes; undefined where it was not computed. */
  readonly writes: readonly PlannedWrite[] | undefined;
}

/** A change of a release. */
export interface ReleaseTypes<P extends ReleasePlan> extends ChangeTypes {
  readonly found: { readonly history: History };
  readonly plan: P;
  readonly mark: ReleaseMark;
  readonly result: HelmOutcome;
}

/** A change that this run has begun, or the recovery of one that an earlier run has left. */
type ReleaseMark =
  | { readonly kind: 'begun'; readonly record: ChangeRecord }
  | { readonly kind: 'left'; readonly recovery: Recovery };

/** The parts that differ between kinds of change. */
export interface ReleaseSteps<P extends ReleasePlan> extends Pick<Change<ReleaseTypes<P>>, 'plan' | 'refuse'> {
  /** The log line that announces the change. */
  announce(plan: P): string;
  act(plan: P): HelmAct;
  /** Checks that a release that needs no change works. */
  confirm?(plan: P, signal: AbortSignal): Promise<void>;
  readonly words: ReleaseWords<P>;
}

/** Helm writes and waits; if that fails, the release goes back to what it was. */
export function releaseChange<P extends ReleasePlan>(
  world: HelmWorld,
  request: HelmRequest,
  { plan, refuse, announce, act, confirm, words }: ReleaseSteps<P>,
): Change<ReleaseTypes<P>> {
  return {
    ...concludable(world, request, words),
    dryRun: request.dryRun,
    leftover: 'concluded',
    plan,
    ...(refuse && { refuse }),
    tell: (planned) => tellPlan(world, planned),
    async record(planned, signal) {
      const { history } = planned;
      note(world, 'info', announce(planned));
      const record: ChangeRecord = {
        id: request.id,
        baseline: (isAbsent(history) ? undefined : lastGood(history))?.revision ?? null,
        latest: latest(history)?.revision ?? 0,
        undoing: false,
        keepFailed: !request.undoOnFailure,
      };
      await world.changes.save(record, signal);
      return { kind: 'begun', record };
    },
    async apply(planned, signal) {
      writing(world, true);
      await guarded(world, request, act(planned), signal);
      return planned;
    },
    async verify(planned, signal) {
      if (!planned.isNeeded) return confirm?.(planned, signal);
      if (!request.test) return;
      note(world, 'info', 'Running the tests of the chart.');
      await world.helm.test(request.change, signal);
    },
  };
}

/** What is needed to conclude a change of a release that a run has left. */
export function concludable<P extends ReleasePlan>(
  world: HelmWorld,
  request: HelmRequest,
  words?: ReleaseWords<P>,
): Concludable<ReleaseTypes<P>> {
  return {
    id: request.id,
    clock: world.clock,
    // Helm's commands and the watcher have deadlines of their own.
    undoTime: { failed: undefined, cancelled: CANCEL_TIME, stopped: undefined },
    claim: (signal) => world.claim(signal),
    async look(signal) {
      const [history, record] = await Promise.all([
        world.helm.history(signal),
        // A dry run recovers nothing, so it does not load the record.
        request.dryRun ? undefined : world.changes.load(signal),
      ]);
      const recovery = request.dryRun ? ({ kind: 'none' } as const) : conclusionOf(record, history);
      const isApplied = recovery.kind === 'none';
      const isLeft = record !== undefined || !isApplied;
      return { history, left: isLeft ? { id: record?.id, isApplied, mark: { kind: 'left', recovery } } : undefined };
    },
    tellLeft({ mark }) {
      if (mark.kind !== 'left' || mark.recovery.kind === 'none') return;
      const { revision, status } = mark.recovery.from;
      note(world, 'warning', `Revision ${revision} was left as ${status} by a run that is not at work any more.`);
    },
    undo: (mark, cause, signal) =>
      mark.kind === 'left' || cause.kind === 'stopped'
        ? recover(world, request, mark, signal)
        : takeBack(world, request, { record: mark.record, failure: cause.error }, signal),
    end: (ending, signal) => endRelease(world, request, { ending, words }, signal),
  };
}

export function tellPlan(world: HelmWorld, { history, writes }: ReleasePlan): void {
  if (!writes) return;
  const last = latest(history);
  const at = world.clock.now();
  if (last && !isAbsent(history)) world.emit({ type: 'found', at, revision: last.revision });
  world.emit({ type: 'planned', at, writes });
}

/** The release as it is now; undefined where it is not installed. */
export async function presentRelease(
  { helm }: HelmWorld,
  history: History,
  signal: AbortSignal,
): Promise<Release | undefined> {
  const last = latest(history);
  return last && !isAbsent(history) ? helm.release(last.revision, signal) : undefined;
}

type UndoneRelease = Undone<ReleaseMark>;

/** Brings a release that a run has left in the middle of a change to a known state. */
async function recover(
  world: HelmWorld,
  request: HelmRequest,
  mark: ReleaseMark,
  signal: AbortSignal,
): Promise<UndoneRelease> {
  const recovery = mark.kind === 'left' ? mark.recovery : conclusionOf(mark.record, await world.helm.history(signal));
  try {
    await restore(world, request, recovery, signal);
  } catch (error) {
    signal.throwIfAborted();
    const now = await world.helm.history(signal);
    // Helm can continue from this state: a release that was broken before must not block a better version.
    if (recoveryOf(now).kind !== 'none') throw error;
    note(world, 'warning', `It could not be brought back: ${messageOf(error)}`);
  }
  return { how: 'undone', state: wayBack(recovery), mark };
}

/** Undoes what this run has changed. */
async function takeBack(
  world: HelmWorld,
  request: HelmRequest,
  { record, failure }: { readonly record: ChangeRecord; readonly failure: unknown },
  signal: AbortSignal,
): Promise<UndoneRelease> {
  const mark = { kind: 'begun', record } as const;
  const history = await world.helm.history(signal);
  const revision = latest(history)?.revision ?? 0;
  if (revision <= record.latest) {
    writing(world, false);
    return { how: 'untouched', state: 'The release is as it was.', mark };
  }
  if (!request.undoOnFailure) {
    return { how: 'kept', state: `Revision ${revision} stays, as rollback-on-failure is false.`, mark };
  }
  await world.changes.save({ ...record, undoing: true }, signal);
  note(world, 'info', `Taking it back: ${reasonOf(failure)}`);
  const back = returnTo(record.baseline, history);
  await restore(world, request, back, signal);
  return { how: 'undone', state: wayBack(back), mark };
}
