import { readFile } from 'node:fs/promises';
import type { Dispatcher } from 'undici';
import * as z from 'zod';
import { SluiceError } from '../canary/errors.ts';
import type { Permission } from '../canary/ports.ts';
import { type HttpPolicy, send } from '../http.ts';
import { ApiError, type KubernetesClient } from '../kubernetes/client.ts';
import { type ObjectReference, resources } from '../kubernetes/resources.ts';
import { createDispatcher } from '../kubernetes/transport.ts';

/** How a Prometheus, or what speaks its HTTP API (Thanos, Mimir, VictoriaMetrics), is reached. */
export interface PrometheusConnection {
  /** `http(s)://host:port/prefix`, or `k8s://namespace/service:port/prefix` through the API server's service proxy. */
  readonly address: string;
  readonly authorization?:
    | { readonly kind: 'bearer'; readonly token: string }
    /** Read again for every request, as projected tokens are renewed in place. */
    | { readonly kind: 'bearer-file'; readonly path: string }
    | { readonly kind: 'basic'; readonly username: string; readonly password: string };
  /** PEM, or paths of PEM files that are read again when they change. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Such as `X-Scope-OrgID`. */
  readonly headers?: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

const ATTEMPT_TIMEOUT = 5_000;
const DEADLINE = 10_000;

const sample = z.tuple([z.number(), z.string()]);
const labels = z.record(z.string(), z.string());
const success = z.object({ status: z.literal('success'), warnings: z.array(z.string()).optional(), data: z.unknown() });
const failure = z.object({ status: z.literal('error'), errorType: z.string().default(''), error: z.string() });

const result = z.discriminatedUnion('resultType', [
  // A native histogram has `histograms` in the place of `values`.
  z.object({
    resultType: z.literal('matrix'),
    result: z.array(z.object({ metric: labels, values: z.array(sample).default([]) })),
  }),
  z.object({
    resultType: z.literal('vector'),
    result: z.array(z.object({ metric: labels, value: sample.optional() })),
  }),
  z.object({ resultType: z.literal('scalar'), result: sample }),
  z.object({ resultType: z.literal('string'), result: sample }),
]);

export type QueryResult = z.infer<typeof result>;

/** An answer and what the server says against it: that a store did not answer, so that data are missing. */
export interface Answer<T> {
  readonly data: T;
  readonly warnings: readonly string[];
}

/**
 * The part of Prometheus' HTTP API that is needed (https://prometheus.io/docs/prometheus/latest/querying/api/).
 *
 * Errors are SluiceError: `bad-query` with the query and what Prometheus says of it, `unreachable`, `forbidden`, and
 * `not-found` where something else than Prometheus answers.
 *
 * @param client Needed for `k8s://` addresses.
 * @throws SluiceError `invalid-input` for an address that can't be used, or settings that contradict it.
 */
export function createPrometheusApi(
  connection: PrometheusConnection,
  { client, env }: { readonly client?: KubernetesClient; readonly env: Environment },
) {
  const address = parseAddress(connection.address);
  const name = `Prometheus ${connection.address}`;
  const ask =
    address.kind === 'service' ? throughService(address, connection, client) : directly(address.url, connection, env);

  async function call<S extends z.ZodType>(
    path: string,
    parameters: Readonly<Record<string, string>>,
    shape: S,
    signal: AbortSignal,
  ): Promise<Answer<z.infer<S>>> {
    const { status, body } = await ask(`/api/v1/${path}?${new URLSearchParams(parameters)}`, signal);
    const parsed = z.union([success, failure]).safeParse(parseJson(body));
    if (parsed.success && parsed.data.status === 'success' && status < 300) {
      const data = shape.safeParse(parsed.data.data);
      if (data.success) return { data: data.data, warnings: parsed.data.warnings ?? [] };
    }
    const refusal = parsed.data?.status === 'error' ? parsed.data.error : undefined;
    throw refused(name, status, refusal, parameters.query ?? parameters['match[]']);
  }

  return {
    /** `Prometheus http://…`, for logs and errors. */
    name,
    permissions: address.kind === 'service' ? [proxyPermission(address.service)] : [],
    /** Evaluates an expression now. */
    query(query: string, signal: AbortSignal): Promise<Answer<QueryResult>> {
      return call('query', { query }, result, signal);
    },
    /** The values of a label: of the series that a selector picks, and since a time (milliseconds), where given. */
    async labelValues(
      label: string,
      selector: string | undefined,
      since: number | undefined,
      signal: AbortSignal,
    ): Promise<string[]> {
      const parameters = { ...(selector !== undefined && { 'match[]': selector }), ...startOf(since) };
      return (await call(`label/${label}/values`, parameters, z.array(z.string()), signal)).data;
    },
    /** The labels of the series that a selector picked since a time (milliseconds): no more than 10,000 of them. */
    async series(selector: string, since: number, signal: AbortSignal): Promise<Record<string, string>[]> {
      const parameters = { 'match[]': selector, limit: '10000', ...startOf(since) };
      return (await call('series', parameters, z.array(labels), signal)).data;
    },
  };
}

function proxyPermission({ namespace }: ObjectReference): Permission {
  return { apiGroup: '', resource: 'services', subresource: 'proxy', verbs: ['get'], namespace };
}

function startOf(since: number | undefined): Record<string, string> {
  return since === undefined ? {} : { start: String(since / 1_000) };
}

type Address =
  | { kind: 'url'; url: string }
  | { kind: 'service'; service: ObjectReference; port: string; prefix: string };
type Ask = (path: string, signal: AbortSignal) => Promise<{ status: number; body: string }>;

function parseAddress(address: string): Address {
  const service = /^k8s:\/\/([a-z0-9-]+)\/((?:https?:)?[a-z0-9-]+):([a-z0-9-]+)(\/.*)?$/.exec(address);
  if (service) {
    const [, namespace = '', name = '', port = '', prefix = ''] = service;
    return {
      kind: 'service',
      service: { type: resources.service, namespace, name },
      port,
      prefix: prefix.replace(/\/+$/, ''),
    };
  }
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new SluiceError('invalid-input', {
      about: 'address of Prometheus',
      problem: 'is neither an http(s) URL nor of the form k8s://namespace/service:port.',
      next: 'Give for example http://prometheus.example.com:9090 or k8s://monitoring/prometheus:9090.',
    });
  }
  if (url.username !== '' || url.password !== '' || url.search !== '') {
    throw new SluiceError('invalid-input', {
      about: 'address of Prometheus',
      problem: 'holds credentials or a query string, which would show in logs.',
      next: 'Give the credentials in the inputs made for them, and the address without them.',
    });
  }
  return { kind: 'url', url: `${url.origin}${url.pathname.replace(/\/+$/, '')}` };
}

function throughService(
  { service, port, prefix }: Extract<Address, { kind: 'service' }>,
  connection: PrometheusConnection,
  client: KubernetesClient | undefined,
): Ask {
  const sendsAuthorization = Object.keys(connection.headers ?? {}).some(
    (name) => name.toLowerCase() === 'authorization',
  );
  if (connection.authorization || connection.tls || sendsAuthorization) {
    throw new SluiceError('invalid-input', {
      about: `address ${connection.address}`,
      problem: 'goes through the API server, which keeps the Authorization header and client certificates for itself.',
      next: 'Leave out the credentials of Prometheus, or give an http(s) address.',
    });
  }
  if (!client) throw new TypeError('a k8s:// address needs a Kubernetes client');
  return async (path, signal) => {
    const deadline = AbortSignal.timeout(DEADLINE);
    try {
      const bounded = AbortSignal.any([signal, deadline]);
      const body = await client.proxy(service, port, `${prefix}${path}`, bounded, connection.headers);
      return { status: 200, body };
    } catch (error) {
      signal.throwIfAborted();
      // The API server passes on what Prometheus says; its own refusals are objects of kind Status.
      if (error instanceof ApiError && !isStatus(error.body)) return { status: error.status, body: error.body };
      if (error instanceof ApiError) throw error;
      throw new SluiceError('unreachable', {
        about: `Prometheus ${connection.address}`,
        problem: `did not answer through the API server within ${DEADLINE / 1_000} s.`,
        next: 'Check that the Service exists, has ready endpoints and serves this port.',
        cause: error,
      });
    }
  };
}

function directly(url: string, connection: PrometheusConnection, env: Environment): Ask {
  let pool: { readonly key: string; readonly dispatcher: Dispatcher } | undefined;

  async function authorize() {
    const { ca, cert, key } = connection.tls ?? {};
    const tls = {
      ...(ca !== undefined && { ca: await pem(ca) }),
      ...(cert !== undefined && { cert: await pem(cert) }),
      ...(key !== undefined && { key: await pem(key) }),
    };
    const identity = JSON.stringify(tls);
    if (pool?.key !== identity) {
      void pool?.dispatcher.close();
      pool = { key: identity, dispatcher: createDispatcher(tls, undefined, env) };
    }
    return {
      headers: { ...connection.headers, ...(await authorizationHeader(connection)) },
      dispatcher: pool.dispatcher,
    };
  }

  return (path, signal) => {
    const policy: HttpPolicy = {
      server: `Prometheus ${connection.address}`,
      next: 'Check the address, and that it can be reached from this runner; k8s://namespace/service:port goes through the API server.',
      attemptTimeout: ATTEMPT_TIMEOUT,
      deadline: DEADLINE,
      signal,
      authorize,
    };
    return send({ method: 'GET', url: `${url}${path}`, headers: { accept: 'application/json' } }, policy);
  };
}

async function authorizationHeader({ authorization }: PrometheusConnection): Promise<Record<string, string>> {
  switch (authorization?.kind) {
    case undefined:
      return {};
    case 'bearer':
      return { authorization: `Bearer ${authorization.token}` };
    case 'bearer-file':
      return { authorization: `Bearer ${(await readOrRefuse(authorization.path, 'bearer token')).trim()}` };
    case 'basic': {
      const { username, password } = authorization;
      return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
    }
  }
}

async function pem(value: string): Promise<string> {
  return value.includes('-----BEGIN') ? value : await readOrRefuse(value, 'certificate');
}

async function readOrRefuse(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new SluiceError('invalid-input', {
      about: `${what} of Prometheus`,
      // What is no path may be the secret itself.
      problem: path.includes('\n') || path.length > 300 ? 'is no path.' : `can't be read from ${path}.`,
      next: 'Give the path of a readable file.',
      cause,
    });
  }
}

function refused(name: string, status: number, message: string | undefined, query: string | undefined): SluiceError {
  if (status === 401 || status === 403) {
    return new SluiceError('forbidden', {
      about: name,
      problem: `does not accept the credentials (HTTP ${status}).`,
      next: 'Check the token, user name or client certificate, and its right to query.',
    });
  }
  if (message !== undefined && query !== undefined) {
    return new SluiceError('bad-query', {
      about: `query ${query}`,
      problem: `was refused by ${name}: ${message}.`,
      next: 'Correct what the message names.',
    });
  }
  return new SluiceError('not-found', {
    about: name,
    problem: `answered HTTP ${status}${message === undefined ? ', which is no answer of the Prometheus HTTP API' : `: ${message}`}.`,
    next: 'Check the address and its path prefix (Mimir: /prometheus, VictoriaMetrics: /select/0/prometheus).',
  });
}

function isStatus(body: string): boolean {
  return z.object({ kind: z.literal('Status') }).safeParse(parseJson(body)).success;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is not Prometheus; the caller's schema says so.
    return undefined;
  }
}
