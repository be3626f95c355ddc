import type { Clock } from '../core/clock.ts';
import type { Claim } from '../ledger/lease.ts';

/** How a change ended; a dry run has no verdict. */
type ChangeVerdict = 'applied' | 'unchanged' | 'undone' | 'failed';

/** The types of one kind of change. */
export interface ChangeTypes {
  /** What is there before it. */
  readonly found: object;
  /** What it is to write; where that is nothing, what is there is verified only. */
  readonly plan: { readonly isNeeded: boolean };
  /** What its record says: enough for another process to finish or to undo it. */
  readonly mark: unknown;
  /** What the action makes of its ending. */
  readonly result: unknown;
}

/** Why a change goes back: it failed, this run was asked to stop, or a run that was stopped has left it. */
export type Cause = { readonly kind: 'failed' | 'cancelled'; readonly error: unknown } | { readonly kind: 'stopped' };

/** A change that a run has begun and not brought to its end. */
export interface Left<Mark> {
  /** Of the run that began it; undefined where that is not known. */
  readonly id: string | undefined;
  readonly mark: Mark;
  /** It was applied and verified, and is finished instead of undone. */
  readonly isApplied: boolean;
}

export type Found<T extends ChangeTypes> = T['found'] & { readonly left: Left<T['mark']> | undefined };

/** What an undo has come to. */
export interface Undone<Mark> {
  /** `kept`: what was written stays, as was asked. `untouched`: nothing had been written. */
  readonly how: 'undone' | 'kept' | 'untouched';
  /** What is there now, in a sentence. */
  readonly state: string;
  readonly mark: Mark;
}

/** How a change ended, with what is known then. */
export type Ending<T extends ChangeTypes> =
  /** Of a dry run. */
  | { readonly verdict: undefined; readonly plan: T['plan'] }
  | { readonly verdict: Extract<ChangeVerdict, 'unchanged'>; readonly plan: T['plan'] }
  /** Without a plan where a later process has finished it. */
  | { readonly verdict: Extract<ChangeVerdict, 'applied'>; readonly mark: T['mark']; readonly plan?: T['plan'] }
  | { readonly verdict: Extract<ChangeVerdict, 'undone'>; readonly undone: Undone<T['mark']>; readonly cause: Cause }
  | Failed<T>;

/** The endings of a change that did not come about and was not taken back. */
type Failed<T extends ChangeTypes> = { readonly verdict: Extract<ChangeVerdict, 'failed'> } & (
  | { readonly how: 'kept' | 'untouched'; readonly undone: Undone<T['mark']>; readonly cause: Cause }
  /** Nothing was to be written, but what is there does not work. */
  | { readonly how: 'not-verified'; readonly plan: T['plan']; readonly error: unknown }
  /** `error` says why the way back failed. */
  | { readonly how: 'not-undone'; readonly mark: T['mark']; readonly cause: Cause; readonly error: unknown }
);

/** What it takes to conclude a change that a run has left. */
export interface Concludable<T extends ChangeTypes> {
  /** Of this run: the same in `main` and in `post`. */
  readonly id: string;
  readonly clock: Clock;
  /** Milliseconds that the way back may take, by its cause; undefined where each of its acts has a deadline of its own. */
  readonly undoTime: Readonly<Record<Cause['kind'], number | undefined>>;
  /** Keeps two runs apart, and makes what the Lease itself needs: a namespace. Throws `locked` with the holder. */
  claim(signal: AbortSignal): Promise<Claim>;
  /** Reads what is there, and what a run before has left. Writes nothing. */
  look(signal: AbortSignal): Promise<Found<T>>;
  /** Tells that what a run has left is brought to its end now. */
  tellLeft(left: Left<T['mark']>): void;
  /** Does what is not undone any more, once all else is seen to work: deletions. Can be repeated. */
  finish?(mark: T['mark'], signal: AbortSignal): Promise<void>;
  /** Goes back to how it was, and sees that that works. Can be repeated, and done after any of the writes. */
  undo(mark: T['mark'], cause: Cause, signal: AbortSignal): Promise<Undone<T['mark']>>;
  /** Closes the record, and makes of the ending what the action gives or throws. */
  end(ending: Ending<T>, signal: AbortSignal): Promise<T['result']>;
}

/** A planned set of writes that is recorded, applied, verified, and undone as a whole. */
export interface Change<T extends ChangeTypes> extends Concludable<T> {
  readonly dryRun: boolean;
  /** What becomes of what an earlier run has left: it is concluded first, or plan and record of this one take it over. */
  readonly leftover: 'concluded' | 'taken over';
  /** Works out what is to be written, and throws what the cluster refuses. Writes nothing. */
  plan(found: Found<T>, signal: AbortSignal): Promise<T['plan']>;
  /** Throws for a plan that must not be carried out. Writes nothing. */
  refuse?(plan: T['plan'], signal: AbortSignal): Promise<void>;
  /** Tells a plan that nothing refuses. */
  tell(plan: T['plan']): void;
  /** Saves all that an undo needs; the first write comes after it. */
  record(plan: T['plan'], signal: AbortSignal): Promise<T['mark']>;
  /** Writes. Gives the plan with what is known by then. */
  apply(plan: T['plan'], signal: AbortSignal): Promise<T['plan']>;
  /** Sees that what is there works. */
  verify(plan: T['plan'], signal: AbortSignal): Promise<void>;
}
