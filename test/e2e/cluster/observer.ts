import { once } from 'node:events';
import { createServer } from 'node:http';
import { Agent, request } from 'undici';
import * as z from 'zod';
import { fromHost } from '../../../lab/cluster/host.ts';
import { endpoints } from '../../../lab/cluster/layout.ts';

/** A request that went through the observer. */
export interface Observed {
  /** Milliseconds since the epoch at which it came. */
  readonly at: number;
  /** Milliseconds until it was answered or given up. */
  readonly took: number;
  /** Undefined where there was no answer. */
  readonly status: number | undefined;
}

/** Milliseconds by which two clocks of one time differ. */
const MARGIN = 50;

/**
 * A way to the lab's gateway that writes down each request: what a drill says of its requests is compared with that.
 *
 * @param patience milliseconds after which who asks gives up; who gives up earlier does not want to know any more
 */
export async function startObserver(patience: number) {
  const seen: Observed[] = [];
  const dispatcher = new Agent({ connect: { ...fromHost } });
  const server = createServer((asked, answer) => {
    const at = Date.now();
    const gone = new AbortController();
    answer.once('close', () => gone.abort());
    const note = (status: number | undefined) => seen.push({ at, took: Date.now() - at, status });
    const options = { dispatcher, headers: { host: asked.headers.host ?? '' }, signal: gone.signal };
    request(`${endpoints.gateway}${asked.url ?? '/'}`, options).then(
      async ({ statusCode, body }) => {
        const text = await body.text();
        note(statusCode);
        answer.writeHead(statusCode).end(text);
      },
      () => {
        if (!gone.signal.aborted || Date.now() - at >= patience - MARGIN) note(undefined);
        answer.destroy();
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    seen: () => seen.toSorted((a, b) => a.at - b.at),
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      server.close();
      await dispatcher.close();
    },
  };
}

export function isBad({ status }: Observed): boolean {
  return status === undefined || status >= 500;
}
