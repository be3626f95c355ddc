import { createServer, type IncomingHttpHeaders } from 'node:http';
import { close, listen } from '../../lab/embedded/sockets.ts';
import type { Clock } from '../../src/core/clock.ts';
import { type Connection, type RemoteServer, reach } from '../../src/remote/connection.ts';

/** What a double answers: JSON where it is no text, or `never`. */
export type JsonAnswer = 'never' | { readonly status?: number; readonly body: unknown };

export interface AskedRequest {
  /** As it was sent. */
  readonly url: string;
  readonly path: string;
  readonly parameters: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

export interface JsonServer {
  readonly address: string;
  readonly requests: AskedRequest[];
  /** The server of this address, as sources get it. */
  reach(product: string, connection?: Partial<Connection>, env?: Record<string, string>): RemoteServer;
  answer(next: (request: AskedRequest) => JsonAnswer): void;
  stop(): Promise<void>;
}

/** A server on a real socket that answers GET as it is told; anything else than GET is refused. */
export async function startJsonServer(): Promise<JsonServer> {
  let respond: (request: AskedRequest) => JsonAnswer = () => ({ status: 404, body: 'nothing here' });
  const requests: AskedRequest[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const { url = '', headers } = request;
    const asked = { url, path: pathname, parameters: searchParams, headers };
    requests.push(asked);
    const answer = request.method === 'GET' ? respond(asked) : { status: 405, body: 'only GET' };
    if (answer === 'never') return;
    const { status = 200, body } = answer;
    response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  const address = `http://127.0.0.1:${await listen(server, 0)}`;
  return {
    address,
    requests,
    reach: (product, connection = {}, env = {}) => reach(product, { address, ...connection }, { env }),
    answer: (next) => {
      respond = next;
    },
    stop: () => close(server),
  };
}

/** A clock that stands still. */
export function stoppedClock(now: number): Clock {
  return { now: () => now, sleep: () => new Promise(() => undefined) };
}
