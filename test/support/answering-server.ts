import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';

/** A request as a server that answers as told got it. */
export interface Asked {
  readonly path: string;
  readonly parameters: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** `never`: the connection is taken, and nothing is answered. */
export type Answer = { readonly status?: number; readonly body: unknown } | 'never';

/** An HTTP server on a loopback port that answers as told. Objects are answered as JSON. */
export async function startAnswering(answer: (asked: Asked) => Answer) {
  const asked: Asked[] = [];
  const server = createServer((incoming, response) => {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://server');
    const request = { path: pathname, parameters: searchParams, headers: incoming.headers };
    asked.push(request);
    const answered = answer(request);
    if (answered === 'never') return;
    const { status = 200, body } = answered;
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  return {
    address: `http://127.0.0.1:${bound !== null && typeof bound === 'object' ? bound.port : 0}`,
    asked,
    async stop(): Promise<void> {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
