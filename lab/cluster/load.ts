import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { exists } from '../programs/cache.ts';
import { LabError } from '../programs/commands.ts';
import { fromHost } from './host.ts';
import { endpoints, netnsPath } from './layout.ts';

export interface LoadOptions {
  /** The Host header, which chooses the route. */
  readonly host: string;
  /** Requests per second, spread evenly. */
  readonly rate: number;
  /** Milliseconds. */
  readonly duration: number;
  readonly signal: AbortSignal;
  /** Receives each request when its answer arrives. */
  readonly onAnswer?: (sent: Sent) => void;
}

/** One request, as its sender saw it. */
export interface Sent {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly milliseconds: number;
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  /** The version and pod that answered; or why there was no answer. */
  readonly version: string;
  readonly pod: string;
}

/** Milliseconds for an answer to begin, and for each part of it. */
const TIMEOUT = 10_000;

/**
 * Sends requests through the gateway over kept-alive connections at a constant rate, without waiting for answers. Returns them
 * in the order of their answers. Throws a LabError if the lab is not up.
 */
export async function load({ host, rate, duration, signal, onAnswer }: LoadOptions): Promise<Sent[]> {
  if (!(await exists(netnsPath))) throw new LabError('The lab is not up: npm run lab -- up');
  // A signal for each request would cost as much as the request.
  const timeouts = { headersTimeout: TIMEOUT, bodyTimeout: TIMEOUT };
  const pool = new Pool(endpoints.gateway, { connect: fromHost, connections: 50, ...timeouts });
  const sent: Sent[] = [];
  const open = new Set<Promise<void>>();
  const start = performance.now();
  try {
    for (let count = 0; count < (rate * duration) / 1000 && !signal.aborted; count++) {
      const wait = start + (count * 1000) / rate - performance.now();
      if (wait > 1) await sleep(wait, undefined, { signal }).catch(() => undefined);
      const request = send(pool, host).then((result) => {
        sent.push(result);
        onAnswer?.(result);
        open.delete(request);
      });
      open.add(request);
    }
    await Promise.all(open);
  } finally {
    await pool.destroy();
  }
  return sent;
}

async function send(pool: Pool, host: string): Promise<Sent> {
  const at = Date.now();
  const start = performance.now();
  const result = (status: number, version: string, pod: string) => ({
    at,
    milliseconds: performance.now() - start,
    status,
    version,
    pod,
  });
  try {
    const { statusCode, headers, body } = await pool.request({ method: 'GET', path: '/', headers: { host } });
    await body.dump();
    return result(statusCode, `${headers['x-version'] ?? '-'}`, `${headers['x-pod'] ?? '-'}`);
  } catch (error) {
    return result(0, error instanceof Error ? error.message : `${error}`, '-');
  }
}

/** A line for each version and status: `v1  200  1,184`. */
export function summarize(sent: readonly Sent[]): string[] {
  const counts = new Map<string, number>();
  for (const { version, status } of sent) {
    const key = `${version}  ${status}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].sort().map(([key, count]) => `${key}  ${count.toLocaleString('en')}`);
}
