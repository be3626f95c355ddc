import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFilter, parseIgnoreFile, readIgnoreFile } from '../../../src/images/ignore-file.ts';

/** Whether a path is left out, looked at from the root down as the walk does. */
function ignores(text: string, path: string): boolean {
  const filter = createFilter(parseIgnoreFile(text));
  let matched: readonly boolean[] | undefined;
  let ignored = false;
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth += 1)
    ({ ignored, matched } = filter(parts.slice(0, depth).join('/'), matched));
  return ignored;
}

describe('a .dockerignore', () => {
  it.each([
    ['build', 'BUILD', false],
    ['**/charts', 'src/Charts/Pie.cs', false],
    ['**/charts', 'src/charts/Pie.cs', true],
    ['*.LOG', 'app.log', false],
    ['a+b.txt', 'a+b.txt', true],
    ['a+b.txt', 'aab.txt', false],
    ['a(b)', 'a(b)', true],
    ['**/+page.test.ts', 'src/routes/+page.test.ts', true],
    ['**/+page.test.ts', 'src/routes/+page.svelte', false],
    ['**/+page.test.ts', '+page.test.ts', true],
    // A pattern without a slash is for the context's root alone.
    ['*.md', 'docs/a.md', false],
    ['**/*.md', 'docs/a.md', true],
    ['/docs/', 'docs/a', true],
    ['./docs//x/..', 'docs/a', true],
    ['docs**', 'docs-old/a', true],
    ['src/**/b.txt', 'src/x/y/b.txt', true],
    ['src/**/b.txt', 'src/b.txt', true],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['a?c', 'a\u{1f680}c', true],
    ['[ab].txt', 'b.txt', true],
    ['[^ab].txt', 'b.txt', false],
    ['[!a].txt', 'b.txt', false],
    ['  docs \t', 'docs/a', true],
    ['\uFEFFdocs', 'docs', true],
    ['\uFEFF# docs\ndocs', 'docs', true],
    [' # docs', '# docs', true],
    ['docs\r\nx\r\n', 'docs', true],
    // The last line that names a path decides.
    ['*\n! src\n! files', 'src/a', false],
    ['*\n! src\n! files', 'other', true],
    ['!a\na', 'a', true],
    ['**\n!web\n!util/docker/web', 'util/docker/web/a', false],
    ['**\n!web\n!util/docker/web', 'util/docker/other', true],
    ['docs\n!docs/readme.md', 'docs/readme.md', false],
    ['docs\n!docs/**', 'docs/a/b', false],
    ['docs\n!docs/a\ndocs/a/b', 'docs/a/b', true],
  ])('%j: %s is left out: %s', (text, path, expected) => {
    expect(ignores(text, path)).toBe(expected);
    expect(parseIgnoreFile(text).unknown).toBeUndefined();
  });

  it.each(['ok\n[', 'ok\n[a', 'ok\n!', 'ok\na\\b', 'ok\n[z-a]', 'ok\n\uFFFD'])(
    'names the line that only the builder can read: %j',
    (text) => {
      expect(parseIgnoreFile(text)).toMatchObject({ patterns: [], unknown: expect.stringContaining('Line 2') });
    },
  );

  it('of buildah that is not plain to both leaves nothing out', () => {
    expect(parseIgnoreFile('docs\n*.md\n', 'buildah').patterns).toHaveLength(2);
    for (const text of ['docs\n!docs/a', '**/docs', 'docs ', '\uFEFFdocs', '[ab]'])
      expect(parseIgnoreFile(text, 'buildah')).toEqual({ patterns: [], unknown: undefined });
  });
});

describe('readIgnoreFile', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-ignore-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Which of these files is read; each leaves out its own name. */
  async function read(kind: 'buildx' | 'buildah', names: readonly string[]): Promise<string[]> {
    await Promise.all(names.map((name) => writeFile(join(folder, name), `${name}\n`)));
    const { patterns } = await readIgnoreFile(folder, join(folder, 'Dockerfile'), kind);
    return names.filter((name) => patterns.some((pattern) => pattern.matches(name)));
  }

  it.each<['buildx' | 'buildah', string[], string[]]>([
    ['buildx', ['.containerignore', '.dockerignore'], ['.dockerignore']],
    ['buildah', ['.containerignore', '.dockerignore'], ['.containerignore']],
    ['buildah', ['.dockerignore'], ['.dockerignore']],
    ['buildx', ['Dockerfile.dockerignore', '.dockerignore'], ['Dockerfile.dockerignore']],
    ['buildah', ['Dockerfile.containerignore', '.containerignore'], ['Dockerfile.containerignore']],
    ['buildah', ['Dockerfile.dockerignore', 'Dockerfile.containerignore'], ['Dockerfile.dockerignore']],
    ['buildx', ['.containerignore'], []],
  ])('%s with %j reads %j', async (kind, names, expected) => {
    expect(await read(kind, names)).toEqual(expected);
  });

  it('counts everything where the file beside the Dockerfile is empty', async () => {
    await writeFile(join(folder, 'Dockerfile.dockerignore'), '');
    expect(await read('buildx', ['.dockerignore'])).toEqual([]);
  });
});
