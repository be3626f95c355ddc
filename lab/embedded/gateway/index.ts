import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Agent } from 'undici';
import type { Registry } from '../api-server/registry.ts';
import {
  destinationRules,
  endpointSlices,
  grpcRoutes,
  httpRoutes,
  ingresses,
  ingressRoutes,
  pods,
  services,
  traefikServices,
  virtualServices,
} from '../api-server/resources.ts';
import type { Storage } from '../api-server/storage.ts';
import { close, listen } from '../sockets.ts';
import { type Endpoint, endpointsOf } from './endpoints.ts';
import { reportRoutes } from './gateway-api-status.ts';
import { createGatewayMetrics } from './metrics.ts';
import { compileRoutes, type Destination, findRoute, pick, type Route } from './routes.ts';

export interface GatewayOptions {
  /** Selects the destination of each request. */
  readonly random: () => number;
  /** Chooses the requests that get an injected fault; default `random`. */
  readonly faultRandom?: () => number;
  readonly now?: () => number;
  /** Milliseconds until a changed route takes effect; Infinity: never. Default 0. */
  readonly lag?: number;
}

const routeResources = new Set([
  destinationRules,
  grpcRoutes,
  httpRoutes,
  ingresses,
  ingressRoutes,
  services,
  traefikServices,
  virtualServices,
]);

/**
 * The data plane: a reverse proxy on a loopback port that follows the routes of every supported kind and sends requests to the
 * ready pods in turn. Its counters are at `/metrics` and `/stats/prometheus` of another port.
 */
export async function startGateway(storage: Storage, registry: Registry, options: GatewayOptions) {
  const { random, faultRandom = random, now = Date.now } = options;
  const metrics = createGatewayMetrics();
  const upstream = new Agent({ pipelining: 1 });
  const listeners = new Set<() => void>();
  const timers = new Set<NodeJS.Timeout>();
  const turns = new Map<string, number>();
  let lag = options.lag ?? 0;
  let routes = compileRoutes(storage);
  let endpoints = new Map<Destination, ReturnType<typeof endpointsOf>>();
  let reported: NodeJS.Immediate | undefined;

  /** Follows the routes that are now in the store. */
  function follow(): void {
    routes = compileRoutes(storage);
    endpoints = new Map();
    // Not within the write that is followed.
    reported ??= setImmediate(() => {
      reported = undefined;
      reportRoutes(storage, registry, now());
    });
    for (const listener of listeners) listener();
  }

  const unsubscribe = storage.subscribe(({ resource }) => {
    if (resource === pods || resource === endpointSlices) endpoints = new Map();
    if (!routeResources.has(resource) || lag === Number.POSITIVE_INFINITY) return;
    if (lag === 0) {
      follow();
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      follow();
    }, lag);
    timers.add(timer);
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const begun = performance.now();
    const route = findRoute(routes, request);
    const destination = route && (route.choose?.(request) ?? pick(route.destinations, random));
    if (route === undefined || destination === undefined) {
      response.writeHead(route === undefined ? 404 : 503).end('no route\n');
      return;
    }
    const left = new AbortController();
    response.once('close', () => left.abort());
    if (route.fault !== undefined && (await injected(route, destination, { request, response, begun }))) return;
    let endpoint = nextEndpoint(destination);
    let status = await forward(request, response, endpoint, left.signal);
    // The pod left before it saw the request (Envoy: reset-before-request), so another one gets it.
    while (status === undefined && !left.signal.aborted && endpoint?.isLeaving() && !hasBody(request)) {
      endpoint = nextEndpoint(destination);
      status = await forward(request, response, endpoint, left.signal);
    }
    const gaveUp = status === undefined && left.signal.aborted && !response.headersSent;
    if (!response.headersSent && !gaveUp) {
      const text = endpoint === undefined ? 'no healthy upstream\n' : 'upstream connect error\n';
      response.writeHead(503, { 'x-destination': destination.service }).end(text);
    }
    const milliseconds = performance.now() - begun;
    const { port } = reachable(destination);
    const method = request.method ?? 'GET';
    metrics.count({ route, destination, port, endpoint, method, status: status ?? 503, gaveUp, milliseconds });
  }

  /** As Envoy's fault filter: first the delay, then the abort. True if the request is over. */
  async function injected(
    route: Route,
    destination: Destination,
    { request, response, begun }: { request: IncomingMessage; response: ServerResponse; begun: number },
  ): Promise<boolean> {
    const { delay, abort } = route.fault ?? {};
    if (delay !== undefined && faultRandom() < delay.share) {
      metrics.injected('delay');
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, delay.milliseconds);
        response.once('close', () => {
          clearTimeout(timer);
          resolve(undefined);
        });
      });
      if (response.destroyed) return true;
    }
    if (abort === undefined || faultRandom() >= abort.share) return false;
    metrics.injected('abort');
    const ofGrpc = request.headers['content-type']?.startsWith('application/grpc') && abort.grpcStatus !== undefined;
    response.writeHead(abort.status, { ...(ofGrpc && { 'grpc-status': abort.grpcStatus }) }).end('fault filter abort');
    const { port } = reachable(destination);
    const milliseconds = performance.now() - begun;
    const method = request.method ?? 'GET';
    metrics.count({
      route,
      destination,
      port,
      endpoint: undefined,
      method,
      status: abort.status,
      gaveUp: false,
      aborted: true,
      milliseconds,
    });
    return true;
  }

  function reachable(destination: Destination): ReturnType<typeof endpointsOf> {
    const found = endpoints.get(destination) ?? endpointsOf(storage, destination);
    endpoints.set(destination, found);
    return found;
  }

  /** The next ready pod in turn. */
  function nextEndpoint(destination: Destination): Endpoint | undefined {
    const { namespace, service, subset } = destination;
    const { endpoints: ready } = reachable(destination);
    const key = `${namespace}/${service}/${subset?.name ?? ''}`;
    const turn = (turns.get(key) ?? 0) % Math.max(1, ready.length);
    turns.set(key, turn + 1);
    return ready[turn];
  }

  /** @returns the status that the client got; undefined if there is no pod, or the pod broke off. */
  async function forward(
    request: IncomingMessage,
    response: ServerResponse,
    endpoint: Endpoint | undefined,
    left: AbortSignal,
  ): Promise<number | undefined> {
    if (endpoint === undefined) return undefined;
    const { connection: _, 'keep-alive': __, ...headers } = request.headers;
    try {
      const answer = await upstream.request({
        origin: endpoint.origin,
        path: request.url ?? '/',
        method: request.method ?? 'GET',
        headers,
        body: hasBody(request) ? request : null,
        signal: left,
      });
      const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...passed } = answer.headers;
      response.writeHead(answer.statusCode, passed);
      await pipeline(answer.body, response);
      return answer.statusCode;
    } catch {
      // The client has left, or the pod died during the request: the client gets a 503, or a partial answer.
      if (response.headersSent) response.destroy();
      return undefined;
    }
  }

  const server = createServer(handle);
  const admin = createServer(async (_request, response) => {
    response.writeHead(200, { 'content-type': metrics.contentType }).end(await metrics.text());
  });
  const [port, metricsPort] = await Promise.all([listen(server, 0), listen(admin, 0)]);
  follow();

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    metricsPort,

    /** The routes that requests follow now (with a lag, not those of the store). */
    routes: (): readonly Route[] => routes,

    /** From now on, changed routes take effect after this many milliseconds; Infinity: not at all. */
    setLag(milliseconds: number): void {
      lag = milliseconds;
      if (lag === 0) follow();
    },

    /** Calls the listener each time that changed routes have taken effect, until the returned function is called. */
    onFollow(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    async stop(): Promise<void> {
      unsubscribe();
      clearImmediate(reported);
      for (const timer of timers) clearTimeout(timer);
      await Promise.all([close(server), close(admin), upstream.destroy()]);
    },
  };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}
