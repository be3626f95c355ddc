import type { Cause, ChangeTypes, Ending } from '../change/change.ts';
import { reasonOf, SluiceError } from '../core/errors.ts';
import type { DrillOutcome, DrillVerdict, FaultOutcome } from './events.ts';
import type { Journal } from './journal.ts';
import { advise } from './measure/advice.ts';
import { concludeDrill, type SteadyAfter } from './measure/verdict.ts';
import type { Aim } from './ports.ts';
import type { DrillRecord } from './record.ts';
import type { ConcludingWorld, DrillWorld } from './world.ts';

export interface DrillTypes extends ChangeTypes {
  readonly found: { readonly record: DrillRecord | undefined };
  readonly plan: { readonly isNeeded: true; readonly aims: readonly Aim[]; readonly results: Results | undefined };
  readonly mark: DrillRecord;
  readonly result: DrillOutcome;
}

/** What a drill has learnt. */
export interface Results {
  readonly faults: readonly FaultOutcome[];
  /** Why it was stopped before its end. */
  readonly stopped: string | undefined;
  /** Whether the checks say that the service is as before; undefined without checks. */
  readonly steadyAfter: SteadyAfter | undefined;
}

/** What this process knows of the drill that it carries out. */
export interface Progress {
  journal?: Journal;
}

/** Closes the record, and says how the drill ended. */
export async function endDrill(
  world: ConcludingWorld & Partial<Pick<DrillWorld, 'facts'>>,
  ending: Ending<DrillTypes>,
  signal: AbortSignal,
): Promise<DrillOutcome> {
  const { store, clock, emit } = world;
  const outcome = await outcomeOf(world, ending, signal);
  // What could not be removed stays in the record, for the next run.
  if (ending.verdict === 'applied' || ending.verdict === 'undone') await store.remove(signal);
  emit({ type: 'ended', at: clock.now(), outcome });
  return outcome;
}

async function outcomeOf(
  world: Partial<Pick<DrillWorld, 'facts'>>,
  ending: Ending<DrillTypes>,
  signal: AbortSignal,
): Promise<DrillOutcome> {
  switch (ending.verdict) {
    case undefined:
      return { ...nothing, reason: 'a dry run: nothing was injected' };
    case 'applied':
      return ending.plan?.results ? learnt(world, ending.plan.results, signal) : { ...nothing, verdict: 'incomplete' };
    case 'unchanged':
      return { ...nothing, verdict: 'incomplete' };
    case 'undone':
      return { ...nothing, ...interrupted(ending.cause, ending.undone.state) };
    case 'failed': {
      if (ending.how === 'not-verified') return { ...nothing, verdict: 'incomplete', reason: reasonOf(ending.error) };
      if (ending.how !== 'not-undone') return { ...nothing, ...interrupted(ending.cause, ending.undone.state) };
      const { cause, error } = ending;
      const left = error instanceof NotRemoved ? error.left : [reasonOf(error)];
      const told = interrupted(cause, 'Not every fault could be removed.');
      return {
        ...nothing,
        ...told,
        next: 'Remove by hand what is named; the next run of the drill tries again. Where nothing is left, or the record is not to be believed: give it up with "mode: discard-record".',
        left,
      };
    }
  }
}

const nothing: DrillOutcome = { reason: 'nothing was learnt', next: '', faults: [], advice: [], left: [] };

/** Faults that could not be removed. */
export class NotRemoved extends SluiceError {
  readonly left: readonly string[];

  constructor(left: readonly string[]) {
    super('failed', {
      about: 'what was injected',
      problem: `could not be removed in all: ${left.join(' ')}`,
      next: 'The next run of the drill tries again.',
    });
    this.left = left;
  }
}

/** The verdict over what was measured, and what to mend. */
async function learnt(
  { facts }: Partial<Pick<DrillWorld, 'facts'>>,
  { faults, stopped, steadyAfter }: Results,
  signal: AbortSignal,
): Promise<DrillOutcome> {
  const concluded = concludeDrill(faults, steadyAfter);
  // What can't be read gives no advice, and does not change what was measured.
  const known = await facts?.(signal).catch(() => undefined);
  const advice = known === undefined ? [] : advise(known, faults);
  const outcome = { ...nothing, ...concluded, faults, advice };
  if (stopped === undefined) return outcome;
  return { ...outcome, verdict: 'aborted', reason: `${stopped}; the fault was removed. ${concluded.reason}` };
}

function interrupted(
  cause: Cause,
  state: string,
): { readonly verdict: DrillVerdict; readonly reason: string; readonly next: string } {
  if (cause.kind === 'stopped')
    return {
      verdict: 'aborted',
      reason: `A run was stopped in the middle of the drill. ${state}`,
      next: 'Run the drill again.',
    };
  const { error } = cause;
  const next = error instanceof SluiceError ? error.next : '';
  if (cause.kind === 'cancelled') return { verdict: 'aborted', reason: `The run was cancelled. ${state}`, next: '' };
  return { verdict: 'incomplete', reason: `${reasonOf(error)} ${state}`, next };
}
