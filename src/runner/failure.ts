import { type Failure, isSluiceError, messageOf } from '../core/errors.ts';

/**
 * What is told of an error, whatever was thrown.
 *
 * @param next what to do where Sluice has no name for it
 */
export function failureOf(error: unknown, next = 'Please report it with this log.'): Failure {
  if (isSluiceError(error)) {
    const { code, about, problem, next: named } = error;
    return { code, about, problem, next: named };
  }
  return { code: 'unexpected', about: 'Sluice', problem: `stopped by an unexpected error: ${messageOf(error)}.`, next };
}
