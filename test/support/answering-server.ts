import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { close, listen } from '../../lab/embedded/sockets.ts';

/** What a server of a test answers. */
interface TestAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text as it is, and all else as JSON. */
  readonly body: unknown;
}

/** Answers a request by its path with the query; undefined never answers. */
export type Respond = (path: string, request: IncomingMessage) => TestAnswer | undefined;

/** A server on a real socket of this machine. */
export async function startAnsweringServer(respond: Respond) {
  const asked: string[] = [];
  let answer = respond;
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    asked.push(path);
    request.resume();
    const given = answer(path, request);
    if (!given) return;
    const { status = 200, headers = { 'content-type': 'application/json' }, body } = given;
    response.writeHead(status, headers).end(textOf(body));
  });
  const port = await listen(server, 0);
  return {
    address: `http://127.0.0.1:${port}`,
    /** The paths that were asked for, in their order. */
    asked,
    respond(next: Respond) {
      answer = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await close(server);
    },
  };
}

export function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** A request as a server that answers as told got it. */
export interface Asked {
  readonly path: string;
  readonly parameters: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** `never`: the connection is taken, and nothing is answered. */
export type Answer = { readonly status?: number; readonly body: unknown } | 'never';

/** A server that answers what a function makes of the parsed request. */
export async function startAnswering(answer: (asked: Asked) => Answer) {
  const asked: Asked[] = [];
  const server = await startAnsweringServer((path, { headers }) => {
    const { pathname, searchParams } = new URL(path, 'http://server');
    const request = { path: pathname, parameters: searchParams, headers };
    asked.push(request);
    const answered = answer(request);
    return answered === 'never' ? undefined : answered;
  });
  return { address: server.address, asked, stop: () => server[Symbol.asyncDispose]() };
}
