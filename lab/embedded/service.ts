import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { listen } from './sockets.ts';

export interface ServiceBehaviour {
  /** Share of requests answered with 500, 0 to 1; evenly, from a random one on. */
  readonly errorRate: number;
  /** Mean milliseconds of a request; each takes between half and one and a half of it. */
  readonly latency: number;
}

export interface ServiceOptions extends ServiceBehaviour {
  readonly version: string;
  /** As of `ImageBehaviour`. */
  readonly counts: 'codes' | 'words' | 'scrapes';
  /** The pod's name, told in the `x-pod` header. */
  readonly pod: string;
  readonly random: () => number;
  readonly now: () => number;
}

export type DemoService = Awaited<ReturnType<typeof startService>>;

/**
 * The demo service: one small HTTP server on a loopback port that answers every path with its version, after a while and
 * sometimes with an error. `/metrics` shows what it did in the Prometheus text format.
 */
export async function startService(options: ServiceOptions) {
  const { random, version, pod, counts } = options;
  let behaviour: ServiceBehaviour = options;
  let stopped = false;
  // Drawn for each request, errors would let a judge that is right stop a version as good as the one before: once in some
  // hundreds of releases, which a test can't tell from a fault.
  let owed = random();
  const registry = new Registry();
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests that were answered.',
    labelNames: ['code', 'method', 'status', 'handler'],
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

  function count(code: number, method = 'GET', handler = '/'): void {
    if (counts === 'words') requests.inc({ method, status: code < 500 ? 'success' : 'error' });
    else requests.inc({ code: String(code), method, ...(counts === 'scrapes' && { handler }) });
  }

  const server = createServer(async (request, response) => {
    request.resume();
    if (request.url === '/metrics') {
      const text = await registry.metrics();
      response.writeHead(200, { 'content-type': registry.contentType }).end(text);
      if (counts === 'scrapes') count(200, request.method, '/metrics');
      return;
    }
    const begun = performance.now();
    owed += behaviour.errorRate;
    const failed = owed >= 1;
    if (failed) owed -= 1;
    const latency = behaviour.latency * (0.5 + random());
    if (latency > 0) await sleep(latency);
    const code = failed ? 500 : 200;
    count(code, request.method);
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

    /** Answers what has been asked, then goes. */
    async drain(): Promise<void> {
      stopped = true;
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
    },

    /** Goes at once, in the middle of whatever it does. */
    kill(): void {
      stopped = true;
      server.close();
      server.closeAllConnections();
    },
  };
}
