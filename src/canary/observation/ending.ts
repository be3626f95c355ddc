import { isSluiceError, messageOf } from '../../core/errors.ts';
import type { Verdict } from '../ports.ts';

/** Why a rollout stops before its plan is done. It is thrown, or the reason of an aborted signal. */
export class Ending extends Error {
  readonly verdict: Verdict;
  readonly reason: string;
  /** A check was sure that the new version is bad. */
  readonly breach: boolean;

  constructor(verdict: Verdict, reason: string, { breach = false } = {}) {
    super(reason);
    this.name = 'Ending';
    this.verdict = verdict;
    this.reason = reason;
    this.breach = breach;
  }
}

/**
 * The ending that an error leads to. Weights that somebody else has changed are left to that person; any other failure sends
 * the traffic back to the known good version.
 */
export function endingOf(error: unknown): Ending {
  if (error instanceof Ending) return error;
  if (isSluiceError(error, 'cancelled')) return new Ending('rolled-back', `${error.about} ${error.problem}`);
  if (isSluiceError(error, 'foreign-edit')) return new Ending('frozen', error.message);
  return new Ending('rolled-back', messageOf(error));
}
