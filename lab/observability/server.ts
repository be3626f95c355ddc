import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { glob, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { LAB, LabError } from '../programs/commands.ts';
import { untilReady } from '../programs/processes.ts';
import { waitUntil } from '../programs/wait.ts';
import { basic, type Login } from './send.ts';

/** A server of the lab, on this machine's loopback address alone. */
export interface Server {
  /** Where it is asked: `http://127.0.0.1:PORT` */
  readonly address: string;
  /** Its configuration, data and log. */
  readonly folder: string;
  /** Holds its answers back; connections are still taken. Resolves once every thread of it has stopped. */
  freeze(): Promise<void>;
  /** Lets it answer again. */
  thaw(): void;
  /** Kills it: connections are refused from now on. What it has on disk stays for `restart`. */
  kill(): Promise<void>;
  /** Ends it where it still runs, and starts it again on the same port with what it has on disk. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** How a server is started. */
export interface Launch {
  readonly argv: readonly string[];
  readonly address: string;
  /** Answers with a 2xx status once the server can do its work. */
  readonly ready: string;
  /** What it asks for, there too. */
  readonly login?: Login | undefined;
}

/** Milliseconds: several times what the slowest of them, a JVM, takes on a busy machine. */
const START_TIMEOUT = 180_000;

/** Starts with ports of their own. */
const ATTEMPTS = 3;

const never = new AbortController().signal;

/**
 * Starts a server and waits until it is ready. Throws a LabError with the end of its log where it does not get so far.
 *
 * @param prepare writes what the server needs into a folder of its own, and says how it is started
 */
export async function startServer(name: string, prepare: (folder: string) => Promise<Launch>): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(name, prepare);
    } catch (error) {
      // Somebody else may take a port between the moment it is found free and the start.
      const isTaken = error instanceof LabError && /address already in use|\bbind/i.test(error.message);
      if (!isTaken || attempt === ATTEMPTS) throw error;
    }
  }
}

async function startOnce(name: string, prepare: (folder: string) => Promise<Launch>): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), `${LAB}-${name}-`));
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  try {
    const launch = await prepare(folder);
    let child = await run(name, launch, folder);
    return {
      address: launch.address,
      folder,
      async freeze() {
        child.kill('SIGSTOP');
        await waitUntil(() => hasStopped(child.pid), { what: `${name} stopped`, timeout: 10_000, signal: never });
      },
      thaw: () => void child.kill('SIGCONT'),
      kill: () => end(child, 'SIGKILL'),
      async restart() {
        await end(child, 'SIGTERM');
        child = await run(name, launch, folder);
      },
      async stop() {
        await end(child, 'SIGKILL');
        await removeFolder();
      },
    };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

async function run(name: string, { argv, ready, login }: Launch, folder: string): Promise<ChildProcess> {
  const path = join(folder, 'log');
  const log = await open(path, 'a');
  // It ends with whoever started it, however that ends.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], {
    cwd: folder,
    stdio: ['ignore', log.fd, log.fd],
    env: { PATH: process.env.PATH, HOME: folder },
  });
  try {
    await untilReady(child, {
      name,
      log: path,
      ready: () => answers(ready, login),
      timeout: START_TIMEOUT,
      signal: never,
    });
    return child;
  } catch (error) {
    await end(child, 'SIGKILL');
    throw error;
  } finally {
    await log.close();
  }
}

/** A signal takes a while to stop all threads, which answer meanwhile. */
async function hasStopped(pid: number | undefined): Promise<boolean> {
  const threads = await Array.fromAsync(glob(`/proc/${pid}/task/*/stat`));
  // The state comes after the name in brackets, which may have any signs in it.
  const states = await Promise.all(threads.map(async (path) => /.*\) (\w)/s.exec(await readFile(path, 'utf8'))?.[1]));
  return states.length > 0 && states.every((state) => state === 'T');
}

async function answers(url: string, login: Login | undefined): Promise<boolean> {
  const headers = login ? basic(login) : {};
  const { statusCode, body } = await request(url, { headers, signal: AbortSignal.timeout(2_000) });
  await body.dump();
  return statusCode >= 200 && statusCode < 300;
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  // One that is frozen takes no other signal.
  child.kill('SIGCONT');
  await ended;
}
