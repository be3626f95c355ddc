import { Agent, request } from 'undici';

/** One request of the load, as its sender saw it. */
export interface LoadEntry {
  /** The time of sending, in milliseconds since the epoch. */
  readonly at: number;
  readonly milliseconds: number;
  /** HTTP status; 0 for a request without an answer. */
  readonly status: number;
  /** From the pod's answer; empty without one. */
  readonly version: string;
  readonly pod: string;
}

export interface LoadOptions {
  readonly url: string;
  /** The `Host` header. */
  readonly host: string;
  /** Requested in turn; default `/`. */
  readonly paths?: readonly string[];
  /** Requests a second, independent of how long the answers take. */
  readonly rate: number;
  /** Milliseconds after which a request is abandoned; default never. */
  readonly patience?: number;
  readonly now?: () => number;
}

/** Milliseconds between two bursts; at 200 requests a second each is one or two. */
const tick = 5;

/** Sends GET requests at a steady rate over kept-alive connections and records the result of each. */
export function startLoad(options: LoadOptions) {
  const { url, host, paths = ['/'], patience, now = Date.now } = options;
  const dispatcher = new Agent({ pipelining: 1 });
  const log: LoadEntry[] = [];
  const entries: readonly LoadEntry[] = log;
  const underWay = new Set<Promise<void>>();
  let rate = options.rate;
  let sent = 0;
  let asked = 0;
  let since = performance.now();
  const timer = setInterval(burst, tick);

  function burst(): void {
    const due = ((performance.now() - since) / 1_000) * rate;
    for (; sent < due; sent += 1) {
      asked += 1;
      const path = paths[asked % paths.length] ?? '/';
      const pending: Promise<void> = send(path).finally(() => underWay.delete(pending));
      underWay.add(pending);
    }
  }

  async function send(path: string): Promise<void> {
    const at = now();
    const begun = performance.now();
    const entry = await ask(path).catch(() => ({ status: 0, version: '', pod: '' }));
    log.push({ at, milliseconds: performance.now() - begun, ...entry });
  }

  async function ask(path: string): Promise<Pick<LoadEntry, 'status' | 'version' | 'pod'>> {
    const signal = patience === undefined ? null : AbortSignal.timeout(patience);
    const answer = await request(`${url}${path}`, { headers: { host }, dispatcher, signal });
    await answer.body.dump();
    const { 'x-version': version = '', 'x-pod': pod = '' } = answer.headers;
    return { status: answer.statusCode, version: String(version), pod: String(pod) };
  }

  return {
    /** Every finished request, in the order of their ends. */
    log: entries,

    /** Requests a second from now on; 0 stops the load. */
    setRate(perSecond: number): void {
      burst();
      rate = perSecond;
      sent = 0;
      since = performance.now();
    },

    /** Sends nothing more and waits for the outstanding answers. */
    async stop(): Promise<void> {
      clearInterval(timer);
      await Promise.all(underWay);
      if (!dispatcher.closed) await dispatcher.close();
    },
  };
}
