import pRetry, { AbortError } from 'p-retry';
import type { Dispatcher } from 'undici';
import { systemClock } from './clock.ts';
import { SluiceError } from './errors.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface HttpPolicy {
  /** The server's name in errors: `Kubernetes API server https://10.0.0.1:6443`. */
  readonly server: string;
  /** What the user can do if the server does not answer. */
  readonly next: string;
  /** Milliseconds for one attempt. */
  readonly attemptTimeout: number;
  /** Milliseconds for all attempts together. */
  readonly deadline: number;
  readonly signal: AbortSignal;
  /** False for an answer that is not the server's own, such as the page of a proxy before it: the request is then retried. */
  readonly isAnswer?: (response: HttpResponse) => boolean;
  /** One attempt alone, whose answer counts whatever it is. */
  readonly once?: boolean;
  /** True for a refusal that a retry would not change, though its status means "not now". */
  readonly isFinal?: (response: HttpResponse) => boolean;
  /** The server's message in an answer that means "not now", as one short line for the error. */
  readonly describe?: (response: HttpResponse) => string | undefined;
  /** An answer with more bytes is refused; default 64 MiB. */
  readonly mostBytes?: number;
  /** Credentials for an attempt, requested anew for each. */
  authorize(): Promise<{ headers: Readonly<Record<string, string | string[]>>; dispatcher: Dispatcher }>;
}

const MOST_BYTES = 64 * 1024 * 1024;

/** Statuses that mean "not now": RFC 9110, and the API server's own throttling. */
const retryable = new Set([429, 500, 502, 503, 504]);

/**
 * Sends a request, and retries it with growing pauses until the deadline while the server is away or answers "not now". Every
 * request of Sluice may be repeated.
 *
 * @throws SluiceError `unreachable` if no usable answer came in time; the signal's reason when it aborts.
 */
export async function send(call: HttpRequest, policy: HttpPolicy): Promise<HttpResponse> {
  const limit = startLimit(policy.deadline);
  const signal = AbortSignal.any([policy.signal, limit.signal]);
  let lastAnswer = 'no answer';
  try {
    return await pRetry(
      async () => {
        const response = await attempt(call, policy, signal).catch((error: unknown) => {
          if (error instanceof SluiceError) throw new AbortError(error);
          if (isDistrust(error)) throw new AbortError(distrusted(policy, error));
          lastAnswer = reasonOf(error);
          throw error instanceof Error ? error : new Error(lastAnswer);
        });
        const isAnswer = policy.isAnswer?.(response) ?? true;
        const isFinal = policy.once || !retryable.has(response.status) || policy.isFinal?.(response) === true;
        if (isAnswer && isFinal) return response;
        const words = policy.describe?.(response);
        lastAnswer = `HTTP ${response.status}${isAnswer ? '' : ' with something else than an answer'}${words === undefined ? '' : `: ${words}`}`;
        await systemClock.sleep(retryAfter(response), signal);
        throw new Error(lastAnswer);
      },
      {
        retries: policy.once ? 0 : Number.POSITIVE_INFINITY,
        minTimeout: 100,
        maxTimeout: 2_000,
        factor: 2,
        randomize: true,
        signal,
      },
    );
  } catch (error) {
    policy.signal.throwIfAborted();
    if (error instanceof SluiceError) throw error;
    throw unreachable(call, policy, lastAnswer, error);
  } finally {
    limit.stop();
  }
}

/**
 * As `AbortSignal.timeout`, with a timer that can be stopped: one that goes on after its request keeps all that the request
 * knew, and ends in an error that nobody reads.
 */
function startLimit(milliseconds: number) {
  const limit = new AbortController();
  const over = () => limit.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  const timer = setTimeout(over, milliseconds);
  return { signal: limit.signal, stop: () => clearTimeout(timer) };
}

/**
 * Opens a response whose body arrives over time (a watch). One attempt. `signal` also ends the body, and so do `silence`
 * milliseconds without a byte.
 *
 * @throws SluiceError `unreachable` if the connection fails.
 */
export async function open(call: HttpRequest, policy: HttpPolicy, silence: number): Promise<Dispatcher.ResponseData> {
  const { headers, dispatcher } = await policy.authorize();
  try {
    return await dispatcher.request({
      ...targetOf(call),
      headers: { ...call.headers, ...headers },
      signal: policy.signal,
      headersTimeout: policy.attemptTimeout,
      bodyTimeout: silence,
    });
  } catch (error) {
    policy.signal.throwIfAborted();
    throw unreachable(call, policy, reasonOf(error), error);
  }
}

/** What became of one request: any answer, of which no more than the first bytes are read; or why there is none. */
export type Attempt =
  | { readonly kind: 'answer'; readonly response: HttpResponse }
  | { readonly kind: 'late' }
  | { readonly kind: 'failed'; readonly error: SluiceError };

/**
 * Sends a request once, and waits for its answer until the deadline. At most `mostBytes` of a body are read; then the connection
 * is closed. A redirect is an answer.
 *
 * @throws the signal's reason when it aborts; SluiceError where credentials can't be had
 */
export async function sendOnce(call: HttpRequest, policy: HttpPolicy): Promise<Attempt> {
  const { headers, dispatcher } = await policy.authorize();
  const limit = startLimit(policy.deadline);
  try {
    const response = await dispatcher.request({
      ...targetOf(call),
      headers: { ...call.headers, ...headers },
      body: call.body ?? null,
      signal: AbortSignal.any([policy.signal, limit.signal]),
    });
    const body = await beginningOf(response.body, policy.mostBytes ?? MOST_BYTES);
    return { kind: 'answer', response: { status: response.statusCode, headers: response.headers, body } };
  } catch (error) {
    policy.signal.throwIfAborted();
    if (limit.signal.aborted) return { kind: 'late' };
    const failure = isDistrust(error) ? distrusted(policy, error) : unreachable(call, policy, reasonOf(error), error);
    return { kind: 'failed', error: failure };
  } finally {
    limit.stop();
  }
}

/** The text of the first bytes of a body. To leave the loop closes the connection. */
async function beginningOf(body: AsyncIterable<Uint8Array>, most: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk.subarray(0, most - bytes));
    bytes += chunk.length;
    if (bytes > most) break;
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function targetOf({ method, url }: HttpRequest): Pick<Dispatcher.RequestOptions, 'method' | 'origin' | 'path'> {
  const { origin, pathname, search } = new URL(url);
  return { method, origin, path: `${pathname}${search}` };
}

async function attempt(call: HttpRequest, policy: HttpPolicy, signal: AbortSignal): Promise<HttpResponse> {
  const { headers, dispatcher } = await policy.authorize();
  const limit = startLimit(policy.attemptTimeout);
  try {
    const response = await dispatcher.request({
      ...targetOf(call),
      headers: { ...call.headers, ...headers },
      body: call.body ?? null,
      signal: AbortSignal.any([signal, limit.signal]),
    });
    return { status: response.statusCode, headers: response.headers, body: await bodyOf(call, response.body, policy) };
  } finally {
    limit.stop();
  }
}

/** The text of a body. Refuses one that is too long, so that no answer can fill the memory. */
async function bodyOf(call: HttpRequest, body: AsyncIterable<Uint8Array>, policy: HttpPolicy): Promise<string> {
  const { mostBytes = MOST_BYTES } = policy;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > mostBytes) {
      throw new SluiceError('unsupported', {
        about: policy.server,
        problem: `answered ${call.method} ${new URL(call.url).pathname} with more than ${Math.floor(mostBytes / 1024 / 1024)} MiB, which is not read.`,
        next: 'Check the address, or let it show less.',
      });
    }
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function unreachable(call: HttpRequest, policy: HttpPolicy, answer: string, cause: unknown): SluiceError {
  const path = new URL(call.url).pathname;
  return new SluiceError('unreachable', {
    about: policy.server,
    problem: `did not answer ${call.method} ${path} within ${policy.deadline / 1_000} s (${answer}).`,
    next: policy.next,
    cause,
  });
}

/**
 * Whether a certificate was refused, by either side, which no retry would change. Corrupted bytes also have a code that begins
 * with ERR_SSL_, but may be retried. Codes: https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
function isDistrust(error: unknown): error is Error {
  const code = codeOf(error);
  if (code === undefined) return false;
  if (/^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA)/.test(code)) return true;
  return /^ERR_SSL_.*_ALERT_(.*CERTIFICATE|UNKNOWN_CA)/.test(code);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function distrusted(policy: HttpPolicy, cause: Error): SluiceError {
  return new SluiceError('unreachable', {
    about: policy.server,
    problem: `shows no certificate that can be trusted (${cause.message}).`,
    next: 'Give the certificate authority that signed it, and the host name that it was issued for.',
    cause,
  });
}

/** Milliseconds that the server asks to wait; zero if it does not say, as the back-off waits anyway. */
function retryAfter(response: HttpResponse): number {
  const seconds = Number(response.headers['retry-after']);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), 30) * 1_000 : 0;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'connection failed';
  if (error.name === 'TimeoutError') return 'timed out';
  const code = codeOf(error);
  // OpenSSL's messages name its source files, which do not help a user.
  return code?.startsWith('ERR_SSL_') ? code : error.message || code || error.name;
}
