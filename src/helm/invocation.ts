import { SluiceError } from '../core/errors.ts';
import { type Ended, run } from '../core/process.ts';
import { helmError } from './problems.ts';

/** Milliseconds for a command that only reads or renders. */
const READ_DEADLINE = 60_000;

/** Milliseconds that Helm gets, after its own `--timeout`, to record how it ended. */
const RECORD_TIME = 30_000;

/** Milliseconds that Helm waits longer than the watcher, which gives the better reason for a failure. */
const MARGIN = 3_000;

export interface HelmOptions {
  /** `helm`, or its path. */
  readonly file: string;
  readonly release: string;
  readonly namespace: string;
  /** Added to the environment: KUBECONFIG, and where Helm keeps repositories and logins. */
  readonly env: Readonly<Record<string, string>>;
  /** Global flags, such as `--kube-context`. */
  readonly flags: readonly string[];
  /** Takes each line that Helm prints during a change. */
  readonly onLine: (line: string) => void;
}

/** How a change is made. */
export interface ChangeOptions {
  /** Milliseconds for the change, hooks and waiting included; Helm's `--timeout` applies to each of them separately. */
  readonly timeout: number;
  /** Wait until what was written is ready. */
  readonly wait: boolean;
  readonly waitForJobs: boolean;
  readonly historyMax: number;
  /** Take over fields that another field manager holds (Helm 4). */
  readonly forceConflicts: boolean;
}

export type Invocation = ReturnType<typeof createInvocation>;

/** A kubeconfig's exec plugin and Helm's plugins may log in to a cloud with the identity of this job. */
const tokens = ['identity'] as const;

/** Calls Helm for one release. A call that fails throws a SluiceError made from its output. */
export function createInvocation({ file, release, namespace, env, flags, onLine }: HelmOptions) {
  let major: Promise<number> | undefined;

  async function helm(
    args: readonly string[],
    signal: AbortSignal,
    policy: { deadline?: number; input?: string } = {},
  ): Promise<string> {
    const { deadline = READ_DEADLINE, input } = policy;
    const program = { file, args: [...args, ...flags], env, tokens, ...(input !== undefined && { input }) };
    const ended = await run(program, { signal, deadline });
    return succeeded(args, ended);
  }

  /** A command that changes the release. When it is told to end, Helm 4 still records that the revision failed. */
  async function change(args: readonly string[], { timeout }: ChangeOptions, signal: AbortSignal): Promise<string> {
    const limit = Math.ceil((timeout + MARGIN) / 1_000);
    const program = { file, args: [...args, '--timeout', `${limit}s`, ...flags], env, tokens };
    const lines: string[] = [];
    const ended = await run(program, {
      signal,
      deadline: timeout + RECORD_TIME,
      onLine: (line) => {
        lines.push(line);
        onLine(line);
      },
    });
    return succeeded(args, ended);
  }

  function succeeded(args: readonly string[], ended: Ended): string {
    if (ended.exitCode !== 0) throw helmError({ command: args[0] ?? '', release, namespace }, ended);
    return ended.stdout;
  }

  /** The major version; read once. */
  function version(signal: AbortSignal): Promise<number> {
    major ??= helm(['version', '--template', '{{.Version}}'], signal).then(majorOf);
    return major;
  }

  return { helm, change, version };
}

function majorOf(version: string): number {
  const [, major] = /^v?(\d+)\./.exec(version.trim()) ?? [];
  if (major !== undefined && Number(major) >= 3) return Number(major);
  throw new SluiceError('unsupported', {
    about: 'helm',
    problem: `has version ${version.trim() || '(none)'}, which is neither 3 nor 4.`,
    next: 'Install Helm 4 (or 3.13 and newer) in an earlier step.',
  });
}
