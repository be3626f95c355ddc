import { SluiceError } from '../core/errors.ts';
import { type Attempt, type HttpRequest, type HttpResponse, sendOnce } from '../core/http.ts';
import { isRecord, tryParseJson } from '../core/json.ts';
import { excerpt } from '../core/text.ts';
import { addressOn, proxyPath } from './addresses.ts';
import { refusal, wordsOf } from './errors.ts';
import type { ObjectReference } from './resources.ts';
import type { Connection } from './transport.ts';

/** A request that a Service gets through the API server's proxy. */
export interface ForwardedRequest extends Omit<HttpRequest, 'url'> {
  /** Number or name. */
  readonly port: string;
  /** With its query, beginning with a slash. */
  readonly path: string;
}

/** How long one request may take, in milliseconds, and how many bytes of its answer are read. */
export interface ForwardLimits {
  readonly deadline: number;
  readonly mostBytes: number;
}

/** What became of it. `unreached`: the API server says that nothing answers behind the Service. `unsent`: it did not pass the request on. */
export type Forwarded =
  | Exclude<Attempt, { readonly kind: 'failed' }>
  | { readonly kind: 'unreached' | 'unsent'; readonly reason: string };

/** Headers that the API server reads itself: with them, a request would be another one than it looks. */
const kept =
  /^(?:authorization|impersonate-.*|x-remote-.*|connection|upgrade|host|content-length|transfer-encoding|te)$/i;

/** Whether the API server would read a header instead of passing it on. */
export function isKeptByApiServer(header: string): boolean {
  return kept.test(header);
}

export function keptHeader(header: string): SluiceError {
  return new SluiceError('invalid-input', {
    about: `header ${excerpt(header, 100)}`,
    problem: 'is read by the API server, and does not reach the Service behind it.',
    next: 'Leave it out, or ask the Service by a URL.',
  });
}

/** What proxies and the API server answer where they do not reach a Service. */
const unreached = [502, 503, 504];

/**
 * One request through the API server's proxy to a Service, without a second attempt.
 *
 * @throws SluiceError `invalid-input` for a path that leads out of the Service; ApiError `forbidden` or `not-found` where the API
 *   server itself refuses it
 */
export function createForward(connection: Connection) {
  return async (
    target: ObjectReference,
    { port, path, headers = {}, ...request }: ForwardedRequest,
    limits: ForwardLimits,
    signal: AbortSignal,
  ): Promise<Forwarded> => {
    const url = addressOn(connection.server, proxyPath(target, port, path));
    const odd = Object.keys(headers).find(isKeptByApiServer);
    if (odd !== undefined) throw keptHeader(odd);
    const send = () =>
      sendOnce(
        { ...request, url, headers },
        {
          ...limits,
          server: `Kubernetes API server ${connection.server}`,
          next: 'Check that the cluster is reachable from this runner (server address, proxy, firewall).',
          attemptTimeout: limits.deadline,
          signal,
          authorize: connection.authorize,
        },
      );
    let attempt = await send();
    if (attempt.kind === 'answer' && attempt.response.status === 401 && isRefusal(attempt.response)) {
      // A long run may outlive its credentials. The Service has not seen this request.
      connection.renew();
      attempt = await send();
    }
    if (attempt.kind === 'failed') return { kind: 'unsent', reason: attempt.error.message };
    // The API server passes on what the Service says; its own refusals are objects of kind Status.
    if (attempt.kind === 'late' || !isRefusal(attempt.response)) return attempt;
    const { response } = attempt;
    const reason = wordsOf(response) ?? `HTTP ${response.status}`;
    if (unreached.includes(response.status)) return { kind: 'unreached', reason };
    if (response.status === 429) return { kind: 'unsent', reason };
    throw refusal({ verb: verbOf(request.method), reference: target, subresource: 'proxy' }, response);
  };
}

const verbs = { GET: 'get', HEAD: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const;

/** The verb that Kubernetes asks for a method: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb */
export function verbOf(method: HttpRequest['method']): string {
  return verbs[method];
}

function isRefusal({ status, body }: HttpResponse): boolean {
  if (status < 400) return false;
  const json = tryParseJson(body);
  return isRecord(json) && json.kind === 'Status' && json.apiVersion === 'v1';
}
