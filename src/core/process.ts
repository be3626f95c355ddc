import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { childEnvironment, type JobToken } from './child-environment.ts';
import { SluiceError } from './errors.ts';

export interface Program {
  /** Name on the PATH, or a path. */
  readonly file: string;
  readonly args: readonly string[];
  /** Added to the environment that every program gets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Tokens of the job that the program needs; by default none. */
  readonly tokens?: readonly JobToken[];
  readonly cwd?: string;
  /** The standard input; by default empty. */
  readonly input?: string;
}

export interface ProgramPolicy {
  readonly signal: AbortSignal;
  /** The most milliseconds that it may take. */
  readonly deadline: number;
  /** Milliseconds from SIGTERM, at the deadline or when the signal aborts, to SIGKILL; default 5,000. */
  readonly grace?: number;
  /** Receives each line of both outputs as it comes. */
  readonly onLine?: (line: string) => void;
  /** Bytes of each output from which on the program is ended; default 100 million. */
  readonly most?: number;
}

const MOST_BYTES = 100_000_000;

/** How a program ended. Its outputs have no final line break. */
export interface Ended {
  /** Undefined if a signal ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end, never through a shell. The caller decides what its exit status means.
 *
 * @throws SluiceError `not-found` if there is no such program, `timed-out` at the deadline, `unsupported` if it prints too
 *   much; the signal's reason when that aborts
 */
export async function run(
  { file, args, env, tokens = [], cwd, input }: Program,
  { signal, deadline, grace = 5_000, onLine, most = MOST_BYTES }: ProgramPolicy,
): Promise<Ended> {
  signal.throwIfAborted();
  const excess = new AbortController();
  const running = execa(file, args, {
    extendEnv: false,
    env: childEnvironment(process.env, tokens, env),
    ...(cwd !== undefined && { cwd }),
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    cancelSignal: AbortSignal.any([signal, excess.signal]),
    timeout: deadline,
    forceKillAfterDelay: grace,
    reject: false,
    all: true,
    maxBuffer: most,
  });
  for (const output of [running.stdout, running.stderr]) abortBeyond(output, most, excess);
  if (onLine) for await (const line of running.iterable({ from: 'all' })) onLine(line);
  const result = await running;
  signal.throwIfAborted();
  if (result.timedOut) {
    throw new SluiceError('timed-out', {
      about: file,
      problem: `had not ended after ${deadline / 1_000} s.`,
      next: 'Look at its last lines above; a longer time may be all that it needs.',
    });
  }
  if (excess.signal.aborted || result.isMaxBuffer) {
    throw new SluiceError('unsupported', {
      about: file,
      problem: `was ended, as it printed more than is read (${most.toLocaleString('en')} bytes).`,
      next: 'Let it print less.',
    });
  }
  if (result.code === 'ENOENT') {
    throw new SluiceError('not-found', {
      about: file,
      problem: 'is not installed on this runner.',
      next: 'Install it in an earlier step.',
      cause: result.cause,
    });
  }
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
}

/** Execa itself stops reading at its limit, and leaves the program waiting until its deadline. */
function abortBeyond(output: Readable, most: number, excess: AbortController): void {
  let bytes = 0;
  output.on('data', (chunk: Uint8Array | string) => {
    bytes += chunk.length;
    if (bytes > most) excess.abort();
  });
}
