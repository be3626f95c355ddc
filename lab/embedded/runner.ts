/**
 * Runs a JavaScript action like the GitHub runner: inputs as INPUT_*, files for outputs, state and summary, the signals of a
 * cancellation at the runner's own times, and the post step with the state that main has saved.
 * https://docs.github.com/actions/reference/workflows-and-actions/metadata-syntax, and the runner's ProcessInvoker
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as yaml from 'yaml';
import * as z from 'zod';

/** Milliseconds from SIGINT to SIGTERM and from there to SIGKILL when a job is cancelled. */
const CANCEL_PATIENCE = { interrupt: 7_500, terminate: 2_500 };

const actionFile = z.object({
  inputs: z.record(z.string(), z.object({ default: z.string().optional() })),
  runs: z.object({ main: z.string(), post: z.string().optional() }),
});

export interface RunOptions {
  /** Folder of the `action.yml`. */
  readonly action: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** Inputs with other values in post: the runner evaluates them again. */
  readonly later?: Readonly<Record<string, string>>;
  /** What the other steps of the job do between main and post. */
  readonly between?: () => Promise<unknown>;
  /** In addition to a runner's variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files of an earlier step in the workspace: path → text. */
  readonly files?: Readonly<Record<string, string>>;
  /** Receives the action's output as it comes. */
  readonly onOutput?: (text: string) => void;
}

export interface Ended {
  /** Exit status of main; undefined if a signal ended it. */
  readonly status: number | undefined;
  readonly outputs: Readonly<Record<string, string>>;
  /** The job summary in Markdown. */
  readonly summary: string;
  /** The whole output of main and post. */
  readonly log: string;
}

export interface Run {
  readonly main: ChildProcess;
  /** The runner's workspace, in which the action may write files. */
  readonly workspace: string;
  /** The action's output so far. */
  printed(): string;
  /** Acts like the cancel button: SIGINT, later SIGTERM, later SIGKILL; post still runs. */
  cancel(): void;
  /** Acts like a lost runner: everything ends, and post does not run. */
  kill(): void;
  /** Resolves when main and post have ended. */
  readonly ended: Promise<Ended>;
  /** Removes the workspace. */
  clean(): Promise<void>;
}

/** Starts an action. */
export async function runAction(options: RunOptions): Promise<Run> {
  const file = actionFile.parse(yaml.parse(await readFile(join(options.action, 'action.yml'), 'utf8')));
  const workspace = await mkdtemp(join(tmpdir(), 'sluice-run-'));
  const files = {
    GITHUB_OUTPUT: join(workspace, '.output'),
    GITHUB_STATE: join(workspace, '.state'),
    GITHUB_STEP_SUMMARY: join(workspace, '.summary'),
  };
  await Promise.all(Object.values(files).map((path) => writeFile(path, '')));
  for (const [path, text] of Object.entries(options.files ?? {})) {
    await mkdir(dirname(join(workspace, path)), { recursive: true });
    await writeFile(join(workspace, path), text);
  }
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: workspace,
    RUNNER_TEMP: workspace,
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: workspace,
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'acme/shop',
    GITHUB_RUN_ID: '1',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_JOB: 'release',
    GITHUB_ACTOR: 'alice',
    ...files,
    ...inputVariables(file.inputs, options.inputs),
    ...options.env,
  };

  let log = '';
  let killed = false;
  const start = (entry: string, more: Readonly<Record<string, string>>) => {
    const child = spawn(process.execPath, [join(options.action, entry)], {
      cwd: workspace,
      env: { ...env, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        options.onOutput?.(text);
      });
    }
    return child;
  };

  const main = start(file.runs.main, {});
  const finish = async (): Promise<Ended> => {
    const status = await exitOf(main);
    if (file.runs.post && !killed) {
      await options.between?.();
      const state = parseFileCommands(await readFile(files.GITHUB_STATE, 'utf8'));
      const variables = Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]);
      const later = options.later && inputVariables({}, options.later);
      await exitOf(start(file.runs.post, { ...Object.fromEntries(variables), ...later }));
    }
    return {
      status,
      outputs: parseFileCommands(await readFile(files.GITHUB_OUTPUT, 'utf8')),
      summary: await readFile(files.GITHUB_STEP_SUMMARY, 'utf8'),
      log,
    };
  };

  return {
    main,
    workspace,
    printed: () => log,
    cancel() {
      main.kill('SIGINT');
      const later = setTimeout(() => {
        main.kill('SIGTERM');
        const last = setTimeout(() => main.kill('SIGKILL'), CANCEL_PATIENCE.terminate);
        main.once('exit', () => clearTimeout(last));
      }, CANCEL_PATIENCE.interrupt);
      main.once('exit', () => clearTimeout(later));
    },
    kill() {
      killed = true;
      main.kill('SIGKILL');
    },
    ended: finish(),
    clean: () => rm(workspace, { recursive: true, force: true }),
  };
}

/** The runner sets every declared input, with its default if the workflow does not set it. */
function inputVariables(
  declared: Readonly<Record<string, { default?: string | undefined }>>,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, { default: value = '' }] of Object.entries(declared)) values[name] = value;
  Object.assign(values, given);
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]),
  );
}

/** Reads `name=value` and `name<<DELIMITER … DELIMITER`, the format of the runner's command files. */
function parseFileCommands(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const heredoc = /^([^=]+?)<<(.+)$/.exec(line);
    const plain = /^([^=]+)=(.*)$/.exec(line);
    if (heredoc) {
      const [, name = '', delimiter = ''] = heredoc;
      const end = lines.indexOf(delimiter, index + 1);
      found[name] = lines.slice(index + 1, end).join('\n');
      index = end;
    } else if (plain) {
      const [, name = '', value = ''] = plain;
      found[name] = value;
    }
  }
  return found;
}

function exitOf(child: ChildProcess): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? undefined));
  });
}

/** Folder of one of the project's own actions. */
export function actionFolder(name: string): string {
  return join(dirname(dirname(import.meta.dirname)), 'actions', name);
}
