import { type Failure, isSluiceError, messageOf } from '../core/errors.ts';

/**
 * The failure to report for any thrown value.
 *
 * @param next what to do about an error that Sluice does not know
 */
export function failureOf(error: unknown, next = 'Please report it with this log.'): Failure {
  if (isSluiceError(error)) {
    const { code, about, problem, next: named } = error;
    return { code, about, problem, next: named };
  }
  return { code: 'unexpected', about: 'Sluice', problem: `stopped by an unexpected error: ${messageOf(error)}.`, next };
}
