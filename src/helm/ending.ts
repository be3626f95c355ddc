import type { Cause, Ending } from '../change/change.ts';
import { isSluiceError, messageOf, reasonOf, SluiceError } from '../core/errors.ts';
import type { ReleasePlan, ReleaseTypes } from './change.ts';
import type { HelmOutcome, HelmVerdict } from './events.ts';
import { isAbsent, latest } from './history.ts';
import { nameOf } from './notes.ts';
import type { HelmRequest, HelmWorld } from './ports.ts';

/** How a kind of change reports its endings. */
export interface ReleaseWords<P> {
  /** After a dry run. */
  planned(plan: P): HelmOutcome;
  unchanged(plan: P, signal: AbortSignal): Promise<HelmOutcome>;
  applied(plan: P, signal: AbortSignal): Promise<HelmOutcome>;
  readonly undone: HelmVerdict;
}

interface ToldEnding<P extends ReleasePlan> {
  readonly ending: Ending<ReleaseTypes<P>>;
  /** Undefined where the run was begun by another process. */
  readonly words: ReleaseWords<P> | undefined;
}

/**
 * Closes the record of a change, and reports how it ended.
 *
 * @throws SluiceError for a change that failed and was not undone
 */
export async function endRelease<P extends ReleasePlan>(
  world: HelmWorld,
  request: HelmRequest,
  { ending, words }: ToldEnding<P>,
  signal: AbortSignal,
): Promise<HelmOutcome> {
  if (await isOver(world, ending, signal)) await world.changes.save(undefined, signal);
  if (ending.verdict === 'failed') throw failureOf(request, ending);
  if (!words) return concluded(world, signal);
  if (ending.verdict === undefined) return words.planned(ending.plan);
  if (ending.verdict === 'unchanged') return words.unchanged(ending.plan, signal);
  if (ending.verdict === 'applied') {
    return ending.plan ? words.applied(ending.plan, signal) : concluded(world, signal);
  }
  const { cause, undone } = ending;
  if (cause.kind === 'stopped') return concluded(world, signal);
  const reason = `${reasonOf(cause.error)} ${undone.state}`;
  return { verdict: words.undone, reason, next: nextOf(cause.error) };
}

/** Whether a record was written that is no longer needed. */
async function isOver<P extends ReleasePlan>(
  { changes }: HelmWorld,
  ending: Ending<ReleaseTypes<P>>,
  signal: AbortSignal,
): Promise<boolean> {
  if (ending.verdict === undefined || ending.verdict === 'unchanged') return false;
  if (ending.verdict !== 'failed' || ending.how === 'kept' || ending.how === 'untouched') return true;
  if (ending.how === 'not-verified' || ending.cause.kind !== 'failed') return false;
  // An undo that was already tried is not tried again: Helm continues from the present state.
  return (await changes.load(signal))?.undoing === true;
}

/** What the release is after this process has concluded a change in which another one was stopped. */
async function concluded(world: HelmWorld, signal: AbortSignal): Promise<HelmOutcome> {
  const history = await world.helm.history(signal);
  const last = latest(history);
  const state = last ? `revision ${last.revision} (${last.status})` : 'nothing: it is not installed';
  const reason = `The run was stopped in the middle; the release is at ${state}.`;
  if (isAbsent(history)) return { verdict: 'uninstalled', reason };
  const rolledBack = last?.rollback_revision !== undefined || last?.description.startsWith('Rollback to') === true;
  if (rolledBack) return { verdict: 'rolled-back', reason };
  return { verdict: last?.status === 'deployed' ? 'deployed' : 'failed', reason };
}

function failureOf<P extends ReleasePlan>(
  request: HelmRequest,
  ending: Extract<Ending<ReleaseTypes<P>>, { readonly verdict: 'failed' }>,
): unknown {
  if (ending.how === 'not-verified') return ending.error;
  const { cause } = ending;
  if (ending.how === 'not-undone') {
    if (cause.kind === 'stopped') return ending.error;
    if (cause.kind === 'cancelled') return leftToPost(request, ending.error);
    return neitherWay(request, cause.error, ending.error);
  }
  const failure = errorOf(cause);
  return ending.how === 'kept' ? stays(failure, ending.undone.state) : failure;
}

/** Why a change failed; undefined where that is not known. */
export function errorOf(cause: Cause): unknown {
  return cause.kind === 'stopped' ? undefined : cause.error;
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

function nextOf(failure: unknown): string {
  return isSluiceError(failure) ? failure.next : 'Look at the log above.';
}

function stays(failure: unknown, state: string): SluiceError {
  const code = isSluiceError(failure) ? failure.code : 'failed';
  return new SluiceError(code, {
    about: isSluiceError(failure) ? failure.about : 'helm',
    problem: `${isSluiceError(failure) ? failure.problem : messageOf(failure)} ${state}`,
    next: nextOf(failure),
    cause: failure,
  });
}
