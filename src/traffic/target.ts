import { type Forwarded, isKeptByApiServer, keptHeader, verbOf } from '../cluster/forward.ts';
import { SluiceError } from '../core/errors.ts';
import { type HttpRequest, type HttpResponse, sendOnce } from '../core/http.ts';
import type { Permission } from '../core/permission.ts';
import { type Connection, parseAddress, type RemoteWorld } from '../remote/connection.ts';
import { createSignIn, nameOf } from '../remote/sign-in.ts';

/** One request of a list. */
export interface LoadRequest {
  readonly method: HttpRequest['method'];
  /** With its query, beginning with a slash. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/** What became of a request. `unreached` speaks against who should have answered; `unsent` says nothing of it. */
export type Reply =
  | ({ readonly kind: 'answer' } & Pick<HttpResponse, 'status' | 'headers'>)
  | { readonly kind: 'late' }
  | { readonly kind: 'unreached' | 'unsent'; readonly reason: string };

/** A server that gets requests of our own. */
export interface LoadTarget {
  /** `the service at http://…`, for logs and errors. */
  readonly name: string;
  /** Requests go through the API server, which others need as well. */
  readonly isThroughApiServer: boolean;
  /** The rights to send requests of these methods. */
  permissions(methods: readonly LoadRequest['method'][]): readonly Permission[];
  /**
   * Sends a request once, and waits for its answer so many milliseconds. Redirects are not followed.
   *
   * @throws SluiceError where credentials or rights are missing; the signal's reason when it aborts
   */
  send(request: LoadRequest, timeout: number, signal: AbortSignal): Promise<Reply>;
}

/** Bytes of an answer that are read: the rest of a longer one is not waited for. */
const MOST_BYTES = 64 * 1024;

/**
 * The server at an address. Sends no request yet. The kubeconfig's credentials go to the API server alone; those of a connection
 * to the address of the connection alone.
 *
 * @param product for logs and errors: `the service at`
 * @throws SluiceError `invalid-input` for an address that can't be used, or settings that contradict it
 */
export function openTarget(product: string, connection: Connection, { client, env }: RemoteWorld): LoadTarget {
  const address = parseAddress(connection.address, product);
  const { authorization, tls, headers: login = {} } = connection;
  const name = nameOf({ product, connection });
  if (authorization?.kind === 'sigv4')
    throw refused(name, 'is to be asked with signed requests, which is not supported.');
  if (address.kind === 'service') {
    if (authorization || tls)
      throw refused(name, 'goes through the API server, which keeps credentials and certificates for itself.');
    const odd = Object.keys(login).find(isKeptByApiServer);
    if (odd !== undefined) throw keptHeader(odd);
    if (!client) throw new TypeError('a k8s:// address needs a Kubernetes client');
    const { service, port, prefix } = address;
    return {
      name,
      isThroughApiServer: true,
      permissions: (methods) => [
        {
          apiGroup: '',
          resource: 'services',
          subresource: 'proxy',
          verbs: [...new Set(methods.map(verbOf))],
          namespace: service.namespace,
        },
      ],
      async send({ path, headers, body, method }, timeout, signal) {
        const request = { method, port, path: `${prefix}${path}`, headers: { ...headers, ...login } };
        const limits = { deadline: timeout, mostBytes: MOST_BYTES };
        const given = { ...request, ...(body !== undefined && { body }) };
        return replyOf(await client.forward(service, given, limits, signal));
      },
    };
  }
  const signIn = createSignIn(address.url, { product, connection }, { env, credentials: undefined });
  return {
    name,
    isThroughApiServer: false,
    permissions: () => [],
    async send({ path, body, ...request }, timeout, signal) {
      const url = `${address.url}${path}`;
      const attempt = await sendOnce(
        { ...request, url, ...(body !== undefined && { body }) },
        {
          server: name,
          next: 'Check the address, and that it can be reached from this runner; k8s://namespace/service:port goes through the API server.',
          attemptTimeout: timeout,
          deadline: timeout,
          mostBytes: MOST_BYTES,
          signal,
          authorize: () => signIn(url),
        },
      );
      return attempt.kind === 'failed' ? { kind: 'unreached', reason: attempt.error.problem } : replyOf(attempt);
    },
  };
}

/** Without the body, of which nobody needs more than that it came: there may be thousands of answers. */
function replyOf(forwarded: Forwarded): Reply {
  if (forwarded.kind !== 'answer') return forwarded;
  const { status, headers } = forwarded.response;
  return { kind: 'answer', status, headers };
}

function refused(about: string, problem: string): SluiceError {
  return new SluiceError('invalid-input', {
    about,
    problem,
    next: 'Give an http(s) address with a token, a user name or headers, or a k8s:// address without a login.',
  });
}
