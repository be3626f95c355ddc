import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { componentCgroup } from './cgroup.ts';
import { insideNetwork, LabError, lastLines } from './commands.ts';
import { logDir, runDir } from './layout.ts';
import { waitUntil } from './wait.ts';

/** A process of the lab. Its log and its cgroup have its name. */
export interface Component {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it is ready for work. Called until it returns true; may reject while the component is not listening. */
  ready(): Promise<boolean>;
}

const pidPath = (name: string) => join(runDir, 'pids', name);
export const logPath = (name: string) => join(logDir, `${name}.log`);

/** The process ID of a running component. */
export async function pidOf(name: string): Promise<number | undefined> {
  const pid = Number(await readFile(pidPath(name), 'utf8').catch(() => ''));
  if (!pid) return undefined;
  // Its cgroup distinguishes it from a later process with the same ID.
  const cgroups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  const own = `/components/${name}`;
  return cgroups.split('\n').some((line) => line.endsWith(own)) ? pid : undefined;
}

/** Starts a component, detached from this process, and waits until it is ready. Throws a LabError with the end of its log. */
export async function start(name: string, component: Component, signal: AbortSignal): Promise<void> {
  if ((await pidOf(name)) !== undefined) return;
  const cgroup = await componentCgroup(name);
  await mkdir(cgroup, { recursive: true });
  await mkdir(join(runDir, 'pids'), { recursive: true });
  const log = await open(logPath(name), 'a');
  // The shell enters the cgroup and then becomes the component, so that none of its processes is ever outside.
  const enter = ['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', cgroup];
  const [program = '', ...args] = [...enter, ...insideNetwork(component.argv)];
  const child = spawn(program, args, {
    cwd: runDir,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { PATH: process.env.PATH, HOME: runDir, ...component.env },
  });
  await log.close();
  child.unref();
  let exit: string | undefined;
  child.once('exit', (code, killer) => {
    exit = killer ?? `exit code ${code}`;
  });
  await writeFile(pidPath(name), `${child.pid}`);
  try {
    await waitUntil(
      async () => {
        if (exit !== undefined) throw new LabError(`${name} ended with ${exit}`);
        return component.ready();
      },
      { what: `${name} ready`, timeout: 30_000, signal },
    );
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    throw new LabError(`${error.message}. The end of ${logPath(name)}:\n${await tail(name, 20)}`);
  }
}

/** Stops a component, with SIGKILL if SIGTERM does not stop it within 10 s. */
export async function stop(name: string, signal: AbortSignal): Promise<void> {
  const pid = await pidOf(name);
  if (pid === undefined) return;
  process.kill(pid, 'SIGTERM');
  const ended = async () => (await pidOf(name)) === undefined;
  await waitUntil(ended, { what: `end of ${name}`, timeout: 10_000, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    if (!(error instanceof LabError)) throw error;
    process.kill(pid, 'SIGKILL');
  });
  await rm(pidPath(name), { force: true });
}

export async function tail(name: string, lines: number): Promise<string> {
  return lastLines(await readFile(logPath(name), 'utf8').catch(() => '(no log)'), lines);
}
