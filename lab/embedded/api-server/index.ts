import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as yaml from 'yaml';
import { close, listen } from '../sockets.ts';
import { createAdmission } from './admission.ts';
import { everything, isAllowed, type User } from './authorization.ts';
import { discover } from './discovery.ts';
import { createFaults, type Fault } from './faults.ts';
import { hasLogs, serveLog } from './logs.ts';
import { type JsonRecord, type KubeObject, recordOf, textOf } from './objects.ts';
import { managerOf, operate } from './operations.ts';
import { serveProxy } from './proxy.ts';
import { createRegistry } from './registry.ts';
import { parseRequest, type RequestInfo } from './request-info.ts';
import { findKind, namespaces, qualifiedName } from './resources.ts';
import { forbidden, noSuchPath, StatusError, unauthorized } from './status.ts';
import { createStorage } from './storage.ts';
import { serveWatch } from './watch.ts';

/** One request and its answer, for tests. */
export interface AuditEntry {
  /** The time of the request, in milliseconds since the epoch. */
  readonly at: number;
  readonly user: string;
  readonly verb: string;
  /** `deployments.apps`; a path for requests outside resources. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldManager: string;
  readonly dryRun: boolean;
  readonly contentType: string;
  readonly body: string;
  /** HTTP status; 0 if the connection was dropped. */
  readonly status: number;
}

export interface ApiServerOptions {
  readonly clock?: { now(): number };
  /** For the suffixes of generated names. */
  readonly random?: () => number;
  /** How many changes are kept for watches to resume from; default 10,000. */
  readonly history?: number;
  /** Milliseconds between bookmarks; default 60,000, as on the real server. */
  readonly bookmarkInterval?: number;
}

export type ApiServer = Awaited<ReturnType<typeof startApiServer>>;

const adminToken = 'embedded-admin-token';
const anonymous: User = { name: 'system:anonymous', token: '', groups: ['system:unauthenticated'], rules: [] };

/**
 * A double of the Kubernetes API server on a loopback port: generic objects with the semantics that clients rely on (see the
 * contract tests), users with rules, injectable faults and an audit log. The namespaces `default` and `kube-system` exist.
 */
export async function startApiServer(options: ApiServerOptions = {}) {
  const { clock = Date, random = Math.random, history = 10_000, bookmarkInterval = 60_000 } = options;
  const storage = createStorage(history);
  const admission = createAdmission();
  const registry = createRegistry(storage, clock, random, admission);
  const faults = createFaults();
  const audit: AuditEntry[] = [];
  const users = new Map<string, User>();
  let openWatches = 0;
  setUser({ name: 'admin', token: adminToken, groups: ['system:masters'], rules: [everything] });
  for (const name of ['default', 'kube-system']) {
    const manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    registry.create(namespaces, '', manifest, { manager: 'kube-apiserver' });
  }

  let server: Server = createServer(handle);
  const port = await listen(server, 0);
  const url = `http://127.0.0.1:${port}`;

  /** Adds a user, or replaces the one with that name, whose earlier token then becomes invalid. */
  function setUser(user: User): void {
    users.set(user.name, user);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = clock.now();
    const address = new URL(request.url ?? '/', 'http://embedded');
    const info = parseRequest(request.method ?? 'GET', address);
    const body = info?.subresource === 'proxy' ? '' : await text(request);
    let user = anonymous;
    let entered = false;
    const enter = () => {
      const status = response.headersSent ? response.statusCode : 0;
      if (!entered) audit.push(auditEntry(at, user.name, request, info, address, body, status));
      entered = true;
    };
    response.on('close', enter);
    for (const fault of faults.hitting(info)) {
      if (fault.delay !== undefined) await sleep(fault.delay);
      if (fault.drop) {
        request.socket.destroy();
        return;
      }
      if (fault.status !== undefined) {
        answerFault(response, fault.status, fault.retryAfter);
        return;
      }
    }
    try {
      user = authenticate(request);
      if (info === undefined) answerPath(response, address.pathname);
      else answerResource(request, response, info, user, body);
    } catch (error) {
      const status = error instanceof StatusError ? error : new StatusError(500, 'InternalError', String(error));
      answer(response, status.code, status);
    }
    // A watch gets its entry when it begins, a proxied request when it ends.
    if (response.headersSent) enter();
  }

  function authenticate(request: IncomingMessage): User {
    const { authorization } = request.headers;
    if (authorization === undefined) return anonymous;
    const caller = [...users.values()].find((user) => authorization === `Bearer ${user.token}`);
    if (caller === undefined) throw unauthorized();
    const impersonated = request.headers['impersonate-user'];
    if (impersonated === undefined) return caller;
    const name = String(impersonated);
    const asked = { verb: 'impersonate', group: '', resource: 'users', subresource: '', namespace: '', name };
    if (!isAllowed(caller, asked)) throw new StatusError(403, 'Forbidden', `users "${name}" is forbidden`);
    return users.get(name) ?? { name, token: '', rules: [] };
  }

  function authorize(user: User, info: RequestInfo, verb: string): void {
    const { resource, subresource, namespace } = info;
    const [name = ''] = subresource === 'proxy' ? info.name.split(':') : [info.name || selectedName(info)];
    const wanted = { verb, group: resource.group, resource: resource.plural, subresource, namespace, name };
    if (!isAllowed(user, wanted)) {
      throw forbidden({ user: user.name, verb, resource, subresource, namespace, name: info.name });
    }
  }

  function answerPath(response: ServerResponse, path: string): void {
    if (['/healthz', '/livez', '/readyz'].includes(path)) {
      response.writeHead(200).end('ok');
      return;
    }
    const document = discover(path.replace(/\/$/, ''));
    if (typeof document !== 'object' || document === null) throw noSuchPath();
    answer(response, 200, document);
  }

  function answerResource(
    request: IncomingMessage,
    response: ServerResponse,
    info: RequestInfo,
    user: User,
    body: string,
  ): void {
    authorize(user, info, info.verb);
    if (info.subresource === 'proxy') {
      serveProxy(storage, registry, info, request, response);
    } else if (hasLogs(registry, info)) {
      serveLog(registry, info, response);
    } else if (info.verb === 'watch') {
      serveWatch(storage, info, bookmarkInterval, response);
      openWatches += 1;
      response.on('close', () => {
        openWatches -= 1;
      });
    } else {
      const mayCreate = () => authorize(user, info, 'create');
      const result = operate(storage, registry, { info, user, headers: request.headers, body, mayCreate });
      answer(response, result.status, result.body);
    }
  }

  /** Creates or replaces an object of any kind directly in the store, on behalf of the lab. */
  function put(manifest: JsonRecord): KubeObject {
    const resource = findKind(String(manifest.apiVersion), String(manifest.kind));
    if (resource === undefined) throw new Error(`not a kind of the lab: ${manifest.apiVersion} ${manifest.kind}`);
    const metadata = recordOf(manifest.metadata);
    const namespace = resource.namespaced ? String(metadata.namespace ?? 'default') : '';
    const current = storage.get(resource, namespace, String(metadata.name));
    const options = { manager: 'embedded-lab' };
    if (current === undefined) return registry.create(resource, namespace, manifest, options);
    const key = { resource, namespace, name: current.metadata.name };
    return registry.modify(
      key,
      ({ metadata: kept }) => ({ ...current, ...manifest, metadata: { ...kept, ...metadata } }),
      options,
    );
  }

  return {
    url,
    port,
    storage,
    registry,
    /** Admission hooks that change or refuse writes. */
    admission,
    /** Every request so far, in the order of the answers. */
    audit,
    setUser,
    put,
    faults,

    /** The number of open watches. */
    watches: (): number => openWatches,

    /** Cuts every connection, including watches; new ones are accepted. */
    dropConnections(): void {
      server.closeAllConnections();
    },

    /** Stops like a killed process; the objects are kept for `start`. */
    async stop(): Promise<void> {
      await close(server);
    },

    /** Starts again on the same port after `stop`. */
    async start(): Promise<void> {
      if (server.listening) return;
      server = createServer(handle);
      await listen(server, port);
    },

    /** A kubeconfig for a user (default `admin`) and a namespace (default `default`). */
    kubeconfig({ user = 'admin', namespace = 'default' }: { user?: string; namespace?: string } = {}): string {
      const cluster = { server: url, 'insecure-skip-tls-verify': true };
      return yaml.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'embedded', cluster }],
        users: [{ name: user, user: { token: users.get(user)?.token ?? '' } }],
        contexts: [{ name: 'embedded', context: { cluster: 'embedded', user, namespace } }],
        'current-context': 'embedded',
      });
    },
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${textOf(body)}\n`);
}

function answerFault(
  response: ServerResponse,
  code: NonNullable<Fault['status']>,
  retryAfter: number | undefined,
): void {
  const reasons = { 429: 'TooManyRequests', 500: 'InternalError', 503: 'ServiceUnavailable', 504: 'Timeout' };
  const status = new StatusError(code, reasons[code], 'injected fault');
  if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
  answer(response, code, status);
}

function auditEntry(
  at: number,
  user: string,
  request: IncomingMessage,
  info: RequestInfo | undefined,
  address: URL,
  body: string,
  status: number,
): AuditEntry {
  return {
    at,
    user,
    verb: info?.verb ?? (request.method ?? 'GET').toLowerCase(),
    resource: info === undefined ? address.pathname : qualifiedName(info.resource),
    subresource: info?.subresource ?? '',
    namespace: info?.namespace ?? '',
    name: info?.name ?? '',
    fieldManager: managerOf(request.headers, address.searchParams),
    dryRun: address.searchParams.has('dryRun'),
    contentType: request.headers['content-type'] ?? '',
    body,
    status,
  };
}

/**
 * A list with a field selector for one name needs only the right on that object:
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
 */
function selectedName({ query }: RequestInfo): string {
  return /^metadata\.name=([^,]+)$/.exec(query.get('fieldSelector') ?? '')?.[1] ?? '';
}
