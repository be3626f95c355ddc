import { createServer, type IncomingMessage } from 'node:http';
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
