import type { Clock } from '../core/clock.ts';
import type { Claim } from '../ledger/lease.ts';

/** How a change ended; a dry run has no verdict. */
type ChangeVerdict = 'applied' | 'unchanged' | 'undone' | 'failed';

/** The types of one kind of change. */
export interface ChangeTypes {
  /** The state before the change. */
  readonly found: object;
  /** The planned writes; if none is needed, the state is only verified. */
  readonly plan: { readonly isNeeded: boolean };
  /** What the record holds: enough for another process to finish or undo the change. */
  readonly mark: unknown;
  /** What the action returns for an ending. */
  readonly result: unknown;
}

/** Why a change is undone: it failed, this run was asked to stop, or an earlier run was stopped and has left it. */
export type Cause = { readonly kind: 'failed' | 'cancelled'; readonly error: unknown } | { readonly kind: 'stopped' };

/** A change that a run has begun and not brought to its end. */
export interface Left<Mark> {
  /** The run that began it; undefined if not known. */
  readonly id: string | undefined;
  readonly mark: Mark;
  /** The change was applied and verified, so it is finished and not undone. */
  readonly isApplied: boolean;
}

export type Found<T extends ChangeTypes> = T['found'] & { readonly left: Left<T['mark']> | undefined };

/** The result of an undo. */
export interface Undone<Mark> {
  /** `kept`: what was written stays, as configured. `untouched`: nothing had been written. */
  readonly how: 'undone' | 'kept' | 'untouched';
  /** The state after it, in a sentence. */
  readonly state: string;
  readonly mark: Mark;
}

/** How a change ended, with what is known then. */
export type Ending<T extends ChangeTypes> =
  /** A dry run. */
  | { readonly verdict: undefined; readonly plan: T['plan'] }
  | { readonly verdict: Extract<ChangeVerdict, 'unchanged'>; readonly plan: T['plan'] }
  /** Without a plan if a later process has finished it. */
  | { readonly verdict: Extract<ChangeVerdict, 'applied'>; readonly mark: T['mark']; readonly plan?: T['plan'] }
  | { readonly verdict: Extract<ChangeVerdict, 'undone'>; readonly undone: Undone<T['mark']>; readonly cause: Cause }
  | Failed<T>;

/** The endings of a change that was neither completed nor undone. */
type Failed<T extends ChangeTypes> = { readonly verdict: Extract<ChangeVerdict, 'failed'> } & (
  | { readonly how: 'kept' | 'untouched'; readonly undone: Undone<T['mark']>; readonly cause: Cause }
  /** Nothing had to be written, but the existing state does not work. */
  | { readonly how: 'not-verified'; readonly plan: T['plan']; readonly error: unknown }
  /** `error` says why the undo failed. */
  | { readonly how: 'not-undone'; readonly mark: T['mark']; readonly cause: Cause; readonly error: unknown }
);

/** What is needed to conclude a change that a run has left. */
export interface Concludable<T extends ChangeTypes> {
  /** The run's ID: the same in `main` and in `post`. */
  readonly id: string;
  readonly clock: Clock;
  /** The most milliseconds of an undo, by its cause; undefined if each of its steps has a deadline of its own. */
  readonly undoTime: Readonly<Record<Cause['kind'], number | undefined>>;
  /** Takes the Lease, which excludes other runs, and creates the namespace that it needs. Throws `locked` with the holder. */
  claim(signal: AbortSignal): Promise<Claim>;
  /** Reads the state, and what an earlier run has left. Writes nothing. */
  look(signal: AbortSignal): Promise<Found<T>>;
  /** Reports that a change which a run has left is now brought to its end. */
  tellLeft(left: Left<T['mark']>): void;
  /** Does what is not undone any more, after all else was verified: deletions. Can be repeated. */
  finish?(mark: T['mark'], signal: AbortSignal): Promise<void>;
  /** Restores the state before the change, and verifies it. Can be repeated, and called after any of the writes. */
  undo(mark: T['mark'], cause: Cause, signal: AbortSignal): Promise<Undone<T['mark']>>;
  /** Closes the record, and returns or throws the action's result. */
  end(ending: Ending<T>, signal: AbortSignal): Promise<T['result']>;
}

/** A planned set of writes that is recorded, applied, verified, and undone as a whole. */
export interface Change<T extends ChangeTypes> extends Concludable<T> {
  readonly dryRun: boolean;
  /** Whether a change that an earlier run has left is concluded first, or included in this run's plan and record. */
  readonly leftover: 'concluded' | 'taken over';
  /** Works out the writes, and throws if the cluster would refuse them. Writes nothing. */
  plan(found: Found<T>, signal: AbortSignal): Promise<T['plan']>;
  /** Throws for a plan that must not be carried out. Writes nothing. */
  refuse?(plan: T['plan'], signal: AbortSignal): Promise<void>;
  /** Reports a plan that was not refused. */
  tell(plan: T['plan']): void;
  /** Saves all that an undo needs, before the first write. */
  record(plan: T['plan'], signal: AbortSignal): Promise<T['mark']>;
  /** Writes. Returns the plan completed with what is known by then. */
  apply(plan: T['plan'], signal: AbortSignal): Promise<T['plan']>;
  /** Verifies that the new state works. */
  verify(plan: T['plan'], signal: AbortSignal): Promise<void>;
}
