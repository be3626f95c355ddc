/** The workflows of this repository, those that users copy, and the snippets of its READMEs. */
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface TextFile {
  /** Path in the repository. */
  readonly path: string;
  readonly text: string;
}

async function filesOf(patterns: readonly string[]): Promise<TextFile[]> {
  const paths = (await Array.fromAsync(glob([...patterns], { cwd: root }))).toSorted();
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })));
}

/** Run on this repository, or called from others. */
export const ownWorkflows = () => filesOf(['.github/workflows/*.yml']);

/** Copied by users. */
export const starters = () => filesOf(['workflows/*.yml']);

export const actionFiles = () => filesOf(['action.yml', 'actions/*/action.yml']);

export const readmes = () => filesOf(['README.md', 'actions/*/README.md', 'docs/*.md']);

/** A YAML block of a README, and the workflow of which it is a part; undefined if it is none. */
export interface Snippet extends TextFile {
  readonly workflow: string | undefined;
}

export async function snippets(): Promise<Snippet[]> {
  return (await readmes()).flatMap(({ path, text }) =>
    [...text.matchAll(/^```ya?ml\n([\s\S]*?)^```$/gm)].map(({ 1: block = '', index }) => {
      const line = text.slice(0, index).split('\n').length + 1;
      const action = /^actions\/([^/]+)\//.exec(path)?.[1];
      return { path: `${path}:${line}`, text: block, workflow: workflowOf(block, action) };
    }),
  );
}

const job = '  snippet:\n    runs-on: ubuntu-latest\n';

/**
 * Completes a part of a workflow with what its indentation shows to be missing.
 *
 * @param action whose README contains it: inputs alone are its inputs
 * @throws Error for a block that is neither a part of a workflow nor another known form
 */
export function workflowOf(block: string, action?: string): string | undefined {
  if (/^on:/m.test(block)) return block;
  if (/^jobs:/m.test(block)) return `on: push\n${block}`;
  const first = /^( *)(\S+)/.exec(block);
  const [indent, word] = [first?.[1]?.length ?? 0, first?.[2] ?? ''];
  // Kubernetes objects, plans, values of a chart.
  if (indent === 0 && (word === 'apiVersion:' || /^- \{/.test(block))) return undefined;
  if (indent === 2) return `on: push\njobs:\n${block}`;
  if (indent === 4) return `on: push\njobs:\n${job}${block}`;
  if (indent === 6 && word === '-') return `on: push\njobs:\n${job}    steps:\n${block}`;
  if (indent === 10 && action !== undefined) {
    return `on: push\njobs:\n${job}    steps:\n      - uses: OWNER/sluice/actions/${action}@v1\n        with:\n${block}`;
  }
  throw new Error(`It can't be told what this is a part of; indent it as it is in a workflow:\n${block}`);
}

/** One `uses:` of a file, with the comment after it. */
export interface Use {
  readonly at: string;
  readonly uses: string;
  readonly comment: string;
}

export function usesIn({ path, text }: TextFile): Use[] {
  return text.split('\n').flatMap((line, index) => {
    const [, uses, comment = ''] = /^\s*(?:- )?uses: *["']?([^\s"'#]+)["']?(?:\s+#\s*(.*))?$/.exec(line) ?? [];
    return uses === undefined ? [] : [{ at: `${path}:${index + 1}`, uses, comment }];
  });
}
