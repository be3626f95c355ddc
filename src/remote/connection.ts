import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { ApiError } from '../cluster/errors.ts';
import { isKeptByApiServer, keptHeader } from '../cluster/forward.ts';
import { type ObjectReference, resources } from '../cluster/resources.ts';
import { isSluiceError, SluiceError } from '../core/errors.ts';
import { type HttpPolicy, send } from '../core/http.ts';
import { tryParseJson } from '../core/json.ts';
import type { Permission } from '../core/permission.ts';
import { trimEndOf } from '../core/text.ts';
import { type Refusal, wordsOf } from './refusal.ts';
import { createSignIn, nameOf, type Server } from './sign-in.ts';
import { awsCredentials, type SigningScope } from './sigv4.ts';

/** How a server that answers HTTP is reached. */
export interface Connection {
  /** `http(s)://host:port/prefix`, or `k8s://namespace/service:port/prefix` through the API server's service proxy. */
  readonly address: string;
  readonly authorization?:
    | { readonly kind: 'bearer'; readonly token: string }
    /** Read again for every request, as projected tokens are renewed in place. */
    | { readonly kind: 'bearer-file'; readonly path: string }
    | { readonly kind: 'basic'; readonly username: string; readonly password: string }
    /** Each request is signed with the credentials of the environment (AWS_ACCESS_KEY_ID and its like). */
    | ({ readonly kind: 'sigv4' } & SigningScope);
  /** PEM, or paths of PEM files that are read again when they change. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Such as `X-Scope-OrgID`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What it takes to reach a server. */
export interface RemoteWorld {
  /** Needed for `k8s://` addresses. */
  readonly client?: KubernetesClient;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A server that is asked by GET alone. */
export interface RemoteServer {
  /** `Prometheus http://…`, for logs and errors. */
  readonly name: string;
  /** The right to go through the API server, where the address does. */
  readonly permissions: readonly Permission[];
  readonly ask: Ask;
  /** The same by one attempt alone, whose answer counts whatever its status is: for probes. */
  readonly askOnce: Ask;
}

/**
 * The server at an address. Sends no request yet.
 *
 * @param product for logs and errors: `Prometheus`
 * @throws SluiceError `invalid-input` for an address that can't be used, or settings that contradict it
 */
export function reach(product: string, connection: Connection, { client, env }: RemoteWorld): RemoteServer {
  const address = parseAddress(connection.address, product);
  const server = { product, connection };
  return address.kind === 'service'
    ? {
        name: nameOf(server),
        permissions: [proxyPermission(address.service)],
        ask: throughService(address, server, client),
        askOnce: throughService(address, server, client, true),
      }
    : {
        name: nameOf(server),
        permissions: [],
        ask: directly(address.url, server, env),
        askOnce: directly(address.url, server, env, true),
      };
}

function proxyPermission({ namespace }: ObjectReference): Permission {
  return { apiGroup: '', resource: 'services', subresource: 'proxy', verbs: ['get'], namespace };
}

const ATTEMPT_TIMEOUT = 5_000;
const DEADLINE = 10_000;

type Address =
  | { kind: 'url'; url: string }
  | { kind: 'service'; service: ObjectReference; port: string; prefix: string };
/** Requests a path. Any answer of the server is a result, be it data or a refusal. */
type Ask = (path: string, signal: AbortSignal) => Promise<Refusal>;

/** @throws SluiceError `invalid-input` */
export function parseAddress(address: string, product: string): Address {
  const service = /^k8s:\/\/([a-z0-9-]+)\/((?:https?:)?[a-z0-9-]+):([a-z0-9-]+)(\/[^?#]*)?$/.exec(address);
  if (service) {
    const [, namespace = '', name = '', port = '', prefix = ''] = service;
    return {
      kind: 'service',
      service: { type: resources.service, namespace, name },
      port,
      prefix: trimEndOf(prefix, '/'),
    };
  }
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new SluiceError('invalid-input', {
      about: `address of ${product}`,
      problem: 'is neither an http(s) URL nor of the form k8s://namespace/service:port.',
      next: `Give for example https://${exampleName(product)}.example.com or k8s://monitoring/${exampleName(product)}:http.`,
    });
  }
  if (url.username !== '' || url.password !== '' || url.search !== '') {
    throw new SluiceError('invalid-input', {
      about: `address of ${product}`,
      problem: 'holds credentials or a query string, which would show in logs.',
      next: 'Give the credentials in the inputs made for them, and the address without them.',
    });
  }
  return { kind: 'url', url: `${url.origin}${trimEndOf(url.pathname, '/')}` };
}

/** Asks by the API server's proxy to a Service. */
function throughService(
  { service, port, prefix }: Extract<Address, { kind: 'service' }>,
  server: Server,
  client: KubernetesClient | undefined,
  once = false,
): Ask {
  const { product, connection } = server;
  const odd = Object.keys(connection.headers ?? {}).find(isKeptByApiServer);
  if (odd !== undefined && odd.toLowerCase() !== 'authorization') throw keptHeader(odd);
  if (connection.authorization || connection.tls || odd !== undefined) {
    throw new SluiceError('invalid-input', {
      about: `address ${connection.address}`,
      problem: 'goes through the API server, which keeps the Authorization header and client certificates for itself.',
      next: `Leave out the credentials of ${product}, or give an http(s) address.`,
    });
  }
  if (!client) throw new TypeError('a k8s:// address needs a Kubernetes client');
  return async (path, signal) => {
    const deadline = AbortSignal.timeout(DEADLINE);
    try {
      const bounded = AbortSignal.any([signal, deadline]);
      const request = { port, path: `${prefix}${path}`, headers: connection.headers, once };
      const body = await client.proxy(service, request, bounded);
      return { status: 200, body };
    } catch (error) {
      signal.throwIfAborted();
      // The API server passes on what the server says; its own refusals are objects of kind Status.
      if (error instanceof ApiError && (!isStatus(error.body) || (once && saysUnreachable(error.status))))
        return { status: error.status, body: error.body };
      if (isSluiceError(error) && error.code !== 'unreachable') throw error;
      throw new SluiceError('unreachable', {
        about: nameOf(server),
        problem: `did not answer through the API server within ${DEADLINE / 1_000} s.`,
        next: 'Check that the Service exists, has ready endpoints and serves this port.',
        cause: error,
      });
    }
  };
}

function directly(url: string, server: Server, env: RemoteWorld['env'], once = false): Ask {
  const { product, connection } = server;
  const credentials = connection.authorization?.kind === 'sigv4' ? awsCredentials(env, product) : undefined;
  const authorize = createSignIn(url, server, { env, credentials });

  return async (path, signal) => {
    const secrets = new Set<string>();
    const hidden = (text: string) => [...secrets].reduce((left, secret) => left.replaceAll(secret, '***'), text);
    const request = {
      method: 'GET' as const,
      url: `${url}${credentials ? withoutPlus(path) : path}`,
      headers: { accept: 'application/json' },
    };
    const policy: HttpPolicy = {
      server: nameOf(server),
      next: 'Check the address, and that it can be reached from this runner; k8s://namespace/service:port goes through the API server.',
      attemptTimeout: once ? DEADLINE : ATTEMPT_TIMEOUT,
      deadline: DEADLINE,
      once,
      signal,
      describe: ({ body }) => wordsOf(hidden(body)),
      async authorize() {
        const authorized = await authorize(request.url);
        const { authorization, 'x-amz-security-token': session = '' } = authorized.headers;
        // A server may quote the request in its answer, and the token must not get into the log.
        for (const secret of [...(authorization?.split(' ').slice(1) ?? []), session])
          if (secret !== '') secrets.add(secret);
        return authorized;
      },
    };
    const { status, body, headers } = await send(request, policy);
    const { location } = headers;
    const isData = status < 300;
    return { status, body: isData ? body : hidden(body), ...(typeof location === 'string' && { location }) };
  };
}

/** Spaces of a query string as `%20`: in signatures, AWS reads `+` as a plus. */
function withoutPlus(path: string): string {
  const [before = '', ...query] = path.split('?');
  return [before, ...query.map((part) => part.replaceAll('+', '%20'))].join('?');
}

/** What the API server's proxy answers where it does not reach a Service. */
function saysUnreachable(status: number): boolean {
  return [502, 503, 504].includes(status);
}

function isStatus(body: string): boolean {
  return z.object({ kind: z.literal('Status') }).safeParse(tryParseJson(body)).success;
}

function exampleName(product: string): string {
  return product.toLowerCase();
}
