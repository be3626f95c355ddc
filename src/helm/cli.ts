import * as z from 'zod';
import { SluiceError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import { type Ended, run } from '../core/process.ts';
import { type History, parseHistory } from './history.ts';
import { helmError } from './problems.ts';

/** Milliseconds for a command that only reads or renders. */
const READ_DEADLINE = 60_000;

/** Milliseconds that Helm gets, after its own `--timeout`, to write down how it ended. */
const RECORD_TIME = 30_000;

/** Milliseconds that Helm waits longer than the watcher beside it, which knows better why it is in vain. */
const MARGIN = 3_000;

/** What a release is, as `helm status` and the dry run of `helm upgrade` tell it with `-o json`. */
const releaseSchema = z.looseObject({
  info: z.looseObject({ status: z.string().default(''), notes: z.string().default('') }),
  /** Not part of `helm status`. */
  chart: z
    .looseObject({
      metadata: z.looseObject({ name: z.string(), version: z.string(), appVersion: z.string().default('') }),
    })
    .nullish(),
  /** What the user has set. */
  config: z.record(z.string(), z.unknown()).nullish(),
  manifest: z.string().default(''),
  hooks: z
    .array(
      z.looseObject({
        path: z.string().default(''),
        manifest: z.string().default(''),
        events: z.array(z.string()).nullish(),
      }),
    )
    .nullish(),
  version: z.number(),
  /** How its objects are written; a release of Helm 3 says nothing. */
  apply_method: z.string().optional(),
});
export type Release = z.infer<typeof releaseSchema>;

/** `helm get metadata` */
const factsSchema = z.looseObject({
  revision: z.number(),
  status: z.string().default(''),
  applyMethod: z.string().optional(),
});

/** Helm has met a kind that the cluster does not serve, or not any more. */
export function isUnknownKind(error: unknown): boolean {
  return error instanceof SluiceError && /no matches for kind|ensure CRDs are installed first/.test(error.problem);
}

export interface HelmOptions {
  /** `helm`, or where it is. */
  readonly file: string;
  readonly release: string;
  readonly namespace: string;
  /** KUBECONFIG and where Helm keeps repositories and logins; added to the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Global flags, such as `--kube-context`. */
  readonly flags: readonly string[];
  /** Takes what Helm prints while it changes something. */
  readonly onLine: (line: string) => void;
}

/** How a change is made. */
export interface ChangeOptions {
  /** Milliseconds for it, hooks and waiting included: Helm's `--timeout` counts each of them anew. */
  readonly timeout: number;
  /** Wait until what was written is ready. */
  readonly wait: boolean;
  readonly waitForJobs: boolean;
  readonly historyMax: number;
  /** Take over fields that another field manager holds (Helm 4). */
  readonly forceConflicts: boolean;
}

export interface Desired extends ChangeOptions {
  /** A folder or an archive. */
  readonly chart: string;
  /** `--values FILE`, `--set KEY=VALUE`, … */
  readonly values: readonly string[];
  /** Helm 4: `auto` is as the release has it. */
  readonly serverSide: 'auto' | 'true' | 'false';
}

export type Helm = ReturnType<typeof createHelm>;

/** The Helm CLI, for one release. Each command that fails throws the SluiceError that its output stands for. */
export function createHelm({ file, release, namespace, env, flags, onLine }: HelmOptions) {
  let major: Promise<number> | undefined;

  async function helm(
    args: readonly string[],
    signal: AbortSignal,
    policy: { deadline?: number; input?: string } = {},
  ) {
    const { deadline = READ_DEADLINE, input } = policy;
    const program = { file, args: [...args, ...flags], env, ...(input !== undefined && { input }) };
    const ended = await run(program, { signal, deadline });
    return succeeded(args, ended);
  }

  /** A command that changes the release: told to end, Helm 4 still writes down that the revision failed. */
  async function change(args: readonly string[], { timeout }: ChangeOptions, signal: AbortSignal): Promise<string> {
    const limit = Math.ceil((timeout + MARGIN) / 1_000);
    const program = { file, args: [...args, '--timeout', `${limit}s`, ...flags], env };
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

  const inNamespace = ['--namespace', namespace];

  function waitFlags({ wait, waitForJobs }: ChangeOptions): string[] {
    return wait ? ['--wait', ...(waitForJobs ? ['--wait-for-jobs'] : [])] : [];
  }

  async function upgradeArgs(desired: Desired, signal: AbortSignal): Promise<string[]> {
    const { chart, values, serverSide, forceConflicts, historyMax } = desired;
    const isHelm4 = (await version(signal)) >= 4;
    return [
      'upgrade',
      release,
      chart,
      '--install',
      ...inNamespace,
      ...values,
      ...(isHelm4 ? [`--server-side=${serverSide}`] : []),
      ...(isHelm4 && forceConflicts ? ['--force-conflicts'] : []),
      '--history-max',
      String(historyMax),
      // What the chart's own defaults are now, and what is given now: no value of an earlier release stays by accident.
      '--reset-values',
    ];
  }

  /** A revision as it was recorded, without a look at its objects, and without its hooks. */
  async function recorded(which: readonly string[], signal: AbortSignal): Promise<Release> {
    const get = (what: string, ...more: string[]) =>
      helm(['get', what, release, ...which, ...more, ...inNamespace], signal);
    const [manifest, values, facts] = await Promise.all([
      get('manifest'),
      get('values', '--output', 'json'),
      get('metadata', '--output', 'json'),
    ]);
    const { revision, status, applyMethod } = factsSchema.parse(parseJson(jsonIn(facts)));
    const config = parseJson(values.trim());
    return releaseSchema.parse({
      info: { status },
      config,
      manifest,
      version: revision,
      ...(applyMethod !== undefined && { apply_method: applyMethod }),
    });
  }

  /** The major version; read once. */
  function version(signal: AbortSignal): Promise<number> {
    major ??= helm(['version', '--template', '{{.Version}}'], signal).then(majorOf);
    return major;
  }

  return {
    version,

    /** Checks a chart and these values without a cluster. */
    async lint(chart: string, values: readonly string[], signal: AbortSignal): Promise<void> {
      await helm(['lint', chart, ...values, '--quiet', ...inNamespace], signal);
    },

    /**
     * Renders the release as the cluster would get it. Writes nothing.
     *
     * @param where `client` does not ask the cluster for anything: what a template looks up is empty, and no kind is unknown
     */
    async render(desired: Desired, signal: AbortSignal, where: 'server' | 'client' = 'server'): Promise<Release> {
      const args = await upgradeArgs(desired, signal);
      return parseRelease(await helm([...args, `--dry-run=${where}`, '--output', 'json'], signal));
    },

    /** The definitions of kinds that Helm installs before a release that is new: the chart's folder `crds`, as YAML. */
    definitions(chart: string, signal: AbortSignal): Promise<string> {
      return helm(['show', 'crds', chart], signal);
    },

    async history(signal: AbortSignal): Promise<History> {
      try {
        return parseHistory(jsonIn(await helm(['history', release, '--output', 'json', ...inNamespace], signal)));
      } catch (error) {
        if (error instanceof SluiceError && error.code === 'not-found' && error.about !== file) return [];
        throw error;
      }
    },

    /** A revision as it was recorded; without a number, the newest. */
    async release(revision: number | undefined, signal: AbortSignal): Promise<Release> {
      const which = revision === undefined ? [] : ['--revision', String(revision)];
      try {
        return parseRelease(await helm(['status', release, ...which, '--output', 'json', ...inNamespace], signal));
      } catch (error) {
        // Helm 4 looks at the objects as well, and fails at a kind that is gone.
        if (!isUnknownKind(error)) throw error;
        return recorded(which, signal);
      }
    },

    async upgrade(desired: Desired, signal: AbortSignal): Promise<void> {
      await change([...(await upgradeArgs(desired, signal)), ...waitFlags(desired)], desired, signal);
    },

    async rollback(revision: number, options: ChangeOptions, signal: AbortSignal): Promise<void> {
      const { historyMax, forceConflicts } = options;
      const force = forceConflicts && (await version(signal)) >= 4 ? ['--force-conflicts'] : [];
      const args = [
        'rollback',
        release,
        String(revision),
        ...inNamespace,
        '--history-max',
        String(historyMax),
        ...force,
      ];
      await change([...args, ...waitFlags(options)], options, signal);
    },

    /** Removes the objects and waits until they are gone. */
    async uninstall(options: ChangeOptions & { readonly keepHistory: boolean }, signal: AbortSignal): Promise<void> {
      const keep = options.keepHistory ? ['--keep-history'] : [];
      const args = ['uninstall', release, ...inNamespace, '--ignore-not-found', '--cascade', 'foreground', '--wait'];
      await change([...args, ...keep], options, signal);
    },

    /** Runs the chart's `test` hooks. */
    async test(options: ChangeOptions, signal: AbortSignal): Promise<void> {
      // Not with `--logs`, which fails where a test is a Job.
      await change(['test', release, ...inNamespace], options, signal);
    },

    /** Fetches a chart's archive into a folder; gives what Helm prints: for a registry, with the digest. */
    pull(reference: string, { folder, version: wanted, plainHttp }: PullOptions, signal: AbortSignal): Promise<string> {
      const versionFlag = wanted === undefined ? [] : ['--version', wanted];
      return helm(['pull', reference, '--destination', folder, ...versionFlag, ...plain(plainHttp)], signal);
    },

    /** Makes a repository known; the password never stands on a command line. */
    async addRepository(name: string, url: string, login: Login | undefined, signal: AbortSignal): Promise<void> {
      const { flags: loginFlags, input } = loginOf(login);
      await helm(['repo', 'add', name, url, ...loginFlags], signal, input);
    },

    async login(registry: string, login: Login, plainHttp: boolean, signal: AbortSignal): Promise<void> {
      const { flags: loginFlags, input } = loginOf(login);
      await helm(['registry', 'login', registry, ...loginFlags, ...plain(plainHttp)], signal, input);
    },
  };
}

export interface PullOptions {
  /** Where the archive goes. */
  readonly folder: string;
  readonly version: string | undefined;
  /** The registry has no TLS. */
  readonly plainHttp: boolean;
}

function plain(plainHttp: boolean): string[] {
  return plainHttp ? ['--plain-http'] : [];
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

function loginOf(login: Login | undefined): { flags: string[]; input: { input?: string } } {
  if (!login) return { flags: [], input: {} };
  return { flags: ['--username', login.username, '--password-stdin'], input: { input: login.password } };
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

function parseRelease(output: string): Release {
  return releaseSchema.parse(parseJson(jsonIn(output)));
}

/** Lines before the JSON are remarks of plugins and of Helm itself. */
function jsonIn(output: string): string {
  return output.slice(Math.max(0, output.search(/^[[{]/m)));
}
