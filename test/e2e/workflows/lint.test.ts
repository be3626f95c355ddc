import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { buildWorkflowTools, programPath } from '../../../lab/cluster/programs.ts';
import { actionFiles, ownWorkflows, snippets, starters, type TextFile } from '../../support/workflow-files.ts';

beforeAll(() => buildWorkflowTools(AbortSignal.timeout(600_000)));

const findings = z.array(z.object({ message: z.string(), filepath: z.string(), line: z.number() }));

const reusable = await ownWorkflows();
const actions = await actionFiles();

/**
 * What actionlint says of a workflow. References to this repository, from outside and by `$/` (which actionlint 1.7.12 does
 * not know), become paths: of those it reads the action.yml or the reusable workflow, and checks inputs, outputs and secrets.
 */
async function lint({ path, text }: TextFile): Promise<string[]> {
  const project = await mkdtemp(join(tmpdir(), 'sluice-lint-'));
  try {
    const file = { path: `.github/workflows/${basename(path).replaceAll(/[^\w.-]/g, '-')}.yml`, text };
    for (const one of [...actions, ...actions.flatMap(bundlesOf), ...reusable, file]) {
      await mkdir(join(project, dirname(one.path)), { recursive: true });
      await writeFile(join(project, one.path), asPaths(one.text));
    }
    // Where the project begins.
    await mkdir(join(project, '.git'));
    // Other linters that may be installed here would make the result one of this machine.
    const args = ['-shellcheck=', '-pyflakes=', '-format', '{{json .}}', file.path];
    const { stdout, stderr } = await execa(programPath('actionlint'), args, {
      cwd: project,
      reject: false,
      timeout: 60_000,
    });
    if (stdout === '') throw new Error(`actionlint gave no findings: ${stderr}`);
    const lines = text.split('\n');
    return findings
      .parse(JSON.parse(stdout))
      .filter(({ line, message }) => !isMistaken(message, lines[line - 1] ?? ''))
      .map(({ line, message }) => `${path}:${line}: ${message}`);
  } finally {
    await rm(project, { recursive: true, force: true });
  }
}

/**
 * The inputs of actions/deployment-status that may name a step which comes later: the runner evaluates them once more for the
 * post step, which actionlint does not know.
 */
function isMistaken(message: string, line: string): boolean {
  return /^property "[\w-]+" is not defined/.test(message) && /^ +(verdict|report): \$\{\{ steps\./.test(line);
}

/** The bundles that an action.yml names; whether they are there is not asked here. */
function bundlesOf({ path, text }: TextFile): TextFile[] {
  const named = [...text.matchAll(/^ {2}(?:pre|main|post): (\S+)$/gm)];
  return named.map(({ 1: bundle = '' }) => ({ path: join(dirname(path), bundle), text: '' }));
}

function asPaths(yaml: string): string {
  return yaml.replaceAll(/(\buses: *)(?:\$|OWNER\/sluice)\/([^\s@]+)(?:@v1)?/g, '$1./$2');
}

describe('actionlint', async () => {
  const parts = (await snippets()).flatMap(({ path, workflow }) =>
    workflow === undefined ? [] : [{ path, text: workflow }],
  );

  it.each([...reusable, ...(await starters()), ...parts])('has nothing to say of $path', async (file) => {
    expect(await lint(file)).toEqual([]);
  });

  it.each([
    ['an input that does not exist', 'with: { rout: x }', /input "rout" is not defined in action "Sluice canary"/],
    ['an output that does not exist', `id: a\n      - run: echo \${{ steps.a.outputs.verdit }}`, /"verdit"/],
  ])('would say of %s', async (_, rest, expected) => {
    const text = `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: OWNER/sluice/actions/canary@v1\n        ${rest}\n`;
    expect((await lint({ path: 'wrong', text })).join()).toMatch(expected);
  });
});
