import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../programs/commands.ts';
import { endOfLog, untilReady } from '../programs/processes.ts';
import { waitUntil } from '../programs/wait.ts';
import { componentCgroup } from './cgroup.ts';
import { logDir, runDir } from './layout.ts';
import { insideNetwork } from './network.ts';

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
  await writeFile(pidPath(name), `${child.pid}`);
  await untilReady(child, { name, log: logPath(name), ready: () => component.ready(), timeout: 30_000, signal });
}

/** Stops a component, with SIGKILL if SIGTERM does not stop it within some milliseconds. */
export async function stop(name: string, signal: AbortSignal, patience = 10_000): Promise<void> {
  const pid = await pidOf(name);
  if (pid === undefined) return;
  process.kill(pid, 'SIGTERM');
  const ended = async () => (await pidOf(name)) === undefined;
  await waitUntil(ended, { what: `end of ${name}`, timeout: patience, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    if (!(error instanceof LabError)) throw error;
    process.kill(pid, 'SIGKILL');
  });
  await rm(pidPath(name), { force: true });
}

export function tail(name: string, lines: number): Promise<string> {
  return endOfLog(logPath(name), lines);
}
