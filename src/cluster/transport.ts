import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { isSluiceError, SluiceError } from '../core/errors.ts';
import { excerpt, trimEndOf } from '../core/text.ts';
import type { Credentials } from './credentials.ts';
import { proxyFor } from './kubeconfig/proxy.ts';

export interface Connection {
  /** `https://10.0.0.1:6443`, without a trailing slash. */
  readonly server: string;
  /** The current credentials and TLS settings. Expired ones are renewed first. */
  authorize(): Promise<Authorization>;
  /** Forgets credentials that the server rejected: the next ones are read from the kubeconfig as it is then. */
  renew(): void;
  close(): Promise<void>;
}

interface Authorization {
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly dispatcher: Dispatcher;
}

interface TlsOptions {
  readonly ca?: RequestOptions['ca'];
  readonly cert?: RequestOptions['cert'];
  readonly key?: RequestOptions['key'];
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The connection to the API server that a kubeconfig describes: one pool of kept-alive sockets, created anew only when the
 * certificates change. `reload` reads the kubeconfig again. HTTPS_PROXY, HTTP_PROXY and NO_PROXY count as for kubectl; a
 * `proxy-url` of the kubeconfig has priority.
 *
 * @param mask receives tokens, passwords and keys from any source, before the first request uses them
 */
export function connect(
  initial: Credentials,
  env: Environment,
  reload: () => Credentials = () => initial,
  mask: (secrets: readonly string[]) => void = () => undefined,
): Connection {
  const cluster = initial.getCurrentCluster();
  const server = trimEndOf(cluster?.server ?? '', '/');
  let config = initial;
  let pool: { fingerprint: string; dispatcher: Dispatcher } | undefined;
  let underWay: Promise<Authorization> | undefined;

  async function authorize(): Promise<Authorization> {
    const options: RequestOptions = {};
    const limit = startLimit();
    try {
      await Promise.race([config.applyToHTTPSOptions(options), limit.reached]);
    } catch (cause) {
      throw notObtained(server, cause);
    } finally {
      limit.stop();
    }
    mask(secretsOf(options));
    const tls = tlsOptions(options);
    const fingerprint = fingerprintOf(tls);
    if (pool?.fingerprint !== fingerprint) {
      void pool?.dispatcher.close();
      pool = { fingerprint, dispatcher: createDispatcher(tls, server, env, cluster?.proxyUrl) };
    }
    return { headers: authorizationHeaders(options), dispatcher: pool.dispatcher };
  }

  return {
    server,
    // Concurrent requests share one call of an exec plugin.
    authorize() {
      underWay ??= authorize().finally(() => {
        underWay = undefined;
      });
      return underWay;
    },
    renew() {
      config = reload();
    },
    async close() {
      await pool?.dispatcher.destroy();
      pool = undefined;
    },
  };
}

/** The most milliseconds for an exec plugin, which may have to ask other services. */
const OBTAINED_WITHIN = 60_000;

/** A bare timer, as each request needs one: to abort a signal makes an error with its stack, which takes longer than the rest. */
function startLimit() {
  const { promise: reached, reject } = Promise.withResolvers<never>();
  const why = `nothing came within ${OBTAINED_WITHIN / 1_000} s`;
  const timer = setTimeout(() => reject(new Error(why)), OBTAINED_WITHIN);
  return { reached, stop: () => clearTimeout(timer) };
}

function notObtained(server: string, cause: unknown): SluiceError {
  const known = isSluiceError(cause) ? cause : undefined;
  return new SluiceError('forbidden', {
    about: `credentials for ${server}`,
    problem: `could not be obtained (${known ? known.problem.replace(/\.$/, '') : reasonOf(cause)}).`,
    next: known?.next ?? 'Check the user entry of the kubeconfig: its exec plugin, token file or certificate.',
  });
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown error';
  // A parser's message quotes the unreadable text, which may be a token.
  if (cause instanceof SyntaxError || cause instanceof TypeError) return 'what came is no credential';
  return excerpt(cause.message.split('\n')[0] ?? '', 300);
}

/**
 * A pool of kept-alive connections to a server with these TLS settings, through the proxy that `proxyUrl` names or, without it,
 * the environment.
 */
export function createDispatcher(tls: TlsOptions, server: string, env: Environment, proxyUrl?: string): Dispatcher {
  const connect = { ...tls, keepAlive: true, timeout: 5_000 };
  const uri = proxyUrl ?? proxyFor(new URL(server), env);
  // Over HTTP/2, undici 8 ends watches with an error that cannot be caught (`socket idle timeout`).
  const allowH2 = false;
  return uri === undefined ? new Agent({ allowH2, connect }) : new ProxyAgent({ allowH2, uri, requestTls: connect });
}

function tlsOptions(options: RequestOptions): TlsOptions {
  return {
    ...(options.ca !== undefined && { ca: options.ca }),
    ...(options.cert !== undefined && { cert: options.cert }),
    ...(options.key !== undefined && { key: options.key }),
    ...(options.servername !== undefined && { servername: options.servername }),
    ...(options.rejectUnauthorized !== undefined && { rejectUnauthorized: options.rejectUnauthorized }),
  };
}

/** Secrets from an exec plugin or a token file, which the kubeconfig itself does not hold. */
function secretsOf({ headers, auth, key }: RequestOptions): string[] {
  const sent = Object.entries(authorizationHeaders({ headers, ...(auth && { auth }) })).flatMap(([name, value]) =>
    name.toLowerCase() === 'authorization' ? [value].flat() : [],
  );
  return [
    ...sent.map((value) => value.replace(/^\S+\s+/, '')),
    ...(auth ? [auth.slice(auth.indexOf(':') + 1)] : []),
    ...(typeof key === 'string' || key instanceof Buffer ? [key.toString()] : []),
  ];
}

function fingerprintOf(tls: TlsOptions): string {
  const hash = createHash('sha256');
  for (const part of [tls.ca, tls.cert, tls.key, tls.servername, tls.rejectUnauthorized]) hash.update(`${part}\n`);
  return hash.digest('hex');
}

function authorizationHeaders(options: RequestOptions): Authorization['headers'] {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    headers[name] = typeof value === 'object' ? [...value] : String(value);
  }
  if (options.auth) headers.Authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return headers;
}
