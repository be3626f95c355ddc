import type { Clock } from '../core/clock.ts';
import type { Pace } from './pace.ts';
import type { LoadRequest, LoadTarget, Reply } from './target.ts';

/** The header by which a service, its logs and its metrics can tell these requests from those of users. */
export const MARK = 'x-sluice-load';

/** Requests a second at most: by a URL, and through the API server, which others need as well. */
export const mostPerSecond = { url: 1_000, apiServer: 100 } as const;

/** Requests that wait for their answers at the same time, at most. */
const MOST_IN_FLIGHT = { url: 256, apiServer: 64 } as const;

export interface LoadOptions {
  /** Sent in turn. */
  readonly requests: readonly LoadRequest[];
  /** Lets them pass at their rate. */
  readonly pace: Pace;
  /** Milliseconds in which requests are sent; they may be infinite, until the signal aborts. */
  readonly duration: number;
  /** Milliseconds that an answer may take. */
  readonly timeout: number;
  /** The value of the header that marks each request: what sends them. */
  readonly mark: string;
}

/** One request and what became of it. */
export interface Exchange<Request extends LoadRequest> {
  readonly request: Request;
  readonly reply: Reply;
  /** When it was sent, milliseconds since the Unix epoch. */
  readonly begun: number;
  /** Milliseconds from sending it to its answer. */
  readonly took: number;
}

interface RequestsOf<Request extends LoadRequest> {
  readonly requests: readonly Request[];
  /** Gets each exchange when it is over. Then they are not collected, as there may be many. */
  readonly answered?: (exchange: Exchange<Request>) => void;
}

export interface Sent<Request extends LoadRequest> {
  readonly exchanges: readonly Exchange<Request>[];
  /** Requests that were due and not sent, because too many waited for their answers. */
  readonly leftOut: number;
}

/**
 * Sends requests at a steady rate, and resolves when each has its answer, or has waited too long for it. A request that is due does
 * not wait for the answer of another one, so that a slow service gets no fewer of them, up to a bound of those in flight.
 *
 * @throws the signal's reason when it aborts; what the target throws
 */
export async function sendLoad<Request extends LoadRequest>(
  target: LoadTarget,
  { requests, pace, duration, timeout, mark, answered }: LoadOptions & RequestsOf<Request>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Sent<Request>> {
  const failed = new AbortController();
  const during = AbortSignal.any([signal, failed.signal]);
  const way = target.isThroughApiServer ? 'apiServer' : 'url';
  const exchanges: Exchange<Request>[] = [];
  const waiting = new Set<Promise<void>>();
  let leftOut = 0;

  async function exchange(request: Request): Promise<void> {
    const begun = clock.now();
    const marked = { 'user-agent': 'sluice-load', ...request.headers, [MARK]: mark };
    const reply = await target.send({ ...request, headers: marked }, timeout, during);
    const exchanged = { request, reply, begun, took: clock.now() - begun };
    if (answered) answered(exchanged);
    else exchanges.push(exchanged);
  }

  const end = clock.now() + duration;
  try {
    for (let index = 0; await pace.passBefore(end, during); index += 1) {
      const request = requests[index % requests.length];
      if (request === undefined) throw new RangeError('there is no request to send');
      if (waiting.size >= MOST_IN_FLIGHT[way]) {
        leftOut += 1;
        continue;
      }
      const sent: Promise<void> = exchange(request)
        .catch((error: unknown) => failed.abort(error))
        .finally(() => waiting.delete(sent));
      waiting.add(sent);
    }
  } finally {
    await Promise.all(waiting);
  }
  during.throwIfAborted();
  return { exchanges, leftOut };
}
