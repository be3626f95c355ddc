import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, request } from 'undici';
import * as z from 'zod';
import { fromHost } from '../../../lab/cluster/host.ts';

/** A server between the runner and a server of the lab. */
export interface Garbler {
  /** `127.0.0.1:40001` */
  readonly host: string;
  /** Answers pass unharmed until it is set. */
  garbles: boolean;
  /** Answers that were harmed so far. */
  readonly garbled: number;
  close(): void;
}

/** A page as load balancers, portals and login proxies give it: the status says that all is well. */
const page = '<!doctype html><title>One moment, please</title>';

/**
 * Speaks HTTP on both sides. Of the answers that are to be harmed, one is a page of its own and the next one ends in the
 * middle, both with HTTP 200 and a length that is right. What the server was asked to write, it has written.
 *
 * @param upstream `https://10.10.0.2:6443`
 * @param every harms one answer in so many
 */
export async function startAnswerGarbler(upstream: string, every: number): Promise<Garbler> {
  const dispatcher = new Agent({ connect: { ...fromHost, rejectUnauthorized: false } });
  const sockets = new Set<Socket>();
  const state = { garbles: false, garbled: 0, answers: 0 };
  const server = createHttpServer(async (incoming, outgoing) => {
    const { method = 'GET', url = '/' } = incoming;
    const { host: _, connection: __, ...headers } = incoming.headers;
    try {
      const body = Buffer.concat(await Readable.from(incoming).toArray());
      const answer = await request(upstream + url, {
        method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).parse(method),
        headers,
        body: body.length === 0 ? null : body,
        dispatcher,
      });
      const isWatch = url.includes('watch=true');
      if (state.garbles && !isWatch && answer.statusCode < 300 && ++state.answers % every === 0) {
        state.garbled += 1;
        const text = await answer.body.text();
        const harmed = state.garbled % 2 === 0 ? text.slice(0, text.length / 2) : page;
        outgoing.writeHead(200, { 'content-length': Buffer.byteLength(harmed) }).end(harmed);
        return;
      }
      const { connection: ___, 'keep-alive': ____, ...kept } = answer.headers;
      outgoing.writeHead(answer.statusCode, kept);
      await pipeline(answer.body, outgoing);
    } catch {
      // Either side has gone; the other one learns it from its connection.
      outgoing.destroy();
    }
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return garblerOf(server.address(), state, () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    void dispatcher.destroy();
  });
}

/**
 * Passes bytes on and turns one in so many of the server's into another one.
 *
 * @param upstream `https://10.10.0.2:6443`
 */
export async function startByteGarbler(upstream: string, every: number): Promise<Garbler> {
  const { hostname, port } = new URL(upstream);
  const sockets = new Set<Socket>();
  const state = { garbles: false, garbled: 0, bytes: 0 };
  const server = createServer((client) => {
    const remote = connect({ host: hostname, port: Number(port), ...fromHost });
    for (const socket of [client, remote]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        remote.destroy();
      });
    }
    client.pipe(remote);
    remote.on('data', (chunk) => {
      if (state.garbles) {
        state.bytes += chunk.length;
        if (state.bytes >= every) {
          state.bytes = 0;
          state.garbled += 1;
          const at = Math.floor(chunk.length / 2);
          chunk.writeUInt8(chunk.readUInt8(at) ^ 0xff, at);
        }
      }
      if (!client.destroyed) client.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return garblerOf(server.address(), state, () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
}

function garblerOf(address: unknown, state: { garbles: boolean; garbled: number }, close: () => void): Garbler {
  const { port } = z.object({ port: z.number() }).parse(address);
  return {
    host: `127.0.0.1:${port}`,
    get garbles() {
      return state.garbles;
    },
    set garbles(value) {
      state.garbles = value;
    },
    get garbled() {
      return state.garbled;
    },
    close,
  };
}
