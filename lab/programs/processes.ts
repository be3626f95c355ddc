import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import * as z from 'zod';
import { LabError, lastLines } from './commands.ts';
import { waitUntil } from './wait.ts';

interface Start {
  readonly name: string;
  /** Path of the file that takes its output. */
  readonly log: string;
  /** True when it can do its work. Asked until then; may reject while it is not listening. */
  ready(): Promise<boolean>;
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/**
 * Waits until a process that was just started can do its work.
 * Throws a LabError with the end of its log where it ends before, or takes too long.
 */
export async function untilReady(child: ChildProcess, { name, log, ready, timeout, signal }: Start): Promise<void> {
  let failure: string | undefined;
  child.once('error', (error) => {
    failure = error.message;
  });
  // The process may have ended before anybody listens to it.
  const ending = () =>
    failure ?? child.signalCode ?? (child.exitCode === null ? undefined : `exit code ${child.exitCode}`);
  try {
    await waitUntil(
      async () => {
        const ended = ending();
        if (ended !== undefined) throw new LabError(`${name} ended with ${ended}`);
        return ready();
      },
      { what: `${name} ready`, timeout, signal },
    );
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    throw new LabError(`${error.message}. The end of ${log}:\n${await endOfLog(log, 20)}`);
  }
}

export async function endOfLog(path: string, lines: number): Promise<string> {
  return lastLines(await readFile(path, 'utf8').catch(() => '(no log)'), lines);
}

const given = new Set<number>();

/** A port of 127.0.0.1 on which nobody listens; the same one is never given twice. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = z.object({ port: z.number() }).parse(server.address());
    server.close();
    await once(server, 'close');
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}
