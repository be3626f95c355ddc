import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface AnsweringServer {
  /** `127.0.0.1:34567` */
  readonly host: string;
  answer(next: (path: string) => Answer): void;
}

let started: Promise<AnsweringServer> | undefined;

/** One server of this thread, on a real socket, that answers as it was told last. */
export function answeringServer(): Promise<AnsweringServer> {
  started ??= start();
  return started;
}

async function start(): Promise<AnsweringServer> {
  let respond: (path: string) => Answer = () => ({ status: 404, headers: {}, body: '' });
  const server = createServer((request, response) => {
    const { status, headers, body } = respond(request.url ?? '/');
    request.resume();
    response.statusCode = status;
    for (const [name, value] of Object.entries(headers)) {
      // What no header can hold, no server sends.
      if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) response.setHeader(name, value);
    }
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const { port }: Pick<AddressInfo, 'port'> = addressOf(server.address());
  return {
    host: `127.0.0.1:${port}`,
    answer: (next) => {
      respond = next;
    },
  };
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address;
}
