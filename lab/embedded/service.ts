import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { listen } from './sockets.ts';

/** A request that was answered. */
export interface Answered {
  readonly method: string;
  readonly path: string;
  readonly code: number;
}

export interface ServiceBehaviour {
  /** Share of requests answered with 500, 0 to 1; evenly distributed, with a random start. */
  readonly errorRate: number;
  /** Mean milliseconds of a request; each takes between half and one and a half of it. */
  readonly latency: number;
  /** The only path whose requests fail; default all. */
  readonly failingPath?: string | undefined;
}

export interface ServiceOptions extends ServiceBehaviour {
  /** The labels with which `http_requests_total` counts a request; default its code and method. */
  readonly labels?: ((request: Answered) => Readonly<Record<string, string>>) | undefined;
  readonly version: string;
  /** As in `ImageBehaviour`. */
  readonly counts: 'codes' | 'words' | 'scrapes';
  /** The pod's name, sent in the `x-pod` header. */
  readonly pod: string;
  readonly random: () => number;
  readonly now: () => number;
}

export type DemoService = Awaited<ReturnType<typeof startService>>;

/**
 * The demo service: one small HTTP server on a loopback port that answers every path with its version, after a delay and
 * sometimes with an error. `/metrics` shows its counters in the Prometheus text format.
 */
export async function startService(options: ServiceOptions) {
  const { random, version, pod, counts } = options;
  const labels = options.labels ?? labelsOf(counts);
  let behaviour: ServiceBehaviour = options;
  let stopped = false;
  // Independent random errors would let a correct judge stop a version as good as the previous one, once in some hundreds of
  // releases; a test can't tell that from a fault.
  let owed = random();
  const registry = new Registry();
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests that were answered.',
    labelNames: Object.keys(labels({ method: 'GET', path: '/', code: 200 })),
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from request to answer.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const started = new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start of the process, seconds since the epoch.',
    registers: [registry],
  });
  started.set(options.now() / 1_000);

  const server = createServer(async (request, response) => {
    request.resume();
    if (request.url === '/metrics') {
      const text = await registry.metrics();
      response.writeHead(200, { 'content-type': registry.contentType }).end(text);
      if (counts === 'scrapes') requests.inc(labels({ method: 'GET', path: '/metrics', code: 200 }));
      return;
    }
    const begun = performance.now();
    const { method = 'GET', url: path = '/' } = request;
    if (path === (behaviour.failingPath ?? path)) owed += behaviour.errorRate;
    const failed = owed >= 1;
    if (failed) owed -= 1;
    const latency = behaviour.latency * (0.5 + random());
    if (latency > 0) await sleep(latency);
    const code = failed ? 500 : 200;
    requests.inc(labels({ method, path, code }));
    duration.observe((performance.now() - begun) / 1_000);
    response.writeHead(code, { 'content-type': 'application/json', 'x-version': version, 'x-pod': pod });
    if (stopped) response.shouldKeepAlive = false;
    response.end(`${JSON.stringify({ version, pod, ...(failed && { error: 'injected' }) })}\n`);
  });
  const port = await listen(server, 0);

  return {
    port,

    /** Changes how the next requests are answered. */
    behave(change: Partial<ServiceBehaviour>): void {
      behaviour = { ...behaviour, ...change };
    },

    /** Answers the outstanding requests, then stops. */
    async drain(): Promise<void> {
      stopped = true;
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
    },

    /** Stops at once, in the middle of requests. */
    kill(): void {
      stopped = true;
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The labels of the request counter for each way of counting. */
function labelsOf(counts: ServiceOptions['counts']): NonNullable<ServiceOptions['labels']> {
  switch (counts) {
    case 'codes':
      return ({ code, method }) => ({ code: String(code), method });
    case 'words':
      return ({ code, method }) => ({ method, status: code < 500 ? 'success' : 'error' });
    case 'scrapes':
      return ({ code, method, path }) => ({ code: String(code), method, handler: path });
  }
}
