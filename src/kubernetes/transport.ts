import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from 'undici';
import { SluiceError } from '../canary/errors.ts';

export interface Connection {
  /** `https://10.0.0.1:6443`, without a slash at its end. */
  readonly server: string;
  /** Credentials and TLS settings of this very moment: expired ones are renewed before they are handed out. */
  authorize(): Promise<Authorization>;
  /** Forgets credentials that the server does not accept (any more): the next ones come from the kubeconfig as it is then. */
  renew(): void;
  close(): Promise<void>;
}

interface Authorization {
  readonly headers: Record<string, string>;
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
 * The connection to the API server that a kubeconfig describes: one pool of kept-alive sockets, made anew only when the
 * certificates change. `reload` reads the kubeconfig anew. HTTPS_PROXY, HTTP_PROXY and NO_PROXY are respected; a `proxy-url` of the kubeconfig wins over them.
 */
export function connect(initial: KubeConfig, env: Environment, reload: () => KubeConfig = () => initial): Connection {
  const cluster = initial.getCurrentCluster();
  const server = (cluster?.server ?? '').replace(/\/+$/, '');
  let config = initial;
  let pool: { fingerprint: string; dispatcher: Dispatcher } | undefined;
  let underWay: Promise<Authorization> | undefined;

  async function authorize(): Promise<Authorization> {
    const options: RequestOptions = {};
    try {
      await config.applyToHTTPSOptions(options);
    } catch (cause) {
      throw new SluiceError('forbidden', {
        about: `credentials for ${server}`,
        problem: `could not be obtained (${cause instanceof Error ? firstLine(cause.message) : 'unknown error'}).`,
        next: 'Check the user entry of the kubeconfig: its exec plugin, token file or certificate.',
      });
    }
    const tls = tlsOptions(options);
    const fingerprint = fingerprintOf(tls);
    if (pool?.fingerprint !== fingerprint) {
      void pool?.dispatcher.close();
      pool = { fingerprint, dispatcher: createDispatcher(tls, cluster?.proxyUrl, env) };
    }
    return { headers: authorizationHeaders(options), dispatcher: pool.dispatcher };
  }

  return {
    server,
    // Requests that begin together share one call of an exec plugin.
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

/**
 * A pool of kept-alive connections with these TLS settings, through the proxy that the environment or `proxyUrl` names.
 */
export function createDispatcher(tls: TlsOptions, proxyUrl: string | undefined, env: Environment): Dispatcher {
  const connectOptions = { ...tls, keepAlive: true, timeout: 5_000 };
  const httpsProxy = proxyUrl ?? env.https_proxy ?? env.HTTPS_PROXY;
  const httpProxy = proxyUrl ?? env.http_proxy ?? env.HTTP_PROXY;
  // Over HTTP/2, undici 8 ends watches by an error that nobody can catch (`socket idle timeout`).
  const allowH2 = false;
  if (!httpsProxy && !httpProxy) return new Agent({ allowH2, connect: connectOptions });
  if (proxyUrl) return new ProxyAgent({ allowH2, uri: proxyUrl, requestTls: connectOptions });
  return new EnvHttpProxyAgent({
    allowH2,
    httpProxy,
    httpsProxy,
    noProxy: env.no_proxy ?? env.NO_PROXY ?? '',
    connect: connectOptions,
    requestTls: connectOptions,
  });
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

function fingerprintOf(tls: TlsOptions): string {
  const hash = createHash('sha256');
  for (const part of [tls.ca, tls.cert, tls.key, tls.servername, tls.rejectUnauthorized]) hash.update(`${part}\n`);
  return hash.digest('hex');
}

function authorizationHeaders(options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value);
  if (options.auth) headers.Authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return headers;
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
