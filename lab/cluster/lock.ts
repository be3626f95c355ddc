import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { LAB, say } from '../programs/commands.ts';

/** What only one process of this machine does at a time. */
interface Exclusive {
  /** Of an abstract socket: the kernel lets only one process listen, and frees it when that process ends in any way. */
  readonly name: string;
  /** What others do meanwhile, as a noun. */
  readonly what: string;
}

const theLab: Exclusive = { name: LAB, what: 'another up, down or build' };

/** Waits until no other process of this machine does the same, and blocks others until it is disposed. */
export async function lock(signal: AbortSignal, { name, what } = theLab): Promise<AsyncDisposable> {
  const path = `\0${name}`;
  for (;;) {
    const waiting = new Set<Socket>();
    const server = createServer((socket) => waiting.add(socket.unref()));
    server.listen(path);
    try {
      await once(server, 'listening', { signal });
      server.unref();
      return {
        [Symbol.asyncDispose]: async () => {
          server.close();
          for (const socket of waiting) socket.destroy();
        },
      };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    }
    say(`${what} is at work: waiting for its end`);
    const holder = connect(path);
    holder.on('error', () => holder.destroy());
    await once(holder, 'close', { signal });
  }
}
