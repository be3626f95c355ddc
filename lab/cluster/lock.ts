import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { LAB, say } from '../programs/commands.ts';

/** An abstract socket: the kernel lets only one process listen, and frees it when that process ends in any way. */
const path = `\0${LAB}`;

/** Waits until no other `up`, `down` or `build` runs on this machine, and blocks others until it is disposed. */
export async function lock(signal: AbortSignal): Promise<AsyncDisposable> {
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
    say('another up, down or build is at work: waiting for its end');
    const holder = connect(path);
    holder.on('error', () => holder.destroy());
    await once(holder, 'close', { signal });
  }
}
