import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** One name for all that the lab owns on a machine: cache, state, network namespace, veth device, cgroup. */
export const LAB = 'sluice-lab';

interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** An error that the user can act on; only its message is shown. */
export class LabError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LabError';
  }
}

/** Runs a program to its end and returns its standard output. Throws a LabError with the end of its error output. */
export async function run(program: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  try {
    const { stdout } = await execute(program, [...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      signal: options.signal,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    options.signal?.throwIfAborted();
    const output = error instanceof Error && 'stderr' in error ? `${error.stderr}` : `${error}`;
    throw new LabError(`${program} ${args.join(' ')} failed:\n${lastLines(output || `${error}`, 15)}`);
  }
}

/** Passes a new folder to `work` and removes it afterwards. */
export async function inTemporaryFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), `${LAB}-`));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

export function say(text: string): void {
  process.stdout.write(`${LAB}: ${text}\n`);
}

/** Prints what was done and how long it took. */
export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  say(`${title} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  return result;
}
