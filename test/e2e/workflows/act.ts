/**
 * Runs a workflow file as a user has it, with act (https://nektosact.com) on this machine itself: in a repository of its own
 * that holds nothing but the given files, with the actions of this repository in place of those that GitHub would download.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { buildWorkflowTools, programPath } from '../../../lab/cluster/programs.ts';
import type { Ended, Run } from '../../../lab/embedded/runner.ts';
import { exists } from '../../../lab/programs/cache.ts';
import { run as runToEnd } from '../../../lab/programs/commands.ts';

const root = join(import.meta.dirname, '../../..');

/** How workflows refer to this repository. */
const OURS = { repository: 'OWNER/sluice', ref: 'v1' } as const;

/** What of this repository actions and reusable workflows are made of. */
const PUBLISHED = ['action.yml', 'actions', 'dist', '.github/workflows'];

/** The versions that our workflows name; their services are GitHub's, which no test can reach. */
const UPLOAD = 'actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a';
const CACHE = 'actions/cache@55cc8345863c7cc4c66a329aec7e433d2d1c52a9';

/** The repository that workflows are of. */
const HOME = 'acme/shop';

type Values = Readonly<Record<string, string>>;

export interface WorkflowOptions {
  /** The workflow file. */
  readonly workflow: string;
  /** Without it, `push`. */
  readonly event?: 'push' | 'workflow_dispatch' | 'pull_request';
  /** `OWNER/NAME`; without it, `acme/shop`. */
  readonly repository?: string;
  /** What GitHub tells of the event. */
  readonly payload?: object;
  /** Of `workflow_dispatch`. */
  readonly inputs?: Values;
  readonly secrets?: Values;
  readonly vars?: Values;
  /** Further files of the repository: path → content. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** What is set up on the runner's machine: folders of programs, before its own ones, and variables. */
  readonly machine?: { readonly path: readonly string[]; readonly env: Values };
  /** Actions of other people: `owner/name@ref` → the folder that stands in for it. act does `actions/checkout` by itself. */
  readonly others?: Values;
  /** Milliseconds for all of it; then everything is killed. */
  readonly deadline: number;
  /** Takes each line as it comes. */
  readonly onLine?: (line: string) => void;
}

/** The outputs of one step of one job. */
interface StepOutputs {
  /** Name of the job, with its place in the matrix where there is one. */
  readonly job: string;
  /** `canary`; of a step inside a composite action, `release/canary`. */
  readonly step: string;
  readonly outputs: Values;
}

/** How a workflow ended. `status` is that of all jobs together; `outputs` are those of all steps, the later over the earlier. */
interface WorkflowEnded extends Ended {
  readonly steps: readonly StepOutputs[];
  /** Result of each job by its name. */
  readonly jobs: Readonly<Record<string, string>>;
}

/** As that of a single action. Cancelling is what the cancel button does, but that act kills the step that runs at once. */
export interface WorkflowRun extends Omit<Run, 'main' | 'ended'> {
  readonly ended: Promise<WorkflowEnded>;
}

/** The starter workflow of a name, as it is copied. */
export function starter(name: string): Promise<string> {
  return readFile(join(root, 'workflows', `${name}.yml`), 'utf8');
}

/** Starts a workflow; act is built at the first time. */
export async function runWorkflow(options: WorkflowOptions): Promise<WorkflowRun> {
  await buildWorkflowTools(AbortSignal.timeout(options.deadline));
  const folder = await mkdtemp(join(tmpdir(), 'sluice-act-'));
  const places = { home: join(folder, 'home'), repository: join(folder, 'repository'), sluice: join(folder, 'sluice') };
  try {
    await mkdir(places.home);
    await writeRepository(places.repository, options);
    await publish(places.sluice);
    return start(folder, places, await actArguments(places, options), options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

interface Places {
  readonly home: string;
  readonly repository: string;
  readonly sluice: string;
}

function start(
  folder: string,
  { home, repository }: Places,
  args: readonly string[],
  options: WorkflowOptions,
): WorkflowRun {
  // All that a job starts inherits it, by which the runner, too, finds what a job has left behind.
  const id = `act_${randomBytes(8).toString('hex')}`;
  const mark = `RUNNER_TRACKING_ID=${id}`;
  const child = spawn(programPath('act'), args, {
    cwd: repository,
    // Nothing of this process's own environment: a user's runner has none of it.
    env: {
      PATH: [...(options.machine?.path ?? []), dirname(process.execPath), process.env.PATH].join(delimiter),
      HOME: home,
      NO_COLOR: '1',
      RUNNER_TRACKING_ID: id,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const story = createStory(options.onLine);
  const read = Promise.all([child.stdout, child.stderr].map((stream) => readLines(stream, story.add)));
  const overdue = setTimeout(() => {
    story.add(`act had not ended after ${options.deadline / 1_000} s and was killed.`);
    void killMarked(mark);
  }, options.deadline);

  const finish = async (): Promise<WorkflowEnded> => {
    const status = await exitOf(child);
    clearTimeout(overdue);
    await killMarked(mark);
    await read;
    return { status, ...story.told() };
  };
  const ended = finish();
  return {
    workspace: repository,
    printed: story.log,
    cancel: () => void child.kill('SIGINT'),
    kill: () => void killMarked(mark),
    ended,
    async clean() {
      await killMarked(mark);
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A repository with one commit, as after the first push. */
async function writeRepository(
  repository: string,
  { workflow, files = {}, ...options }: WorkflowOptions,
): Promise<void> {
  for (const [path, content] of Object.entries({ ...files, '.github/workflows/workflow.yml': workflow })) {
    const file = join(repository, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  const identity = ['-c', 'user.name=alice', '-c', 'user.email=alice@acme.example', '-c', 'commit.gpgsign=false'];
  const git = (...args: string[]) => runToEnd('git', args, { cwd: repository });
  await git('init', '--quiet', '--initial-branch=main');
  await git('remote', 'add', 'origin', `https://github.com/${options.repository ?? HOME}.git`);
  await git('add', '--all');
  await git(...identity, 'commit', '--quiet', '--message=Release');
}

/** This repository as a runner would download it. act does not know `$/`, which means this repository at this commit. */
async function publish(folder: string): Promise<void> {
  for (const part of PUBLISHED) {
    if (await exists(join(root, part))) await cp(join(root, part), join(folder, part), { recursive: true });
  }
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.yml')) continue;
    const file = join(entry.parentPath, entry.name);
    await writeFile(file, withoutSelfReferences(await readFile(file, 'utf8')));
  }
}

function withoutSelfReferences(yaml: string): string {
  return yaml.replaceAll(/(\buses: *)\$\/(\S*)/g, (_, uses: string, path: string) => {
    const below = path === '' ? '' : `/${path}`;
    return `${uses}${OURS.repository}${below}@${OURS.ref}`;
  });
}

async function actArguments({ home, sluice }: Places, options: WorkflowOptions): Promise<string[]> {
  const { event = 'push', payload, inputs = {}, secrets = {}, vars = {}, others = {}, machine } = options;
  const eventFile = join(home, 'event.json');
  const given = { secret: secrets, var: vars, input: inputs };
  const files = await Promise.all(
    Object.entries(given).map(async ([kind, values]) => {
      const path = join(home, `${kind}.yml`);
      // JSON is YAML: nothing in a value needs quoting, and no secret is in the list of processes.
      await writeFile(path, JSON.stringify(values), { mode: 0o600 });
      return [`--${kind}-file`, path];
    }),
  );
  // act puts the inputs into the event by itself, where there is none yet.
  if (payload !== undefined) await writeFile(eventFile, JSON.stringify(payload));
  const repositories = {
    [`${OURS.repository}@${OURS.ref}`]: sluice,
    [UPLOAD]: join(import.meta.dirname, 'upload-artifact'),
    [CACHE]: join(import.meta.dirname, 'cache'),
    ...others,
  };
  return [
    event,
    '--json',
    ...['--platform', 'ubuntu-latest=-self-hosted'],
    ...['--actor', 'alice'],
    ...[
      '--env',
      'GITHUB_RUN_ID=1',
      '--env',
      `GITHUB_REPOSITORY=${options.repository ?? HOME}`,
      '--env',
      'RUNNER_NAME=act',
    ],
    ...Object.entries(machine?.env ?? {}).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...(payload === undefined ? [] : ['--eventpath', eventFile]),
    '--no-cache-server',
    // Also after a failure: nothing may be left of a job.
    '--rm',
    ...files.flat(),
    ...Object.entries(repositories).flatMap(([repository, folder]) => [
      '--local-repository',
      `${repository}=${folder}`,
    ]),
  ];
}

/** One line of act's log. Its `raw`, `arg` and `step` are not masked, so that only messages are kept for people. */
const entrySchema = z.object({
  msg: z.string().default(''),
  job: z.string().default(''),
  stepID: z.array(z.string()).default([]),
  command: z.string().optional(),
  name: z.string().optional(),
  arg: z.string().optional(),
  content: z.string().optional(),
  jobResult: z.string().optional(),
});

/** Gathers what the lines of act's log tell. */
function createStory(onLine: WorkflowOptions['onLine']) {
  const lines: string[] = [];
  const summaries: string[] = [];
  const steps = new Map<string, { job: string; step: string; outputs: Record<string, string> }>();
  const jobs: Record<string, string> = {};
  return {
    add(line: string): void {
      const entry = entryOf(line);
      const job = entry.job.trim();
      const step = entry.stepID.join('/');
      if (entry.command === 'set-output' && entry.name !== undefined) {
        const key = `${job} ${step}`;
        const known = steps.get(key) ?? { job, step, outputs: {} };
        known.outputs[entry.name] = entry.arg ?? '';
        steps.set(key, known);
      }
      if (entry.command === 'summary' && entry.content !== undefined) summaries.push(entry.content);
      if (entry.jobResult !== undefined) jobs[job] = entry.jobResult;
      // The summary is given apart, and outputs as well.
      if (entry.command === 'summary' || entry.command === 'set-output') return;
      const text = entry.msg.trimEnd();
      lines.push(text);
      onLine?.(text);
    },
    log: () => lines.join('\n'),
    told() {
      const all = [...steps.values()];
      const outputs: Record<string, string> = Object.assign({}, ...all.map((one) => one.outputs));
      return { log: lines.join('\n'), summary: summaries.join('\n'), outputs, steps: all, jobs };
    },
  };
}

function entryOf(line: string): z.infer<typeof entrySchema> {
  try {
    return entrySchema.parse(JSON.parse(line));
  } catch {
    // act's own last words are plain text.
    return entrySchema.parse({ msg: line });
  }
}

async function readLines(stream: NodeJS.ReadableStream, take: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream })) take(line);
}

function exitOf(child: ChildProcess): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? undefined));
  });
}

/** Ends every process with the mark in its environment: steps are in sessions of their own, which act's death leaves alone. */
async function killMarked(mark: string): Promise<void> {
  for (const id of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${id}/environ`, 'utf8').catch(() => '');
    if (!environment.split('\0').includes(mark)) continue;
    try {
      process.kill(Number(id), 'SIGKILL');
    } catch (error) {
      const endedMeanwhile = error instanceof Error && 'code' in error && error.code === 'ESRCH';
      if (!endedMeanwhile) throw error;
    }
  }
}
