import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { vi } from 'vitest';

export interface InProcess {
  /** Runs a step of an action, with its environment in `process.env`. */
  readonly run: () => Promise<void>;
  /** Folder for outputs, state and summary: the same for all runs of a process, as the library remembers the summary's path. */
  readonly commands: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Files of the workspace: path → text. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface Shown {
  readonly failed: boolean;
  /** The output of both streams, masked like on the runner after the lines that name a secret. */
  readonly log: string;
  /** The files that the action has written: outputs, state, summary, and everything left in the temporary folder. */
  readonly files: ReadonlyMap<string, string>;
}

/** Runs an action in this process, as the runner starts it, and returns all that it has printed and written. */
export async function runInProcess({ run, commands: folder, inputs, env = {}, files = {} }: InProcess): Promise<Shown> {
  const workspace = await mkdtemp(join(tmpdir(), 'in-process-'));
  const [temp, given] = [join(workspace, 'temp'), join(workspace, 'files')];
  await Promise.all([temp, given].map((folder) => mkdir(folder)));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(given, path)), { recursive: true });
    await writeFile(join(given, path), text, { mode: 0o755 });
  }
  const commands = ['OUTPUT', 'STATE', 'STEP_SUMMARY'].map((name) => [`GITHUB_${name}`, join(folder, name)] as const);
  await Promise.all(commands.map(([, path]) => writeFile(path, '')));
  const variables = {
    HOME: given,
    RUNNER_TEMP: temp,
    GITHUB_WORKSPACE: given,
    GITHUB_RUN_ID: '1',
    GITHUB_JOB: 'planted',
    GITHUB_ACTOR: 'alice',
    ...Object.fromEntries(commands),
    ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
    ...env,
  };
  const printed: string[] = [];
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const write = (text: string | Uint8Array) => {
    printed.push(String(text));
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(write),
    vi.spyOn(process.stderr, 'write').mockImplementation(write),
    vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void write(String(warning))),
  ];
  try {
    await run();
    const failed = process.exitCode !== undefined && process.exitCode !== 0;
    const left = await Promise.all([contents(temp), contents(folder)]);
    return { failed, log: maskedByRunner(printed.join('')), files: new Map(left.flatMap((each) => [...each])) };
  } finally {
    process.exitCode = 0;
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
    await rm(workspace, { recursive: true });
  }
}

/** The runner masks what `add-mask` names, from that line on. */
function maskedByRunner(log: string): string {
  const masks: string[] = [];
  const lines = log.split('\n').map((line) => {
    const [, secret] = /^::add-mask::(.*)$/.exec(line) ?? [];
    if (secret === undefined) return masks.reduce((text, mask) => text.replaceAll(mask, '***'), line);
    const value = secret.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
    masks.push(...value.split(/\r?\n/).filter((part) => part !== ''));
    return '';
  });
  return lines.join('\n');
}

async function contents(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path, 'utf8')] as const)));
}
