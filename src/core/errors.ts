/** What went wrong, as one of a closed list; tests and callers switch on it. */
export type ErrorCode =
  | 'invalid-input' // an input is wrong; nothing was changed
  | 'not-found' // something the inputs name does not exist
  | 'forbidden' // the credentials lack a right
  | 'unreachable' // a server did not answer within the deadline
  | 'conflict' // an object changed while it was being written
  | 'foreign-edit' // somebody else changed the weights of the route during the rollout
  | 'locked' // another run holds the route, or what it deploys
  | 'bad-query' // a metric query can't tell what it should
  | 'not-confirmed' // the data plane did not follow a shift in time
  | 'not-ready' // pods did not become available in time
  | 'unsupported' // the object has a shape that Sluice does not handle
  | 'failed' // a program, or something that it set up, ended with an error
  | 'timed-out' // a program had not ended by its deadline
  | 'cancelled'; // the run was asked to stop

export interface ErrorDetail {
  /** The thing the error is about, as the user would name it: `VirtualService shop/checkout`, `input "steps"`. */
  about: string;
  /** What happened, in one sentence, without the next step. */
  problem: string;
  /** What the user can do now, in one sentence. */
  next: string;
  cause?: unknown;
}

/** An error in the form in which it is reported. */
export interface Failure extends Readonly<Omit<ErrorDetail, 'cause'>> {
  readonly code: ErrorCode | 'unexpected';
}

/** Every failure that Sluice can name. Its message consists of the thing, the problem and the next step, in that order. */
export class SluiceError extends Error {
  readonly code: ErrorCode;
  readonly about: string;
  readonly problem: string;
  readonly next: string;

  constructor(code: ErrorCode, detail: ErrorDetail) {
    super(`${detail.about}: ${detail.problem} ${detail.next}`, { cause: detail.cause });
    this.name = 'SluiceError';
    this.code = code;
    this.about = detail.about;
    this.problem = detail.problem;
    this.next = detail.next;
  }
}

/** The version to release is already serving. */
export class NothingToRelease extends SluiceError {
  /** @param about the workload that serves: `Deployment shop/checkout` */
  constructor(about: string) {
    super('invalid-input', {
      about,
      problem: 'runs the given images with the given config already: there is nothing to release.',
      next: 'Give a new image, by digest or with a tag of its own (a tag such as "latest" does not show that it moved).',
    });
    this.name = 'NothingToRelease';
  }
}

/** Whether an error is a SluiceError, with this code if one is given. */
export function isSluiceError(error: unknown, code?: ErrorCode): error is SluiceError {
  return error instanceof SluiceError && (code === undefined || error.code === code);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The problem, without the next step. */
export function reasonOf(error: unknown): string {
  return isSluiceError(error) ? `${error.about}: ${error.problem}` : messageOf(error);
}
