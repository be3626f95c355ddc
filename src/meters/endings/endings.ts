import { STATUS_CODES } from 'node:http';
import type { Labels } from '../series/selector.ts';

/**
 * How a request ended: `rejected` is the client's fault; `unanswered` got no answer, because the client gave up, the connection
 * was reset or it took too long.
 */
export type Ending = 'answered' | 'rejected' | 'failed' | 'unanswered';

/** One label that tells how requests ended. */
export interface EndingLabel {
  readonly label: string;
  /** Undefined for an unknown value. */
  readonly read: (value: string) => Ending | undefined;
  /** The ending of requests whose series lacks this label, if no other label tells more. */
  readonly absent?: Ending;
}

/** From the mildest to the worst. */
const severity = ['answered', 'rejected', 'unanswered', 'failed'] as const satisfies readonly Ending[];

/**
 * The ending that the labels of a series tell; undefined if none does. The worst counts: gRPC errors have HTTP 200, and
 * Spring's outcome UNKNOWN has status 200. Only a 4xx status is more exact than a word such as "error".
 */
export function endingOf(labels: Labels, told: readonly EndingLabel[]): Ending | undefined {
  const endings = told.flatMap(({ label, read }) => {
    const value = labels[label];
    const ending = value === undefined ? undefined : read(value);
    return value === undefined || ending === undefined ? [] : [{ ending, exact: /\d/.test(value) }];
  });
  const exactlyRejected = endings.some(({ ending, exact }) => exact && ending === 'rejected');
  const counting = exactlyRejected ? endings.filter(({ ending, exact }) => exact || ending !== 'failed') : endings;
  const worst = severity.findLast((candidate) => counting.some(({ ending }) => ending === candidate));
  return worst ?? told.find(({ label, absent }) => absent !== undefined && !labels[label])?.absent;
}

/**
 * Statuses of requests without an answer: none was sent (Envoy and Traefik write 0), a timeout (408), nginx closed the
 * connection (444), the client of an AWS load balancer left (460), the client left (499).
 */
const UNANSWERED = new Set([-1, 0, 408, 444, 460, 499]);

function endingOfCode(code: number): Ending | undefined {
  if (UNANSWERED.has(code)) return 'unanswered';
  if (code >= 100 && code < 400) return 'answered';
  if (code >= 400 && code < 500) return 'rejected';
  return code >= 500 && code < 600 ? 'failed' : undefined;
}

export const number = /^-?\d+(?:\.0*)?(?:e\+?\d+)?$/i;
/** `200 OK`, `HTTP_500`, `HTTP/1.1 200`, `status_404`, `5xx`, `5XX`, `4**` */
export const written =
  /^(?:(?:https?|status|code|response|sc)(?:\/\d(?:\.\d)?)?[\s_.:-]*)*(?<kind>[1-5])(?<rest>\d\d|xx|\*\*)(?:[\s_:(.-].*)?$/i;

/**
 * Reads the label of an HTTP status in any form that exporters write: the number, its class, its name, or a word for success or
 * failure.
 */
export function endingOfStatus(value: string): Ending | undefined {
  const text = value.trim();
  if (number.test(text)) return endingOfCode(Number(text));
  const { kind, rest = '' } = written.exec(text)?.groups ?? {};
  if (kind !== undefined) return endingOfCode(Number(`${kind}${/\d/.test(rest) ? rest : '00'}`));
  return words.get(plain(text));
}

/** Reads a class of statuses written as one digit, as in Envoy's default tags. */
export function endingOfClass(value: string): Ending | undefined {
  return /^[1-5]$/.test(value) ? endingOfCode(Number(value) * 100) : endingOfStatus(value);
}

/** The names of the gRPC codes, by number: https://grpc.io/docs/guides/status-codes/. */
export const grpcNames = [
  'ok',
  'cancelled',
  'unknown',
  'invalid argument',
  'deadline exceeded',
  'not found',
  'already exists',
  'permission denied',
  'resource exhausted',
  'failed precondition',
  'aborted',
  'out of range',
  'unimplemented',
  'internal',
  'unavailable',
  'data loss',
  'unauthenticated',
] as const;

/** The gRPC codes that are the server's fault (OpenTelemetry semantic conventions for RPC). */
export const grpcServerErrors: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

/** Reads a gRPC status by its number or name: `14`, `Unavailable`, `UNAVAILABLE`, `StatusCode.UNAVAILABLE`. */
export function endingOfGrpc(value: string): Ending | undefined {
  const name = plain(value.replace(/^.*\./, '')).replace('canceled', 'cancelled');
  const code = number.test(value.trim()) ? Number(value) : grpcNames.findIndex((known) => plain(known) === name);
  if (!(code in grpcNames)) return undefined;
  if (code === 0) return 'answered';
  if (code === 1) return 'unanswered';
  return grpcServerErrors.has(code) ? 'failed' : 'rejected';
}

/**
 * Envoy's response flags of streams that broke off without a failing status: the downstream connection ended (DC), the upstream
 * one ended (UC, UR), a local reset, an idle or an overall timeout.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#response-flags
 */
const brokenOff = new Set(['DC', 'UC', 'UR', 'LR', 'SI', 'DT', 'UT', 'UMSDR', 'DPE']);

export function endingOfFlags(value: string): Ending | undefined {
  return value.split(',').some((flag) => brokenOff.has(flag.trim())) ? 'unanswered' : undefined;
}

/**
 * Reads OpenTelemetry's `error.type`: a status, or the name of an exception.
 * https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/
 */
export function endingOfErrorType(value: string): Ending | undefined {
  if (value === '') return undefined;
  return endingOfStatus(value) ?? (/cancel|timeout|disconnect|abort|reset/i.test(value) ? 'unanswered' : 'failed');
}

/** Normalizes spellings: `SERVER_ERROR`, `ServerError` and `server error` become the same word. */
function plain(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z]/g, '');
}

/** Phrases that exporters write instead of a status, with separate words. */
export const phrases: Readonly<Record<Ending, readonly string[]>> = {
  answered: listed(
    'success, successful, successfully, succeeded, okay, completed, complete, passed, served, informational, redirect, redirected, redirection',
  ),
  rejected: listed(
    'client error, user error, validation error, invalid request, invalid argument, permission denied, unauthenticated, rate limited, resource exhausted, failed precondition, already exists, out of range',
  ),
  failed: listed(
    'error, errors, errored, err, failure, failures, failed, fail, fatal, exception, panic, crash, crashed, server error, server failure, internal, internal error, system error, unavailable, data loss, unimplemented, deadline exceeded',
  ),
  // Micrometer writes UNKNOWN if no answer was sent.
  unanswered: listed(
    'unknown, timeout, timed out, cancelled, canceled, aborted, abort, reset, connection reset, disconnected, client closed request, client disconnected, no response',
  ),
};

/** These phrases, and the names of the HTTP statuses. */
const words: ReadonlyMap<string, Ending> = new Map([
  ...Object.entries(STATUS_CODES).flatMap(([code, name = '']): [string, Ending][] => {
    const ending = Number(code) < 200 ? undefined : endingOfCode(Number(code));
    return ending ? [[plain(name), ending]] : [];
  }),
  ...severity.flatMap((ending) => phrases[ending].map((phrase): [string, Ending] => [plain(phrase), ending])),
]);

function listed(text: string): string[] {
  return text.split(', ');
}
